"""Local readers: clients that take output out of a ring themselves and are woken by the keeper when they sleep.

Owns what is lent to a reader (the page in which it says that it sleeps, a pipe that wakes it) and when it is taken
back: when the reader has closed its end of the pipe, as every ended process does, when the daemon says so, or with the
session. A pipe and not an eventfd, because its two ends have flags of their own: nothing that a reader does to its end
can make the keeper wait.

A reader of a terminal may be lent an input besides: a socket whose other end a draining thread reads. It ends with the
reader, when the other end is closed, or when the daemon says so, who learns how much the terminal has taken of it.

Must not know: who reads, or what may be read by whom. That is the daemon's business, which hands on what is lent.
"""

from __future__ import annotations

import _socket
import mmap
import os

from roost.errors import RoostError
from roost.keeper.inputs import Input, Mouth
from roost.platform import full_fence, sealed_memory_file
from roost.ring.reader_page import PAGE_BYTES, PAGE_WORDS, R_WAITING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from roost.keeper.drains import Drains
    from roost.keeper.loop import Loop
    from roost.keeper.sessions import Stream

#: Readers of one stream. Each costs the draining thread a look for each piece; many are served better by the daemon.
MAX_READERS = 16


class Reader:
    """One local reader. `words` is its page, `wake_fd` the writing end of its pipe, `input` what it types."""

    __slots__ = ("_map", "id", "input", "page_fd", "wake_fd", "words")

    def __init__(self, id: int, page_fd: int, wake_fd: int) -> None:
        """Take the descriptors over. The page is ours and sealed, so that it cannot shrink under the map."""
        self.id = id
        self.page_fd = page_fd
        self.wake_fd = wake_fd
        self.input: Input | None = None
        self._map = mmap.mmap(page_fd, PAGE_BYTES)
        self.words = memoryview(self._map)[: PAGE_WORDS * 8].cast("Q")

    @property
    def types(self) -> bool:
        """Whether it has an input that the terminal is given."""
        return self.input is not None and self.input.is_open

    def wake(self) -> None:
        """Wake it. A full pipe will do so already; one without a reader is about to be taken back."""
        try:
            os.write(self.wake_fd, b"\0")
        except OSError:
            pass

    def close(self) -> None:
        """Give everything back. Only when no draining thread can come across it any more."""
        if self.input is not None:
            self.input.close()
        self.words.release()
        self._map.close()
        os.close(self.page_fd)
        os.close(self.wake_fd)


def wake_sleepers(readers: tuple[Reader, ...]) -> None:
    """Wake those that sleep, after `end` was stored: each has looked at it once more before it slept."""
    full_fence()
    for reader in readers:
        if reader.words[R_WAITING]:
            reader.words[R_WAITING] = 0
            reader.wake()


class Readers:
    """All local readers, kept for the control thread."""

    def __init__(self, loop: Loop, drains: Drains) -> None:
        self._loop = loop
        self._drains = drains
        self._last_id = 0

    def add(self, stream: Stream) -> tuple[Reader, int]:
        """A reader for that stream, and the end of the pipe that is to be lent to it. Raises RoostError, OSError."""
        if len(stream.readers) >= MAX_READERS:
            raise RoostError(f"{stream.session_id} {stream.name} has {MAX_READERS} local readers", kind="exhausted")
        page_fd = sealed_memory_file("roost-reader", PAGE_BYTES)
        try:
            lent_fd, wake_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            os.close(page_fd)
            raise
        reader = Reader(self._last_id + 1, page_fd, wake_fd)
        self.resume(stream, reader)
        return reader, lent_fd

    def lend_input(self, stream: Stream, reader: Reader) -> int:
        """Give a reader of an open terminal an input; the end of the socket that is lent to it. Raises OSError."""
        if stream.mouth is None:
            stream.mouth = Mouth(stream)
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        ours.setblocking(False)
        theirs.setblocking(False)
        reader.input = Input(ours.detach(), reader.words)
        self._drains.type_from(stream.mouth, reader.input)
        return theirs.detach()

    def drop_input(self, stream: Stream, id: int, then: Callable[[int | None], None], *, finishing: bool) -> None:
        """Take an input back; `then` is told how much of it the terminal took, once no more will be (None: unknown)."""
        source = next((reader.input for reader in stream.readers if reader.id == id), None)

        def settled() -> None:
            if source is not None:
                source.close()
            then(None if source is None else source.taken)

        self._stop(stream, source, finishing=finishing)
        self._drains.when_settled(stream, settled)

    def _stop(self, stream: Stream, source: Input | None, *, finishing: bool) -> None:
        if source is not None and stream.mouth is not None:
            self._drains.stop_typing(stream.mouth, source, finishing=finishing)

    def resume(self, stream: Stream, reader: Reader) -> None:
        """Serve a reader, perhaps one of an earlier image of this process."""
        self._last_id = max(self._last_id, reader.id)
        if reader not in stream.readers:
            stream.readers = (*stream.readers, reader)
            self._drains.know_readers(stream)
        # No event is asked for: the end of the other end is told all the same.
        self._loop.watch(reader.wake_fd, lambda _: self.drop(stream, reader.id), 0)

    def drop(self, stream: Stream, id: int) -> None:
        """Serve a reader no more; nothing happens for one that has gone already."""
        for reader in stream.readers:
            if reader.id == id:
                stream.readers = tuple(other for other in stream.readers if other is not reader)
                self._drains.know_readers(stream)
                self._loop.unwatch(reader.wake_fd)
                self._stop(stream, reader.input, finishing=True)
                self._drains.when_settled(stream, reader.close)

    def end_inputs(self, stream: Stream) -> None:
        """The terminal is closed, and its draining thread has let go of it."""
        for reader in stream.readers:
            if reader.input is not None:
                reader.input.close()
        mouth, stream.mouth = stream.mouth, None
        if mouth is not None:
            mouth.close()

    def drop_all(self, stream: Stream) -> None:
        """The stream is given up, and no draining thread knows it any more."""
        self.end_inputs(stream)
        gone, stream.readers = stream.readers, ()
        for reader in gone:
            self._loop.unwatch(reader.wake_fd)
            reader.close()
