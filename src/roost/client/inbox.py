"""Where an attachment's bytes arrive: one fixed buffer that is received into and cut into frames in place.

Owns the buffer and the length prefixes; knows nothing of sockets or of what a frame holds. `FrameSplitter` of
`roost.wire` keeps the pieces it is fed; here nothing is allocated while output flows, which doubles the throughput.
"""

from __future__ import annotations

from struct import Struct

from roost.wire.framing import MAX_RESPONSE_BYTES, PREFIX_BYTES, FrameTooLargeError

#: One receive takes up to four full output frames.
CAPACITY_BYTES = 256 * 1024

_read_prefix = Struct(">I").unpack_from


class Inbox:
    """A receive buffer: fill `space()`, report it with `received`, take what is complete with `next_payload`."""

    __slots__ = ("_end", "_start", "_view", "_wanted")

    def __init__(self, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._view = memoryview(bytearray(capacity_bytes))
        self._start = 0
        self._end = 0
        self._wanted = PREFIX_BYTES

    @property
    def buffered(self) -> int:
        """How many bytes are held and not yet taken."""
        return self._end - self._start

    def space(self) -> memoryview:
        """Where the next bytes go; empty while it is full of complete frames. Ends the life of older payloads."""
        if self._start == self._end:
            self._start = self._end = 0
        if self._end == len(self._view) or self._wanted > len(self._view) - self._start:
            self._make_room()
        return self._view[self._end :]

    def received(self, count: int) -> None:
        """Takes note of the bytes that were put into `space()`."""
        self._end += count

    def next_payload(self) -> memoryview | None:
        """The payload of the next complete frame, valid until the next `space()`; None while there is none.

        Raises FrameTooLargeError for a length that no daemon may send.
        """
        start = self._start + PREFIX_BYTES
        if start > self._end:
            self._wanted = PREFIX_BYTES
            return None
        (size,) = _read_prefix(self._view, self._start)
        if size > MAX_RESPONSE_BYTES:
            raise FrameTooLargeError(size, MAX_RESPONSE_BYTES)
        end: int = start + size
        if end > self._end:
            self._wanted = PREFIX_BYTES + size
            return None
        self._start = end
        return self._view[start:end]

    def clear(self) -> None:
        """Forgets what is held: the connection that it came from is gone."""
        self._start = self._end = 0
        self._wanted = PREFIX_BYTES

    def _make_room(self) -> None:
        held = self._end - self._start
        into = self._view if self._wanted <= len(self._view) else memoryview(bytearray(self._wanted))
        into[:held] = self._view[self._start : self._end]
        self._view = into
        self._start = 0
        self._end = held
