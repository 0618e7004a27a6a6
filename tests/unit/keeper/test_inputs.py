"""The keeper's inputs: from a local reader's socket into the terminal, back-pressure, and how they are taken back."""

from __future__ import annotations

import errno
import os
import select
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from support.raw_terminal import RawTerminal

from roost.keeper.drain import Drain
from roost.keeper.inputs import PIECE_BYTES, Input, Inputs, Mouth
from roost.keeper.readers import Reader
from roost.keeper.sessions import Session, Stream, describe
from roost.keeper.state import State, decode_state, encode_state
from roost.platform import sealed_memory_file
from roost.ring.reader import RingReader
from roost.ring.reader_page import PAGE_BYTES, R_TAKEN


class Terminal(RawTerminal):
    """A raw terminal, its stream, and the inputs that one thread would serve."""

    def __init__(self) -> None:
        super().__init__()
        self.stream.mouth = self.mouth = Mouth(self.stream)
        self.epoll = select.epoll()
        self.ended: list[Input] = []
        self.keystrokes: list[Stream] = []
        self.inputs = Inputs(self.epoll, self.ended.append, self.keystrokes.append)
        self.opened: list[Any] = []

    def input(self) -> tuple[Input, socket.socket]:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        ours.setblocking(False)
        source = Input(ours.detach(), memoryview(bytearray(4096)).cast("Q"))
        self.inputs.add(self.mouth, source)
        self.opened += [source, theirs]
        return source, theirs

    def serve(self) -> None:
        """As long as something is ready."""
        while ready := self.epoll.poll(0):
            for fd, _ in ready:
                self.inputs.serve(fd)

    def read(self) -> bytes:
        """What the terminal has, emptied by turns with the inputs."""
        seen = bytearray()
        for _ in range(2000):
            self.serve()
            try:
                seen += os.read(self.slave, 65536)
            except BlockingIOError:
                if not select.select([self.slave], [], [], 0.05)[0]:
                    break
        return bytes(seen)

    def close(self) -> None:
        self.inputs.remove_all(self.mouth)
        for one in self.opened:
            one.close()
        self.mouth.close()
        self.epoll.close()
        super().close()


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    one = Terminal()
    yield one
    one.close()


def flood(sock: socket.socket, data: bytes) -> int:
    sent = 0
    while sent < len(data):
        try:
            sent += sock.send(data[sent : sent + 4096])
        except BlockingIOError:
            break
    return sent


def test_what_is_sent_is_typed_and_counted_in_the_page(terminal: Terminal) -> None:
    source, theirs = terminal.input()
    theirs.send(b"hello")
    assert terminal.read() == b"hello" and source.taken == source.words[R_TAKEN] == 5


def test_only_what_is_as_short_as_a_keystroke_is_told_of_as_one(terminal: Terminal) -> None:
    _, theirs = terminal.input()
    theirs.send(b"\x1b[1;5C")
    assert terminal.read() == b"\x1b[1;5C" and terminal.keystrokes == [terminal.stream]
    theirs.send(b"x" * 33)
    assert terminal.read() == b"x" * 33 and len(terminal.keystrokes) == 1


def test_what_a_terminal_took_before_it_went_away_is_counted_and_noted(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, theirs = terminal.input()
    theirs.send(b"abcdef")
    takes = iter([2, 3])

    def write(_fd: int, _data: bytes) -> int:
        count = next(takes, None)
        if count is None:
            raise OSError(errno.EIO, "the terminal is gone")
        return count

    monkeypatch.setattr("roost.keeper.inputs.os.write", write)
    terminal.serve()
    assert source.taken == source.words[R_TAKEN] == 5 and terminal.ended == [source]
    ring = RingReader(terminal.ring, writable=False)
    assert ring.input_from == 0
    ring.release()


def test_a_full_terminal_leaves_the_rest_in_the_sockets_and_loses_nothing(terminal: Terminal) -> None:
    one, first = terminal.input()
    two, second = terminal.input()
    data = os.urandom(1 << 20)
    sent = flood(first, data)
    terminal.serve()
    assert terminal.mouth.blocked is one and one.taken < sent and len(one.rest) <= PIECE_BYTES
    second.send(b"later")
    terminal.serve()
    assert two.taken == 0, "it came between the parts of a piece"
    sent += flood(first, data[sent:])
    seen = terminal.read()
    assert seen.replace(b"later", b"", 1) == data[:sent] and b"later" in seen
    assert terminal.mouth.blocked is None


def test_a_closed_socket_is_typed_to_its_end_and_told(terminal: Terminal) -> None:
    source, theirs = terminal.input()
    theirs.send(b"last words")
    theirs.close()
    assert terminal.read() == b"last words" and terminal.ended == [source]


@pytest.mark.parametrize("finishing", [True, False])
def test_an_input_that_is_taken_back_finishes_only_if_it_may(terminal: Terminal, finishing: bool) -> None:
    source, theirs = terminal.input()
    theirs.send(b"typed before")
    terminal.inputs.remove(terminal.mouth, source, finishing=finishing)
    theirs.send(b"typed after")
    assert terminal.read() == (b"typed before" if finishing else b"")
    assert source.taken == (12 if finishing else 0)


def test_dropping_the_one_that_waits_lets_the_others_go_on(terminal: Terminal) -> None:
    source, theirs = terminal.input()
    flood(theirs, os.urandom(1 << 20))
    _, other = terminal.input()
    terminal.serve()
    other.send(b"after all")
    terminal.inputs.remove(terminal.mouth, source, finishing=False)
    seen = terminal.read()
    assert seen.endswith(b"after all") and len(seen) == source.taken + 9


def test_the_ring_says_where_output_stood_and_wakes_the_daemon_once(terminal: Terminal) -> None:
    reader = RingReader(terminal.ring)
    assert reader.input_from is None and reader.input_at is None
    terminal.stream.writer.append(memoryview(b"prompt"))
    reader.watch_input()
    _, theirs = terminal.input()
    for _ in range(2):
        theirs.send(b"x")
        terminal.serve()
    assert reader.input_from == 6 and reader.input_at is not None
    assert os.eventfd_read(terminal.event) == 1
    reader.release()


def test_a_thread_that_was_stopped_leaves_no_command_undone(terminal: Terminal) -> None:
    reports: list[tuple[str, object]] = []
    wake = os.eventfd(0, os.EFD_NONBLOCK)
    drain = Drain(wake, lambda what, subject: reports.append((what, subject)), lambda _: None)
    drain.start()
    drain._stopping = True
    done: list[int] = []
    drain.when_settled(lambda: done.append(1))
    drain.stop()
    assert len(reports) == 1
    os.close(wake)


def test_an_upgrade_keeps_an_input_with_its_count_and_rest(terminal: Terminal) -> None:
    ours, theirs = socket.socketpair()
    read_end, write_end = os.pipe()
    reader = Reader(7, sealed_memory_file("page", PAGE_BYTES), write_end)
    reader.input = Input(ours.detach(), reader.words, taken=11, rest=b"rest")
    terminal.stream.readers = (reader,)
    session = Session("s", "", "pty", 1, 0.0)
    session.streams = [terminal.stream]
    state = State()
    state.sessions = [session]
    assert reader.input.fd in state.descriptors() and (50, 7) in describe(session)
    again = decode_state(encode_state(state)).sessions[0].streams[0]
    kept = again.readers[0].input
    assert kept is not None and (kept.taken, kept.rest) == (11, b"rest")
    assert again.mouth is not None and again.mouth.inputs == [kept] and again.mouth.fd != terminal.master
    again.mouth.close()
    again.writer.release()
    again.readers[0].words.release()
    again.readers[0]._map.close()
    reader.close(), theirs.close(), os.close(read_end)
    terminal.stream.readers = ()
