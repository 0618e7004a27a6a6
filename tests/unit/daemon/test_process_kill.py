"""Sweeps over a process table that changes while it is being killed."""

from __future__ import annotations

import signal

from roost.daemon.process_kill import TreeKill
from roost.platform.processes import Process


class World:
    """A process table in memory. `forks`: what happens just after a look at it; `deaf`: who survives a KILL."""

    def __init__(self, *rows: tuple[int, int]) -> None:
        self.table = {pid: Process(pid, ppid, pid, 0, pid * 10, "S", "p") for pid, ppid in rows}
        self.forks: list[tuple[int, int]] = []
        self.deaf: set[int] = set()
        self.sent: list[tuple[int, int]] = []

    def read(self) -> dict[int, Process]:
        now = dict(self.table)
        for pid, ppid in self.forks:
            self.table[pid] = Process(pid, ppid, pid, 0, pid * 10, "S", "p")
        self.forks = []
        return now

    def send(self, process: Process, number: int) -> bool:
        now = self.table.get(process.pid)
        if now is None or now.start_ticks != process.start_ticks:
            return False
        self.sent.append((process.pid, number))
        if number == signal.SIGKILL and process.pid not in self.deaf:
            del self.table[process.pid]
            for pid, child in list(self.table.items()):
                if child.ppid == process.pid:
                    self.table[pid] = Process(pid, 1, pid, 0, child.start_ticks, child.state, child.name)
        return True

    def kill(self, pid: int, spare: set[int] = frozenset()) -> TreeKill:  # type: ignore[assignment]
        return TreeKill(self.table[pid], spare, read_table=self.read, send=self.send)


def test_everything_below_the_root_is_killed_and_nothing_else() -> None:
    world = World((1, 0), (2, 1), (3, 2), (4, 3), (5, 1))
    kill = world.kill(2)
    assert kill.sweep() is True and kill.sweep() is False
    assert set(world.table) == {1, 5} and {pid for pid, _ in kill.killed} == {2, 3, 4}


def test_a_child_forked_during_the_look_does_not_escape() -> None:
    world = World((1, 0), (2, 1))
    kill = world.kill(2)
    world.forks = [(3, 2)]
    assert kill.sweep() is True
    assert set(world.table) == {1}


def test_all_stand_still_before_the_first_is_killed() -> None:
    world = World((1, 0), (2, 1), (3, 2))
    world.kill(2).sweep()
    assert [number for _, number in world.sent] == [signal.SIGSTOP] * 2 + [signal.SIGKILL] * 2


def test_one_that_does_not_die_is_tried_again_and_counted_once() -> None:
    world = World((1, 0), (2, 1), (3, 2))
    world.deaf = {3}
    kill = world.kill(2)
    assert kill.sweep() and kill.sweep()  # 3 belongs to init by now, and is still known
    world.deaf = set()
    assert kill.sweep() and not kill.sweep()
    assert len(kill.killed) == 2


def test_a_reused_pid_of_the_tree_is_left_alone() -> None:
    world = World((1, 0), (2, 1))
    kill = world.kill(2)
    world.table[2] = Process(2, 1, 2, 0, 999, "S", "another")
    assert kill.sweep() is False and set(world.table) == {1, 2}


def test_the_daemon_and_what_is_below_it_are_spared() -> None:
    world = World((1, 0), (2, 1), (3, 2), (4, 3))
    world.kill(2, spare={3}).sweep()
    assert set(world.table) == {1, 3, 4}


def test_zombies_count_as_gone() -> None:
    world = World((1, 0), (2, 1))
    kill = world.kill(2)
    world.table[2] = Process(2, 1, 2, 0, 20, "Z", "p")
    assert kill.sweep() is False and not kill.killed
