"""The ring that events over HTTP come from: clients at the same place share a batch, and nobody is held at one."""

from __future__ import annotations

import asyncio
from typing import Any, cast
from unittest.mock import Mock

from roost.core.event_entry import Entry
from roost.core.events import EventFilter
from roost.daemon.http.event_ring import EventRing

ALL = EventFilter()


def ring(loop: asyncio.AbstractEventLoop, kept: int = 100) -> EventRing:
    """An empty one that a client has joined."""
    made = EventRing(loop, cast(Any, Mock()), cast(Any, Mock(settled=(1, 0))), kept)
    made.join()
    return made


def entries(first: int, last: int, category: str = "shell") -> list[Entry]:
    return [Entry((1, n), category, "prompt", "s-1", b"{}") for n in range(first, last + 1)]


async def test_whoever_comes_to_the_end_later_gets_what_came_meanwhile() -> None:
    events = ring(asyncio.get_running_loop())
    events.offer(entries(1, 3))
    await asyncio.sleep(0)
    end = events.end
    assert events.batch(end, ALL).count == 0  # one client has seen everything
    events.offer(entries(4, 5))  # nobody was woken yet
    late = events.batch(end, ALL)  # another one comes to the same place
    assert (late.count, late.place, late.key) == (2, events.end, (1, 5))


async def test_a_client_that_wants_nothing_of_it_passes_it() -> None:
    events = ring(asyncio.get_running_loop())
    events.offer(entries(1, 3))
    passed = events.batch(0, EventFilter(frozenset(("agent",))))
    assert (passed.body, passed.place, passed.key) == (b"", 3, (1, 3))


async def test_clients_at_the_same_place_share_a_batch_and_a_waiter_is_woken() -> None:
    events = ring(asyncio.get_running_loop())
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(events.wait(0))
        await asyncio.sleep(0)
        assert not waiting.done()
        events.offer(entries(1, 3))
    assert events.batch(0, ALL) is events.batch(0, ALL)


async def test_what_falls_out_of_the_ring_is_known_to_be_missing() -> None:
    events = ring(asyncio.get_running_loop(), kept=3)
    events.offer(entries(1, 5))
    assert (events.start, events.lapped(1), events.lapped(2)) == (2, True, False)
    assert (events.place_after((1, 1)), events.place_after((1, 2)), events.place_after((1, 4))) == (None, 2, 4)
