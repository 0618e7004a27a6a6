"""Looks at /proc for sessions that end: one after the other, and each for everybody who asked before it began."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from roost.daemon import terminator
from roost.daemon.terminator import Terminator
from roost.platform.processes import Membership, Process


async def _no_pin(_session: Any, _on: bool) -> None: ...


def _session(id: str) -> Any:
    return SimpleNamespace(id=id, membership=lambda: Membership(session_id=id, leader_pid=None, tty_nr=None))


class Looks:
    """Stands for the look at /proc; each one lasts until it is let go."""

    def __init__(self) -> None:
        self.asked_for: list[list[str]] = []
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)

    def look(self, groups: list[Membership], _exclude: set[int]) -> dict[str, list[Process]]:
        self.asked_for.append([group.session_id for group in groups])
        self.begun.release()
        assert self.may_end.acquire(timeout=20)
        return {group.session_id: [] for group in groups}


async def test_who_asks_during_a_look_shares_the_next_one_with_all_who_do(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks()
    monkeypatch.setattr(terminator, "_scan_processes", looks.look)
    async with asyncio.TaskGroup() as tasks:
        ending = Terminator(tasks, pin=_no_pin, save=lambda _: None, exclude=set)
        first = tasks.create_task(ending.collect(_session("a")))
        assert await asyncio.to_thread(looks.begun.acquire, timeout=20)
        late = [tasks.create_task(ending.collect(_session(id))) for id in "bcd"]
        await asyncio.sleep(terminator.GATHER_S * 3)
        assert looks.asked_for == [["a"]], "a second look began beside the first"
        looks.may_end.release(2)
        assert await first == []
        assert [await one for one in late] == [[], [], []]
    assert looks.asked_for == [["a"], ["b", "c", "d"]]


async def test_a_look_that_fails_is_told_to_its_askers_and_the_next_one_is_had(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [OSError("no descriptors"), {"b": []}]

    def look(_groups: list[Membership], _exclude: set[int]) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(terminator, "_scan_processes", look)
    async with asyncio.TaskGroup() as tasks:
        ending = Terminator(tasks, pin=_no_pin, save=lambda _: None, exclude=set)
        with pytest.raises(OSError, match="no descriptors"):
            await ending.collect(_session("a"))
        assert await ending.collect(_session("b")) == []
