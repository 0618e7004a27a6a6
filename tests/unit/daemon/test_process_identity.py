"""Whether a registry entry still means the process at its pid."""

from __future__ import annotations

from dataclasses import replace

import pytest

from roost.daemon.process_identity import (
    ALIVE,
    GONE,
    REUSED,
    UNKNOWN,
    ZOMBIE,
    Entry,
    Seen,
    choose_parent,
    identify,
    judge,
    originator_pid,
)
from roost.platform.processes import Process

BOOT = "boot-a"
NOBODY = Seen()


def process(pid: int = 10, start_ticks: int = 5000, *, ppid: int = 1, state: str = "S") -> Process:
    return Process(pid, ppid, pid, 0, start_ticks, state, "prog")


def seen(at: Process, started_at: float = 1000.0) -> Seen:
    return Seen(at, started_at)


ENTRY = Entry(10, 1000.0, "subprocess", "prog", "/", "tool:7", "contained", 1001.0, BOOT, start_ticks=5000)


def test_the_same_start_is_the_same_process() -> None:
    assert judge(ENTRY, seen(process()), NOBODY, BOOT).state == ALIVE


def test_another_start_is_a_reused_pid_even_within_the_same_second() -> None:
    verdict = judge(ENTRY, seen(process(start_ticks=5001)), NOBODY, BOOT)
    assert verdict.state == REUSED and "reused" in verdict.reason and not verdict.orphaned


def test_no_process_is_gone_and_an_unreadable_one_is_unknown() -> None:
    assert judge(ENTRY, NOBODY, NOBODY, BOOT).state == GONE
    assert judge(ENTRY, Seen(hidden=True), NOBODY, BOOT).state == UNKNOWN


def test_after_a_reboot_the_same_pid_and_ticks_are_somebody_else() -> None:
    assert judge(ENTRY, seen(process()), NOBODY, "boot-b").state == GONE


def test_an_unreaped_process_is_a_zombie_and_no_orphan() -> None:
    entry = replace(ENTRY, parent_pid=7, parent_ticks=1)
    verdict = judge(entry, seen(process(state="Z")), NOBODY, BOOT)
    assert verdict.state == ZOMBIE and not verdict.orphaned


@pytest.mark.parametrize(
    ("told", "is_it"), [(0.0, True), (998.0, True), (1002.0, True), (997.9, False), (1002.1, False)]
)
def test_a_told_start_may_be_two_seconds_off(told: float, is_it: bool) -> None:
    assert (identify(told, seen(process(), 1000.0)) == 5000) is is_it
    assert identify(told, NOBODY) is None


def test_a_process_that_was_not_there_when_registered_is_judged_by_the_told_start() -> None:
    entry = replace(ENTRY, start_ticks=None)
    assert judge(entry, seen(process(), 1001.0), NOBODY, BOOT).state == ALIVE
    assert judge(entry, seen(process(), 1003.0), NOBODY, BOOT).state == REUSED
    assert judge(replace(entry, created_at=0.0), seen(process(), 1001.0), NOBODY, BOOT).state == REUSED


def test_an_orphan_is_one_whose_parent_is_gone_or_has_become_another_process() -> None:
    entry = replace(ENTRY, parent_pid=7, parent_ticks=100)
    parent = seen(process(7, 100))
    assert judge(entry, seen(process()), parent, BOOT).parent_alive
    for now in (NOBODY, seen(process(7, 101)), seen(process(7, 100, state="Z"))):
        verdict = judge(entry, seen(process()), now, BOOT)
        assert verdict.orphaned and not verdict.parent_alive and "parent 7" in verdict.reason


def test_detached_processes_are_never_orphans_but_their_parent_is_told_truly() -> None:
    entry = replace(ENTRY, parent_pid=7, parent_ticks=100, containment="detached")
    verdict = judge(entry, seen(process()), NOBODY, BOOT)
    assert not verdict.orphaned and not verdict.parent_alive and verdict.reason == ""


@pytest.mark.parametrize(
    ("originator", "pid"),
    [("tool:12", 12), ("a:b:12", 12), ("tool:x12", 0), ("12", 0), ("tool:", 0), ("", 0), ("t:" + "9" * 30, 0)],
)
def test_an_originator_names_a_pid_behind_its_last_colon(originator: str, pid: int) -> None:
    assert originator_pid(originator) == pid


def test_the_originators_process_is_the_parent_only_if_it_was_there_first() -> None:
    child, parent = process(10, 500), process(5, 100)
    assert choose_parent(child, process(7, 400), parent) == (7, 400)
    assert choose_parent(child, process(7, 501), parent) == (5, 100)
    assert choose_parent(child, None, parent) == (5, 100)
    assert choose_parent(child, None, None) == (0, 0)
