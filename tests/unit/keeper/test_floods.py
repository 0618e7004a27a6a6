"""Whose turn it is among the floods of a draining thread: one of a few, all of many together."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from roost.keeper.floods import FEW_FLOODS, Floods
from roost.keeper.scratch import PTY_READ_BYTES, TOGETHER

if TYPE_CHECKING:
    from roost.keeper.scratch import Scratch
    from roost.keeper.sessions import Stream

FULL = memoryview(b"x" * PTY_READ_BYTES)


class Terminal:
    """What `Floods` sees of a stream; it is its own writer."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.is_pty = True
        self.is_ready = self.is_parked = self.finishing = self.late = False
        self.floods = 0
        self.has_room = True
        self.writer = self

    def room(self) -> int:
        return 1 << 62 if self.has_room else 0


class Thread:
    """The thread around it, which writes down what is done."""

    def __init__(self, count: int) -> None:
        self.done: list[tuple[str, list[int]]] = []
        self.answers: dict[int, tuple[memoryview, bool]] = {}
        self.full: set[int] = set()
        self.floods = Floods(cast("Scratch", self), self.serve, self.store)
        self.terminals = [Terminal(fd) for fd in range(count)]
        for terminal in self.terminals:
            self.floods.note(cast("Stream", terminal), PTY_READ_BYTES)
            self.floods.put(cast("Stream", terminal))

    def in_rounds(self, fds: list[int]) -> list[tuple[memoryview, bool]]:
        self.done.append(("together", fds))
        return [self.answers.get(fd, (FULL, True)) for fd in fds]

    def serve(self, stream: Stream) -> None:
        self.done.append(("alone", [cast("int", stream.fd)]))
        stream.is_ready = False

    def store(self, stream: Stream, piece: memoryview) -> bool:
        assert piece
        return stream.fd not in self.full


def test_of_a_few_each_has_a_turn_of_its_own_and_others_are_looked_at_in_between() -> None:
    thread = Thread(FEW_FLOODS)
    thread.floods.serve()
    assert thread.done == [("alone", [0])] and not thread.floods.are_many
    thread.floods.serve()
    assert thread.done == [("alone", [0]), ("alone", [1])]


def test_many_are_read_together_as_long_as_they_give_full_reads() -> None:
    thread = Thread(TOGETHER + 2)
    thread.answers = {0: (FULL[:10], False), 3: (FULL, False), 4: (FULL[:0], False)}
    thread.full = {1}
    thread.floods.serve()
    everyone = list(range(TOGETHER + 2))
    left = [fd for fd in everyone if fd not in (0, 1, 3, 4)]
    assert thread.done == [
        ("together", everyone[:TOGETHER]),
        ("together", everyone[TOGETHER:]),
        ("together", left),
    ]
    assert [terminal.fd for terminal in thread.terminals if not terminal.is_ready] == [0, 1, 3, 4]
    assert [terminal.fd for terminal in thread.terminals if not terminal.floods] == [0, 4]


def test_who_must_stop_somewhere_has_a_turn_of_its_own_among_many() -> None:
    thread = Thread(FEW_FLOODS + 3)
    thread.terminals[0].has_room = False
    thread.terminals[1].finishing = True
    thread.terminals[2].late = True
    thread.floods.serve()
    rest = [terminal.fd for terminal in thread.terminals[3:]]
    assert thread.done == [("together", rest), ("alone", [0]), ("alone", [1]), ("alone", [2]), ("together", rest)]


def test_with_the_last_of_many_gone_the_others_are_a_few_again() -> None:
    thread = Thread(FEW_FLOODS + 1)
    assert thread.floods.are_many
    thread.floods.remove(cast("Stream", thread.terminals[2]))
    assert not thread.floods.are_many
    for _ in range(FEW_FLOODS):
        thread.floods.serve()
    assert not thread.floods.waiting and [fds for _, fds in thread.done] == [[0], [1], [3], [4]]


def test_bursts_that_have_long_been_over_do_not_make_one_flood_many() -> None:
    thread = Thread(FEW_FLOODS + 4)
    thread.answers = dict.fromkeys(range(1, FEW_FLOODS + 4), (FULL, False))
    thread.floods.serve()
    assert thread.floods.are_many and [stream.fd for stream in thread.floods.waiting] == [0]
    for _ in range(100):
        if thread.floods.are_many:
            thread.floods.serve()
    assert not thread.floods.are_many and thread.terminals[0].floods
    assert not any(terminal.floods for terminal in thread.terminals[1:])
