"""Work that was left behind an answer: its order, its bounds, and that nobody can tell."""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar

import pytest

from roost.core.events import EventFilter
from roost.daemon.behind import MOST, Behind
from roost.daemon.bus import EventBus
from roost.daemon.table import SessionTable

ASKED_BY: ContextVar[str] = ContextVar("asked_by", default="nobody")


async def test_it_is_done_in_order_by_whoever_settles() -> None:
    done: list[int] = []
    behind = Behind(asyncio.get_running_loop())
    for number in range(MOST):
        behind.leave(lambda number=number: done.append(number))
    assert done == []
    behind.settle()
    assert done == list(range(MOST))
    behind.settle()
    assert done == list(range(MOST)), "each once"


async def test_without_anybody_who_settles_it_is_done_soon() -> None:
    behind = Behind(asyncio.get_running_loop())
    for _ in range(2):  # also after it has been done once
        done = asyncio.Event()
        behind.leave(done.set)
        await asyncio.wait_for(done.wait(), 10)


async def test_no_more_than_a_few_are_left() -> None:
    done: list[int] = []
    behind = Behind(asyncio.get_running_loop())
    for number in range(MOST + 1):
        behind.leave(lambda number=number: done.append(number))
    assert done == list(range(MOST + 1))


async def test_one_that_fails_is_logged_and_the_others_are_done(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def fail() -> None:
        raise RuntimeError("a defect")

    behind = Behind(asyncio.get_running_loop())
    behind.leave(fail)
    behind.leave(lambda: done.append("next"))
    with caplog.at_level(logging.ERROR):
        behind.settle()
    assert done == ["next"]
    assert "a defect" in caplog.text


async def test_what_a_piece_of_it_calls_does_not_begin_the_next_one() -> None:
    seen: list[str] = []
    behind = Behind(asyncio.get_running_loop())

    def first() -> None:
        behind.settle()
        seen.append("first")

    behind.leave(first)
    behind.leave(lambda: seen.append("second"))
    behind.settle()
    assert seen == ["first", "second"]


async def test_it_is_done_in_the_name_of_who_asked_for_it() -> None:
    seen: list[str] = []
    behind = Behind(asyncio.get_running_loop())
    ASKED_BY.set("one")
    behind.leave(lambda: seen.append(ASKED_BY.get()))
    ASKED_BY.set("another")
    behind.settle()
    assert seen == ["one"]


async def test_whoever_looks_for_sessions_or_listens_to_events_has_it_done_first() -> None:
    behind = Behind(asyncio.get_running_loop())
    table, bus = SessionTable(), EventBus(1)
    table.settle = bus.settle = behind.settle
    done: list[str] = []
    looks = {
        "by id": lambda: table.by_id("s-none"),
        "by spawn id": lambda: table.by_spawn_id("none"),
        "by name": lambda: table.name_is_taken("none"),
        "all": lambda: list(table),
        "how many": lambda: len(table),
        "an event": lambda: bus.emit(None, "daemon", "test"),
        "somebody to listen": lambda: bus.subscribe(EventFilter(), lambda _event: None).close(),
    }
    for what, look in looks.items():
        behind.leave(lambda what=what: done.append(what))
        look()
        assert done[-1] == what
    behind.leave(lambda: done.append("left"))
    assert (table.here, table.here_by_spawn_id("none"), table.name_is_taken_here("none")) == (0, None, False)
    assert done[-1] != "left", "who starts sessions looks without it"
    behind.settle()
