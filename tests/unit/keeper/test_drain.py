"""A draining thread on real terminals: many floods and what is left of them, and a keystroke's echo."""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Iterator

import pytest
from support.instance import eventually
from support.raw_terminal import RawTerminal

from roost.keeper import drain as drain_module
from roost.keeper.drain import Drain
from roost.keeper.floods import FEW_FLOODS
from roost.keeper.inputs import Input, Mouth

_CAPACITY = 1 << 20


class Thread:
    """A thread that drains so many raw terminals."""

    def __init__(self, count: int) -> None:
        self.wake = os.eventfd(0, os.EFD_NONBLOCK)
        self.log: list[str] = []
        self.drain = Drain(self.wake, lambda _what, _subject: None, self.log.append)
        self.terminals: list[RawTerminal] = []
        for number in range(count):
            terminal = RawTerminal(f"s{number}", capacity=_CAPACITY)
            os.set_blocking(terminal.slave, True)  # as a child has it
            self.terminals.append(terminal)
            self.drain.add_fresh(terminal.stream)
        self.slaves = [terminal.slave for terminal in self.terminals]
        self.streams = [terminal.stream for terminal in self.terminals]
        self.drain.start()

    def ends(self) -> list[int]:
        return [stream.writer.end for stream in self.streams]

    def close(self) -> None:
        self.drain.stop()
        for terminal in self.terminals:
            if terminal.stream.mouth is not None:
                terminal.stream.mouth.close()
            terminal.close()
        os.close(self.wake)


@pytest.fixture
def many() -> Iterator[Thread]:
    thread = Thread(FEW_FLOODS + 2)
    yield thread
    thread.close()


@pytest.fixture
def one() -> Iterator[Thread]:
    thread = Thread(1)
    yield thread
    thread.close()


def write_all(fd: int, length: int) -> None:
    left = memoryview(bytes(65536) * (length // 65536))
    while left:
        left = left[os.write(fd, left) :]


def flood(thread: Thread, length: int) -> None:
    """Write so much to every terminal at once, and wait until all of it is in the rings."""
    wanted = [end + length for end in thread.ends()]
    writers = [threading.Thread(target=write_all, args=(slave, length)) for slave in thread.slaves]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    eventually(lambda: thread.ends() == wanted)


def test_what_many_floods_needed_is_given_back_behind_them_and_had_again(
    monkeypatch: pytest.MonkeyPatch, many: Thread
) -> None:
    monkeypatch.setattr(drain_module, "_KEPT_S", 0.05)
    for _ in range(2):
        eventually(lambda: flood(many, 1 << 20) or many.drain._scratch.is_large)
        eventually(lambda: not many.drain._scratch.is_large)
    assert many.log == []


def test_an_echo_that_is_looked_for_comes_whole_whether_it_is_quick_or_late(one: Thread) -> None:
    stream = one.streams[0]
    stream.mouth = Mouth(stream)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    source = Input(ours.detach(), memoryview(bytearray(4096)).cast("Q"))
    one.drain.type_from(stream.mouth, source)
    for number in range(200):
        theirs.send(bytes([number]))
        assert os.read(one.slaves[0], 10) == bytes([number])
        if number % 50 == 0:  # longer than any look
            select.select([], [], [], 0.002)
        os.write(one.slaves[0], b"%03d" % number)
        eventually(lambda end=3 * (number + 1): one.ends() == [end])  # type: ignore[misc]
    assert os.pread(stream.ring_fd, 600, 4096) == b"".join(b"%03d" % number for number in range(200))
    one.drain.stop_typing(stream.mouth, source, finishing=False)
    theirs.close()
    eventually(lambda: stream.mouth is not None and not stream.mouth.inputs)
    source.close()
    assert one.log == []


def test_a_command_that_goes_wrong_is_told_and_ends_neither_the_thread_nor_the_next_command(one: Thread) -> None:
    def fail(_: object) -> None:
        raise OSError("as when the kernel has no memory")

    done: list[object] = []
    one.drain._ask(fail, None)
    one.drain._ask(done.append, 1)
    os.write(one.slaves[0], b"still drained")
    eventually(lambda: one.ends() == [13] and done == [1])
    assert len(one.log) == 1 and "no memory" in one.log[0]
