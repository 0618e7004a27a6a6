"""Frames on a byte stream: a four-byte big-endian length, then that many bytes.

Owns the length prefix and its limits; knows nothing of what a frame holds. Hot: every byte a client sees passes here.
"""

from __future__ import annotations

from roost.errors import ProtocolError

TYPE_CHECKING = False  # typing itself is not imported: that would cost more than this package
if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX_BYTES = 4
#: The largest payload a daemon accepts (requests and input frames).
MAX_REQUEST_BYTES = 4 << 20
#: The largest payload a client accepts (responses and stream frames).
MAX_RESPONSE_BYTES = 16 << 20
#: The most output in one stream frame, and the most input our clients put into one.
OUTPUT_CHUNK_BYTES = 65536

_SMALL_BYTES = 4096


class FrameTooLargeError(ProtocolError):
    """A length prefix is above the limit; the stream cannot be followed any further. `size_bytes` is what it said."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"frame decode error: a frame of {size_bytes} bytes is above the limit of {limit_bytes}")
        self.size_bytes = size_bytes


def frame(payload: bytes) -> bytes:
    """The payload with its length prefix."""
    return len(payload).to_bytes(4, "big") + payload


class FrameSplitter:
    """Cuts a byte stream into frames; iterating takes the complete ones, and may be resumed after the next feed.

    A frame costs one copy however it is cut: pieces are kept as they came (small ones gathered) until it is complete.
    """

    __slots__ = ("_at", "_buffer", "_limit_bytes", "_more", "_more_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._buffer: bytes = b""
        self._at = 0
        self._more: list[bytes | bytearray] = []  # what follows the buffer
        self._more_bytes = 0

    @property
    def buffered(self) -> int:
        """How many bytes are held and not yet returned."""
        return len(self._buffer) - self._at + self._more_bytes

    @property
    def at_boundary(self) -> bool:
        """Whether nothing is held: false once drained means that an end-of-file now would be inside a frame."""
        return not self.buffered

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream. They are kept, not copied: they must not change."""
        if self._at == len(self._buffer) and not self._more:
            self._buffer = data
            self._at = 0
            return
        self._more_bytes += len(data)
        if len(data) >= _SMALL_BYTES:
            self._more.append(data)
        elif self._more and isinstance(self._more[-1], bytearray):
            self._more[-1] += data
        else:
            self._more.append(bytearray(data))

    def next_frame(self) -> bytes | None:
        """The payload of the next frame; None while it is incomplete.

        Raises FrameTooLargeError as soon as a prefix above the limit is seen, and again at every later call.
        """
        buffer = self._buffer
        start = self._at + 4
        if start > len(buffer):
            if not self._more:
                return None
            self._gather()
            buffer = self._buffer
            start = self._at + 4
            if start > len(buffer):
                return None
        size = int.from_bytes(buffer[self._at : start], "big")
        if size > self._limit_bytes:
            raise FrameTooLargeError(size, self._limit_bytes)
        end = start + size
        if end <= len(buffer):
            self._at = end
            return buffer[start:end]
        if end > len(buffer) + self._more_bytes:
            return None
        return self._assemble(start, size)

    def __iter__(self) -> Iterator[bytes]:
        while (payload := self.next_frame()) is not None:
            yield payload

    def _gather(self) -> None:
        """Make one buffer of all that is held: the prefix is cut, or what follows a frame came in several pieces."""
        self._buffer = b"".join((memoryview(self._buffer)[self._at :], *self._more))
        self._at = 0
        self._more.clear()
        self._more_bytes = 0

    def _assemble(self, start: int, size: int) -> bytes:
        """Join the complete frame whose payload starts in the buffer and ends in a later piece."""
        pieces: list[bytes | bytearray | memoryview] = [memoryview(self._buffer)[start:]]
        missing = size - len(pieces[0])
        used = 0
        while missing > len(self._more[used]):
            missing -= len(self._more[used])
            used += 1
        last = self._more[used]
        pieces += self._more[:used]
        pieces.append(memoryview(last)[:missing])
        payload = b"".join(pieces)
        self._buffer = bytes(last)
        self._at = missing
        del self._more[: used + 1]
        self._more_bytes = sum(map(len, self._more))
        return payload
