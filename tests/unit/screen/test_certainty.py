"""When a screen that began in the midst of the output is known again."""

from __future__ import annotations

import pytest

from roost.screen.certainty import Certainty

TELLING = [
    b"\x1bc",
    b"\x1b[H\x1b[2J",
    b"\x1b[H\x1b[J",
    b"\x1b[1;1H\x1b[m\x1b[0J",
    b"\x1b[2J\x1b[H",
    b"\x1b[2J\x1b[5;7H",
    b"\x1b[?1049h",
]


@pytest.mark.parametrize("sequence", TELLING)
def test_a_clear_ends_the_doubt_wherever_it_is_cut(sequence: bytes) -> None:
    for cut in range(len(sequence) + 1):
        certainty = Certainty(exact=False)
        assert certainty.approximate
        certainty.feed(b"text" + sequence[:cut])
        certainty.feed(sequence[cut:] + b"text")
        assert not certainty.approximate


@pytest.mark.parametrize("sequence", [b"\x1b[2;1H\x1b[J", b"\x1b[K", b"\x1b[1J", b"\x1b[2Jtext", b"\x1b[H\x1b[K"])
def test_other_sequences_leave_it(sequence: bytes) -> None:
    certainty = Certainty(exact=False)
    certainty.feed(sequence)
    assert certainty.approximate


def test_the_two_screens_are_known_apart() -> None:
    certainty = Certainty(exact=False)
    certainty.feed(b"\x1b[?1049h")
    assert not certainty.approximate
    certainty.feed(b"\x1b[?1049l")
    assert certainty.approximate, "what the alternate screen hid is as uncertain as before"
    certainty.scrolled(23, 24)
    assert certainty.approximate
    certainty.scrolled(24, 24)
    assert not certainty.approximate and certainty.complete


def test_a_screen_from_the_beginning_is_never_in_doubt() -> None:
    assert not Certainty(exact=True).approximate
