"""The keeper's guests: clients' connections that a draining thread serves between two words of the daemon."""

from __future__ import annotations

import errno
import os
import random
import select
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from support.raw_terminal import RawTerminal

from roost.daemon.guests import Guest as Lent
from roost.daemon.guests import Returned
from roost.keeper.guest_page import PAGE_BYTES
from roost.keeper.guests import MAX_GUESTS, PIECE_BYTES, PIECES_A_KEY, Guest, GuestList, Guests
from roost.keeper.sessions import Session, Stream, describe
from roost.plain_frames import input_frame, output_head
from roost.platform import sealed_memory_file
from roost.ring.reader import RingReader


class Place(RawTerminal):
    """A raw terminal with its stream, one thread's guests without the thread, and the daemon's end of a single one."""

    def __init__(self) -> None:
        super().__init__()
        self.epoll = select.epoll()
        self.keystrokes: list[Stream] = []
        self.streams = {self.master: self.stream}
        self.is_busy = False
        self.guests = Guests(self.epoll, self.streams, self.keystrokes.append, lambda: self.is_busy)
        ours, self.client = socket.socketpair()
        self.daemon = ours.dup()  # the same connection, as the daemon has it
        self.page = sealed_memory_file("test", PAGE_BYTES)
        self.client.setblocking(False)
        ours.setblocking(False)
        self.guest = Guest(1, self.stream, ours, self.page)
        self.stream.guests = (self.guest,)
        self.guests.add(self.guest)
        self.wakes = 0
        self.lent = Lent(self.page, wake=self._wake, drop=lambda then: then())

    def _wake(self) -> None:
        self.wakes += 1

    def lend(self) -> None:
        self.lent.lend(self.stream.writer.end)
        self.guests.look()

    def serve(self) -> None:
        """As long as something is ready."""
        while ready := self.epoll.poll(0):
            for fd, _ in ready:
                if fd in self.guests.by_fd:
                    self.guests.serve(self.guests.by_fd[fd])

    def put(self, data: bytes) -> None:
        """Output, as the thread stores it."""
        piece = memoryview(data)
        self.stream.writer.append(piece)
        if self.stream.guest is not None:
            self.guests.send(self.stream.guest, piece)

    def typed(self) -> bytes:
        """What the terminal was given."""
        try:
            return os.read(self.slave, 65536)
        except BlockingIOError:
            return b""

    def sent(self) -> bytes:
        """What the client was sent."""
        try:
            return self.client.recv(1 << 20)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        self.guests.close()
        self.guest.close()
        self.lent.release()
        self.epoll.close()
        for sock in (self.client, self.daemon):
            sock.close()
        os.close(self.page)
        super().close()


@pytest.fixture
def place() -> Iterator[Place]:
    one = Place()
    yield one
    one.close()


def frame(data: bytes) -> bytes:
    return output_head(len(data)) + data


def test_a_guest_is_left_alone_until_it_is_lent(place: Place) -> None:
    place.client.send(input_frame(b"a"))
    place.serve()
    place.put(b"out")
    assert not place.typed() and not place.sent() and not place.guest.is_lent


def test_keys_go_in_and_their_echo_out(place: Place) -> None:
    place.lend()
    assert place.wakes == 1 and place.lent.look() is None
    place.client.send(input_frame(b"a"))
    place.serve()
    assert place.typed() == b"a" and place.keystrokes == [place.stream]
    place.put(b"A")
    assert place.sent() == frame(b"A") and place.lent.offset == 1
    assert place.lent.newly_taken() == 1 and place.lent.newly_taken() == 0
    reader = RingReader(place.ring)
    assert reader.input_from == 0 and reader.read(0) == b"A"
    reader.release()


def test_a_key_beside_floods_of_others_is_the_daemons_to_read(place: Place) -> None:
    place.lend()
    place.is_busy = True
    place.client.send(input_frame(b"a"))
    place.serve()
    assert place.lent.look() == Returned(0, b"", b"") and place.daemon.recv(100) == input_frame(b"a")


def test_a_recall_is_answered_with_where_it_stands(place: Place) -> None:
    place.lend()
    place.put(b"abc")
    place.lent.recall()
    assert place.lent.look() is None
    place.guests.look()
    assert place.lent.look() == Returned(3, b"", b"") and place.lent.look() is None
    assert os.eventfd_read(place.event) == 1
    place.put(b"def")
    assert place.sent() == frame(b"abc")


def test_a_recall_before_the_thread_has_looked_is_answered_too(place: Place) -> None:
    place.lent.lend(0)
    place.lent.recall()
    place.guests.look()
    assert place.lent.look() == Returned(0, b"", b"") and not place.guest.is_lent
    place.lend()
    assert place.guest.is_lent


@pytest.mark.parametrize(
    "why",
    ["behind", "ended", "marked", "parked", "closed", "other", "busy"],
)
def test_a_loan_that_cannot_be_served_comes_back_at_once(place: Place, why: str) -> None:
    stream = place.stream
    if why == "behind":
        place.put(b"not sent yet")
    elif why == "ended":
        stream.finishing = True
    elif why == "marked":
        stream.late = True
    elif why == "parked":
        stream.is_parked = True
    elif why == "closed":
        place.streams.clear()
    elif why == "busy":
        place.is_busy = True
    else:
        stream.guest = place.guest
    place.lent.lend(0)
    place.guests.look()
    assert place.lent.look() == Returned(0, b"", b"") and not place.guest.is_lent
    stream.guest = None


@pytest.mark.parametrize(
    "sent",
    [
        b"\0\0\0\5\x12\3\x08\x18\x10",  # a resize
        input_frame(b"abc")[:-1],
        input_frame(b"abc")[:5],
        input_frame(b"x" * 130),
        b"\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\n",
        input_frame(b"x") * 100,
    ],
)
def test_what_is_not_keystrokes_comes_back_as_it_was_read(place: Place, sent: bytes) -> None:
    place.lend()
    place.client.send(sent)
    place.serve()
    assert place.lent.look() == Returned(0, b"", sent) and not place.typed()


def test_keystrokes_before_something_else_are_typed(place: Place) -> None:
    place.lend()
    place.client.send(input_frame(b"ab") + input_frame(b"c") + b"\0\0\0\2\x20\1")
    place.serve()
    assert place.lent.look() == Returned(0, b"", b"\0\0\0\2\x20\1") and place.typed() == b"abc"


def test_the_end_of_the_connection_is_the_daemons_to_see(place: Place) -> None:
    place.lend()
    place.client.send(input_frame(b"last"))
    place.client.shutdown(socket.SHUT_WR)
    place.serve()
    assert place.typed() == b"last" and place.lent.look() == Returned(0, b"", b"")
    assert place.daemon.recv(100) == b""


def test_what_the_terminal_does_not_take_comes_back_as_input(place: Place) -> None:
    place.lend()
    given = bytearray()
    key = input_frame(b"0123456789" * 12)
    while place.guest.is_lent:
        place.client.send(key)
        given += b"0123456789" * 12
        place.serve()
    returned = place.lent.look()
    assert returned is not None
    typed = bytearray()
    while data := place.typed():
        typed += data
    while data := (returned.read if len(typed) < len(given) else b""):
        assert len(data) == data[3] + 4
        typed += data[6:]
    assert typed == given and place.lent.newly_taken() == len(given) - len(returned.read[6:])


def test_a_terminal_that_is_gone_leaves_the_input_to_the_daemon(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.lend()
    place.client.send(input_frame(b"a"))

    def write(_fd: int, _data: bytes) -> int:
        raise OSError(5, "gone")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        place.serve()
    assert place.lent.look() == Returned(0, b"", input_frame(b"a"))


@pytest.mark.parametrize("size", [PIECE_BYTES + 1, 65536])
def test_output_that_is_more_than_an_echo_is_the_daemons(place: Place, size: int) -> None:
    place.lend()
    place.put(b"x" * PIECE_BYTES)
    place.put(b"y" * size)
    assert place.lent.look() == Returned(PIECE_BYTES, b"", b"") and place.sent() == frame(b"x" * PIECE_BYTES)


def test_output_that_goes_on_and_on_is_the_daemons(place: Place) -> None:
    place.lend()
    for _ in range(2):
        for _ in range(PIECES_A_KEY - 1):
            place.put(b"z")
        place.client.send(input_frame(b"k"))
        place.serve()
    for _ in range(PIECES_A_KEY + 5):
        place.put(b"z")
    returned = place.lent.look()
    assert returned is not None and returned.offset == 2 * (PIECES_A_KEY - 1) + PIECES_A_KEY
    assert place.sent() == frame(b"z") * returned.offset


def test_a_client_that_does_not_read_has_its_frame_finished_by_the_daemon(place: Place) -> None:
    place.lend()
    place.daemon.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    wanted = bytearray()
    while place.guest.is_lent:
        place.client.send(input_frame(b"k"))
        place.serve()
        piece = bytes([65 + len(wanted) % 26]) * 3000
        wanted += frame(piece)
        place.put(piece)
    returned = place.lent.look()
    assert returned is not None
    sent = bytearray()
    while data := place.sent():
        sent += data
    missing = 0 if returned.offset == place.stream.writer.end else len(frame(b"x" * 3000))
    assert sent + returned.rest == wanted[: len(wanted) - missing]


class Reluctant:
    """A client's connection that takes so many bytes and no more."""

    def __init__(self, takes: int) -> None:
        self.takes = takes

    def send(self, data: bytes, _flags: int) -> int:
        return min(self.takes, len(data))


@pytest.mark.parametrize("takes", [0, 1, 6, 7, 10])
def test_what_a_client_has_not_taken_of_a_frame_is_the_daemons_to_send(
    place: Place, monkeypatch: pytest.MonkeyPatch, takes: int
) -> None:
    place.lend()
    with monkeypatch.context() as patch:
        patch.setattr(place.guest, "sock", Reluctant(takes))
        place.put(b"abcdef")
    assert place.lent.look() == Returned(6, frame(b"abcdef")[takes:], b"")


def test_output_behind_some_that_was_not_sent_is_the_daemons(place: Place) -> None:
    place.lend()
    place.stream.writer.append(memoryview(b"kept back for want of memory"))
    place.put(b"next")
    assert place.lent.look() == Returned(0, b"", b"") and not place.sent()


def test_a_guest_that_goes_is_given_back_first(place: Place) -> None:
    place.lend()
    place.put(b"abc")
    place.guests.remove(place.guest)
    assert place.lent.look() == Returned(3, b"", b"")
    place.lent.lend(3)
    place.guests.look()
    assert place.lent.look() is None  # nobody is there who would answer
    assert place.lent.look(keeper_lost=True) == Returned(3, b"", b"")


def test_a_thread_that_ends_gives_all_back_also_what_it_has_not_seen(place: Place) -> None:
    place.lent.lend(0)
    place.guests.close()
    assert place.lent.look() == Returned(0, b"", b"")


def test_the_daemon_is_woken_for_input_if_it_asked_for_that(place: Place) -> None:
    reader = RingReader(place.ring)
    reader.watch_input()
    place.lend()
    for _ in range(2):
        place.client.send(input_frame(b"k"))
        place.serve()
    assert os.eventfd_read(place.event) == 1
    reader.release()


def test_an_entry_says_which_guest_is_lent(place: Place) -> None:
    session = Session("s", "", "pty", 1, 0.0)
    session.streams = [place.stream]
    session.stdin_fd = None
    from roost.keeper import messages as m

    assert not [value for tag, value in describe(session) if tag == m.T_GUEST]
    place.lend()
    assert [value for tag, value in describe(session) if tag == m.T_GUEST] == [1]


class NoDrains:
    """Threads that are told and do nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None

    def when_settled(self, _stream: Stream, then: Any) -> None:
        then()


def test_a_stream_has_so_many_guests_and_no_more(place: Place) -> None:
    place.stream.guests = ()
    known = GuestList(NoDrains())  # type: ignore[arg-type]
    numbers = []
    for _ in range(MAX_GUESTS):
        guest, page_fd = known.add(place.stream, place.client.fileno())
        os.close(page_fd)
        numbers.append(guest.id)
    with pytest.raises(Exception, match="guests"):
        known.add(place.stream, place.client.fileno())
    told: list[str] = []
    known.drop(place.stream, numbers[0], lambda: told.append("dropped"))
    known.drop(place.stream, numbers[0], lambda: told.append("not there"))
    assert told == ["dropped", "not there"] and len(place.stream.guests) == MAX_GUESTS - 1
    known.drop_all(place.stream)
    assert len(set(numbers)) == MAX_GUESTS and not place.stream.guests


@pytest.mark.parametrize("seed", range(30))
def test_in_any_order_of_steps_one_side_has_the_connection_and_nothing_is_lost(place: Place, seed: int) -> None:
    """The daemon lends, recalls, reads, types and sends; the thread looks and serves; the client types and reads."""
    chance = random.Random(seed)
    typed, given, shown, printed = bytearray(), bytearray(), bytearray(), bytearray()
    unread, offset, rest = b"", 0, b""
    place.daemon.setblocking(False)
    for _ in range(3000):
        step = chance.choice(["key", "put", "look", "serve", "lend", "recall", "daemon", "read", "big", "junk"])
        if step == "key":
            key = bytes(chance.choices(range(97, 123), k=chance.randint(1, 9)))
            given += key
            place.client.send(input_frame(key))
        elif step == "junk" and not chance.randrange(8):
            key = b"#" * 200
            given += key
            place.client.send(input_frame(key))
        elif step == "put" or (step == "big" and not chance.randrange(8)):
            data = bytes(chance.choices(range(65, 91), k=chance.randint(1, 20 if step == "put" else 5000)))
            printed += data
            place.put(data)
        elif step == "look":
            place.guests.look()
        elif step == "serve":
            place.serve()
        elif step == "read":
            shown += place.sent()
        elif step == "recall":
            place.lent.recall()
        else:
            returned = place.lent.look()
            if returned is not None:
                offset, rest, unread = returned.offset, returned.rest, unread + returned.read
            if place.lent.is_lent:
                continue
            assert place.stream.guest is None and not place.guest.is_lent
            if step == "lend" and not rest and not unread and offset == len(printed):
                place.lent.lend(offset)
            elif step == "daemon":
                try:
                    unread += place.daemon.recv(65536)
                except BlockingIOError:
                    pass
                while len(unread) > 3 and len(unread) >= 4 + unread[3]:
                    length = 4 + unread[3]
                    typed += unread[6 + (unread[5] >= 128) : length]
                    unread = unread[length:]
                if rest:
                    rest = rest[place.daemon.send(rest) :]
                elif offset < len(printed):
                    data = bytes(printed[offset:])
                    rest, offset = output_head(len(data)) + data, len(printed)
        typed += place.typed()
    place.lent.recall()
    place.guests.look()
    returned = place.lent.look() or Returned(offset, rest, b"")
    unread += returned.read
    with pytest.raises(BlockingIOError):
        while True:
            unread += place.daemon.recv(65536)
    while unread:
        length = 4 + unread[3]
        typed += unread[6 + (unread[5] >= 128) : length]
        unread = unread[length:]
    assert typed == given
    shown += place.sent() + returned.rest
    data = bytes(printed[returned.offset :])
    seen = bytearray()
    at = 0
    while at < len(shown):
        length = int.from_bytes(shown[at : at + 4], "big")
        head = len(output_head(next(n for n in range(length) if len(output_head(n)) + n == length + 4)))
        seen += shown[at + head : at + 4 + length]
        at += 4 + length
    assert seen + data == printed


def test_a_loan_that_the_kernel_has_no_memory_for_goes_back_at_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_fd: int, _events: int) -> None:
        raise OSError(errno.ENOMEM, "no memory")

    with monkeypatch.context() as patched:
        patched.setattr(place.guests, "_epoll", SimpleNamespace(register=refuse))
        place.lend()
    returned = place.lent.look()
    assert returned is not None and (returned.offset, returned.read, returned.rest) == (0, b"", b"")
    assert not place.guests.by_fd and place.stream.guest is None
    place.lend()
    assert place.guests.by_fd == {place.guest.fd: place.guest}
