"""A terminal's size by who types: what is remembered of the last who typed must not outlive what makes it matter."""

from __future__ import annotations

import asyncio

from roost.core.sizing import Winsize
from roost.daemon.window import Window


async def test_who_types_gets_the_size_again_after_whatever_took_it_from_them() -> None:
    told: list[Winsize] = []
    window = Window(asyncio.get_running_loop(), Winsize(24, 80), "latest", told.append)
    window.join("a", 30, 100)
    window.typed("a")
    window.typed("a")
    assert told == [(30, 100)]
    window.join("b", 40, 120)
    assert told[1:] == [(40, 120)]
    window.typed("a")
    assert told[2:] == [(30, 100)]
    window.typed("b")
    window.leave("b")
    window.typed("a")
    assert told[3:] == [(40, 120), (30, 100)]
    window.close()


async def test_who_types_in_the_middle_of_a_drag_has_the_new_size_at_once() -> None:
    """The first size of a drag is applied at once, the next ones a moment later; a key in between applies them."""
    window = Window(asyncio.get_running_loop(), Winsize(24, 80), "latest", lambda _size: None)
    window.join("a", 30, 100)
    window.typed("a")
    for rows in (31, 32):
        window.client_resized("a", rows, 100, known=True)
    assert window.size == (31, 100)
    window.typed("a")
    assert window.size == (32, 100)
    window.close()
