"""Input that local readers give the keeper themselves: from their sockets into the terminal.

Belongs to one draining thread, in whose epoll the sockets are. A socket has one bounded turn each time it is looked at,
so that neither output nor other sessions wait for a flood of input. A terminal that takes no more keeps all of its
sockets unread until it does: whoever types too much is held back by the socket's own buffer, and nothing is dropped.

The terminal is written through a descriptor of its own, which is watched only while it takes nothing, edge-triggered: a
master without a slave would report its hang-up for ever.

Must not know: who may type. Inputs come and go as the control thread says.
"""

from __future__ import annotations

import os
import select
import time

from roost.keeper.echo_look import KEYSTROKE_BYTES
from roost.ring.reader_page import R_TAKEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from roost.keeper.pump import Pump
    from roost.keeper.sessions import Stream

PIECE_BYTES = 4096
#: What is taken at most of an input that is given up and may finish: more than its socket holds.
_LAST_PIECES = 128


class Input:
    """One input. `rest` was read of it and waits for the terminal.

    Descriptor and `is_open` are the control thread's, the rest belongs to the draining thread.
    """

    __slots__ = ("count", "fd", "is_open", "rest", "words")

    def __init__(self, fd: int, words: memoryview[int], *, taken: int = 0, rest: bytes = b"") -> None:
        """Take the keeper's end of the socket over; `words` is the page of the reader that has the other end."""
        self.fd = fd
        self.words = words
        #: `taken`, where no other process can write it.
        self.count = memoryview(bytearray(8)).cast("Q")
        self.count[0] = taken
        self.rest = rest
        self.is_open = True

    @property
    def taken(self) -> int:
        """How many bytes the terminal has taken."""
        return self.count[0]

    def took(self, count: int) -> None:
        """The terminal took that many bytes more."""
        self.count[0] += count
        self.words[R_TAKEN] = self.count[0]

    def close(self) -> None:
        """Close the socket, which tells the other end. Only when no draining thread knows it any more."""
        if self.is_open:
            self.is_open = False
            os.close(self.fd)


class Mouth:
    """A terminal that is typed into, and the inputs that do it. `blocked` is the one whose rest it does not take."""

    __slots__ = ("blocked", "fd", "inputs", "stream")

    def __init__(self, stream: Stream) -> None:
        assert stream.fd is not None
        self.stream = stream
        self.fd = os.dup(stream.fd)
        self.inputs: list[Input] = []
        self.blocked: Input | None = None

    def close(self) -> None:
        """Close our way into the terminal. Only when no draining thread knows it any more."""
        os.close(self.fd)


class Inputs:
    """The inputs of one draining thread."""

    def __init__(
        self,
        epoll: select.epoll,
        on_ended: Callable[[Input], None],
        on_keystroke: Callable[[Stream], None],
        pump: Pump | None = None,
    ) -> None:
        """`on_ended`: called for an input that ended by itself, and is not looked at any more. `on_keystroke`: for a
        terminal that was given something short. `pump`: serves the plain cases."""
        self._epoll = epoll
        self._on_ended = on_ended
        self._on_keystroke = on_keystroke
        self._pump = pump
        self._by_fd: dict[int, tuple[Mouth, Input | None]] = {}

    def add(self, mouth: Mouth, source: Input) -> None:
        """Type what comes from there."""
        mouth.inputs.append(source)
        if mouth.blocked is None:
            self._listen(mouth, source)

    def resume(self, mouth: Mouth) -> None:
        """Go on with the inputs of an earlier thread, first with what it has read and not written."""
        mouth.blocked = None
        for source in mouth.inputs:
            if source.rest and mouth.blocked is None:
                self._block(mouth, source)
        if mouth.blocked is None:
            for source in mouth.inputs:
                self._listen(mouth, source)

    def remove(self, mouth: Mouth, source: Input, *, finishing: bool) -> None:
        """Type nothing more from there; `finishing`: but first what is there, as far as the terminal takes it."""
        if source not in mouth.inputs:
            return
        try:
            if finishing:
                self._finish(mouth, source)
        finally:  # whatever happened: its page and its socket are closed behind this
            if source in mouth.inputs:
                self._forget(mouth, source)

    def remove_all(self, mouth: Mouth) -> None:
        """The terminal is gone."""
        for source in tuple(mouth.inputs):
            self._forget(mouth, source)

    def serve(self, fd: int) -> None:
        """One of our descriptors is ready."""
        found = self._by_fd.get(fd)
        if found is None:
            return
        mouth, source = found
        if source is not None:
            self._turn(mouth, source)
        elif mouth.blocked is not None:
            self._go_on(mouth, mouth.blocked)

    def left(self, fd: int, data: bytes) -> None:
        """The pump has left an input, with what it has read and the terminal did not take."""
        found = self._by_fd.get(fd)
        if found is None or found[1] is None:
            return
        mouth, source = found[0], found[1]
        source.rest = data
        if not data:
            self._turn(mouth, source)
        elif not self._write_rest(mouth, source):
            self._block(mouth, source)
        if fd in self._by_fd and self._pump is not None:
            self._pump.type(mouth, source)

    def give_up(self, fd: int) -> None:
        """Look no more at what could not be served."""
        found = self._by_fd.get(fd)
        if found is not None:
            source = found[1] or found[0].blocked
            if source is not None:
                self._ended(found[0], source)

    def _turn(self, mouth: Mouth, source: Input) -> bool:
        """Read a piece and write it. True when there may be more to do at once."""
        try:
            source.rest = os.read(source.fd, PIECE_BYTES)
        except BlockingIOError:
            return False
        except OSError:  # the other end was closed with something unread in it
            source.rest = b""
        if not source.rest:
            self._ended(mouth, source)
            return False
        if self._write_rest(mouth, source):
            return source in mouth.inputs
        self._block(mouth, source)
        return False

    def _go_on(self, mouth: Mouth, source: Input) -> None:
        """The terminal takes something again."""
        if self._write_rest(mouth, source) and mouth.blocked is source:
            self._unblock(mouth)

    def _write_rest(self, mouth: Mouth, source: Input) -> bool:
        """Write until the terminal takes no more; True when nothing is left, also because the terminal is gone."""
        try:
            return self._write(mouth, source)
        except OSError:
            self._ended(mouth, source)
            return True

    def _write(self, mouth: Mouth, source: Input) -> bool:
        data, stream, writer = source.rest, mouth.stream, mouth.stream.writer
        length = len(data)
        try:
            while data:
                count = os.write(mouth.fd, data)
                if not count:
                    break
                data = data[count:]
        except BlockingIOError:
            pass
        finally:
            # What is noted is noted while the child is at work; the ring's end is where it was, only we move it.
            source.rest = data
            if len(data) < length:
                writer.note_input(time.time_ns())
                source.took(length - len(data))
        if writer.take_input_watched():
            os.eventfd_write(stream.event_fd, 1)
        if length <= KEYSTROKE_BYTES and not data:
            self._on_keystroke(stream)
        return not data

    def _finish(self, mouth: Mouth, source: Input) -> None:
        if mouth.blocked is not None:
            return
        for _ in range(_LAST_PIECES):
            if not self._turn(mouth, source):
                return

    def _ended(self, mouth: Mouth, source: Input) -> None:
        self._forget(mouth, source)
        self._on_ended(source)

    # --- what is watched -------------------------------------------------------------------------------------------

    def _listen(self, mouth: Mouth, source: Input) -> None:
        self._by_fd[source.fd] = (mouth, source)
        self._epoll.register(source.fd, select.EPOLLIN)
        if self._pump is not None:
            self._pump.type(mouth, source)

    def _ignore(self, fd: int) -> None:
        if self._by_fd.pop(fd, None) is not None:
            if self._pump is not None:
                self._pump.stop_typing(fd)
            self._epoll.unregister(fd)

    def _block(self, mouth: Mouth, source: Input) -> None:
        """Read none of the terminal's inputs until it has taken this one's rest: a piece stays whole."""
        mouth.blocked = source
        for other in mouth.inputs:
            self._ignore(other.fd)
        self._by_fd[mouth.fd] = (mouth, None)
        self._epoll.register(mouth.fd, select.EPOLLOUT | select.EPOLLET)

    def _unblock(self, mouth: Mouth) -> None:
        mouth.blocked = None
        self._ignore(mouth.fd)
        for other in mouth.inputs:
            self._listen(mouth, other)

    def _forget(self, mouth: Mouth, source: Input) -> None:
        mouth.inputs.remove(source)
        self._ignore(source.fd)
        if mouth.blocked is source:
            self._unblock(mouth)
