"""Guests: clients of the daemon whose connections a draining thread serves in quiet moments, keys in and echo out.

The daemon lends a connection when its client has been sent everything, and takes it back before it does anything else
with it. While it is lent the thread reads it, types what comes in short frames of input, and sends short output as
frames of output. Everything else it gives back at once, with what it has read and what it could not send, and the
daemon goes on from there: what is no keystroke; input that the terminal does not take whole; output that is a full read
of the terminal, goes on and on or is not taken by the client; the child's end; floods of others. One side has the
connection at any time (`guest_page`), and all of a stream belongs to one thread, so that nothing overtakes anything.

A pump (`native/typed.c`) serves them in this one's place where there is one, and goes on in bulk and beside floods.

Must not know: who may type, and any other frame. A client that sends nonsense is given back to the daemon with it.
"""

from __future__ import annotations

import _socket
import mmap
import os
import select
import time

from roost.errors import RoostError
from roost.keeper.echo_look import KEYSTROKE_BYTES
from roost.keeper.guest_page import (
    G_BACK,
    G_FROM,
    G_LOAN,
    G_READ,
    G_REST,
    G_SENT,
    G_TAKEN,
    PAGE_BYTES,
    PAGE_WORDS,
    READ_AT,
    REST_AT,
)
from roost.keeper.pump import LENT, NOT_LENT
from roost.plain_frames import input_frame, keystroke, keystrokes, output_head
from roost.platform import full_fence, sealed_memory_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from roost.keeper.drains import Drains
    from roost.keeper.pump import Pump
    from roost.keeper.sessions import Stream

#: Guests of one stream, lent or not: each costs its thread a look whenever it is woken.
MAX_GUESTS = 16
#: Read of a guest at once. More than a few keystrokes are the daemon's.
READ_BYTES = 4096
KEYS_MOST_BYTES = 512
#: Output above this is the daemon's, which sends more at once.
PIECE_BYTES = 4094
#: So many pieces may follow on a keystroke: what goes on and on is the daemon's, too.
PIECES_A_KEY = 64

_FLAGS = _socket.MSG_DONTWAIT | _socket.MSG_NOSIGNAL


class Guest:
    """One client's connection. Descriptor and page are the control thread's, the rest is the draining thread's."""

    __slots__ = ("_map", "fd", "id", "loan", "pieces", "sent", "sock", "stream", "taken", "words")

    def __init__(self, id: int, stream: Stream, sock: _socket.socket, page_fd: int) -> None:
        """Take the socket over once this has succeeded; `page_fd` stays the caller's. Raises OSError."""
        self._map = mmap.mmap(page_fd, PAGE_BYTES)
        self.sock = sock
        self.fd = sock.fileno()
        self.words = memoryview(self._map)[: PAGE_WORDS * 8].cast("Q")
        self.id = id
        self.stream = stream
        self.loan = 0  # the one under way; 0: the daemon has the connection
        self.sent = 0
        self.taken = 0
        self.pieces = 0

    @property
    def is_lent(self) -> bool:
        """Whether the draining thread serves it just now."""
        return self.loan != 0

    def give_back(self, loan: int, read: bytes, rest: bytes) -> None:
        """Say that the daemon has the connection again, and wake it."""
        words = self.words
        self._map[READ_AT : READ_AT + len(read)] = read
        self._map[REST_AT : REST_AT + len(rest)] = rest
        words[G_READ], words[G_REST] = len(read), len(rest)
        full_fence()
        words[G_BACK] = loan
        os.eventfd_write(self.stream.event_fd, 1)

    def close(self) -> None:
        """Give everything back. Only when no draining thread knows it any more."""
        self.words.release()
        self._map.close()
        self.sock.close()


class Guests:
    """The guests of one draining thread."""

    def __init__(
        self,
        epoll: select.epoll,
        streams: Mapping[int, Stream],
        on_keystroke: Callable[[Stream], None],
        is_busy: Callable[[], bool],
        pump: Pump | None = None,
        have_pumped: Callable[[Stream], bool] = lambda _: False,
    ) -> None:
        """`streams`: those that the thread drains, by descriptor. `on_keystroke`: told of a terminal that was given
        something short. `is_busy`: whether floods have the thread, so that a keystroke would wait in it twice. `pump`:
        serves those that are lent. `have_pumped`: have it serve a stream, which it has to for that; whether it does."""
        self._epoll = epoll
        self._is_busy = is_busy
        self._streams = streams
        self._on_keystroke = on_keystroke
        self._pump = pump
        self._have_pumped = have_pumped
        self._all: list[Guest] = []
        self.by_fd: dict[int, Guest] = {}  # those that are lent

    def add(self, guest: Guest) -> None:
        """Be ready for loans."""
        self._all.append(guest)
        self._look_at(guest)

    def remove(self, guest: Guest) -> None:
        """Be so no more; a loan is given back."""
        if guest in self._all:
            self._all.remove(guest)
            self._look_at(guest)
            if guest.loan:
                self.give_back(guest)

    def look(self) -> None:
        """The daemon has woken the thread, perhaps for one of them."""
        for guest in self._all:
            self._look_at(guest)

    def close(self) -> None:
        """The thread ends."""
        for guest in tuple(self._all):
            self.remove(guest)

    def _look_at(self, guest: Guest) -> None:
        wanted = guest.words[G_LOAN]
        if wanted == guest.loan:
            return
        if guest.loan:  # recalled
            self.give_back(guest)
        loan = wanted if wanted & 1 else wanted - 1
        if loan > 0 and guest.words[G_BACK] != loan:
            full_fence()
            guest.sent = guest.words[G_FROM]
            if wanted & 1 and self._can_serve(guest):
                self._begin(guest, loan)
            else:
                guest.give_back(loan, b"", b"")

    def _can_serve(self, guest: Guest) -> bool:
        stream = guest.stream
        return (
            stream.guest is None
            and not self._is_busy()
            and guest in self._all
            and stream.fd in self._streams
            and not (stream.finishing or stream.late or stream.is_parked)
            and (self._pump is not None or stream.writer.end == guest.sent)
        )

    def _begin(self, guest: Guest, loan: int) -> None:
        try:
            self._epoll.register(guest.fd, select.EPOLLIN)
        except OSError:  # no memory for it: then the daemon goes on
            guest.give_back(loan, b"", b"")
            return
        if self._pump is not None:
            lent = self._pump.lend(guest, loan) if self._have_pumped(guest.stream) else NOT_LENT
            if lent == NOT_LENT:
                self._epoll.unregister(guest.fd)
                guest.give_back(loan, b"", b"")
            if lent != LENT:
                return
        guest.loan = loan
        guest.pieces = PIECES_A_KEY
        guest.stream.guest = guest
        self.by_fd[guest.fd] = guest

    def give_back(self, guest: Guest, *, read: bytes = b"", rest: bytes = b"") -> None:
        """Let the daemon go on with a guest that is lent."""
        loan = guest.loan
        if self._pump is not None:
            self._pump.unlend(guest.fd)
        self.is_back(guest.fd)
        self._epoll.unregister(guest.fd)
        guest.give_back(loan, read, rest)

    def is_back(self, fd: int) -> None:
        """The daemon goes on with that one."""
        guest = self.by_fd.pop(fd)
        guest.loan = 0
        guest.taken = guest.words[G_TAKEN]
        guest.stream.guest = None

    def serve(self, guest: Guest) -> None:
        """There is something to read of a guest that is lent."""
        left = b""
        if self._is_busy():
            self.give_back(guest)
            return
        try:
            data = guest.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        typed = keystroke(data)
        if typed is None:
            typed, left = keystrokes(data) if len(data) < KEYS_MOST_BYTES else (b"", data)
            if not typed:
                self.give_back(guest, read=left)
                return
        stream = guest.stream
        try:
            count = os.write(stream.fd, typed)  # type: ignore[arg-type]
        except OSError:
            count = 0
        if count:
            # Noted while the child is at work; the ring's end is where it was, as only this thread moves it.
            stream.writer.note_input(time.time_ns())
            guest.taken += count
            guest.words[G_TAKEN] = guest.taken
            if stream.writer.take_input_watched():
                os.eventfd_write(stream.event_fd, 1)
        guest.pieces = PIECES_A_KEY
        if count < len(typed):
            left = input_frame(typed[count:]) + left
        if left:
            self.give_back(guest, read=left)
        elif count <= KEYSTROKE_BYTES:
            self._on_keystroke(stream)

    def send(self, guest: Guest, piece: memoryview) -> None:
        """Send what was just appended to the ring."""
        end = guest.stream.writer.end
        if not guest.pieces or len(piece) > PIECE_BYTES or guest.sent + len(piece) != end:
            self.give_back(guest)
            return
        guest.pieces -= 1
        frame = output_head(len(piece)) + piece
        try:
            sent = guest.sock.send(frame, _FLAGS)
        except OSError:
            self.give_back(guest)
            return
        guest.sent = end
        guest.words[G_SENT] = end
        if sent < len(frame):
            self.give_back(guest, rest=frame[sent:])


class GuestList:
    """All guests, kept for the control thread."""

    def __init__(self, drains: Drains) -> None:
        self._drains = drains
        self._last_id = time.time_ns()  # no number that an earlier image of this process has given

    def add(self, stream: Stream, fd: int) -> tuple[Guest, int]:
        """A guest of that stream, for the connection `fd`, of which a copy is kept; and its page, which is the caller's
        to close. Raises RoostError, OSError."""
        if len(stream.guests) >= MAX_GUESTS:
            raise RoostError(f"{stream.session_id} {stream.name} has {MAX_GUESTS} guests", kind="exhausted")
        page_fd = sealed_memory_file("roost-guest", PAGE_BYTES)
        try:
            sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, os.dup(fd))
            sock.setblocking(False)
            guest = Guest(self._last_id + 1, stream, sock, page_fd)
        except BaseException:
            os.close(page_fd)
            raise
        self._last_id = guest.id
        stream.guests = (*stream.guests, guest)
        self._drains.add_guest(guest)
        return guest, page_fd

    def drop(self, stream: Stream, id: int, then: Callable[[], None] = lambda: None) -> None:
        """Serve a guest no more and close the copy of its connection; `then` is called when it is done."""
        for guest in stream.guests:
            if guest.id == id:
                self._forget(guest)
                self._drains.remove_guest(guest)

                def settled(guest: Guest = guest) -> None:
                    guest.close()
                    then()

                self._drains.when_settled(stream, settled)
                return
        then()

    def drop_all(self, stream: Stream) -> None:
        """The daemon has gone, or the stream is given up."""
        for guest in stream.guests:
            self.drop(stream, guest.id)

    def close_all(self, stream: Stream) -> None:
        """The same when no draining thread runs, or none that knows the stream."""
        gone, stream.guests = stream.guests, ()
        for guest in gone:
            guest.close()

    def _forget(self, guest: Guest) -> None:
        guest.stream.guests = tuple(other for other in guest.stream.guests if other is not guest)
