"""Output events out of a ring that this process reads itself: pieces, and gaps of exactly what was overwritten.

Owns how much is taken before the connection gets its turn, and where to go on after being lapped. The offset belongs to
the caller; the ring is only asked to copy.
"""

from __future__ import annotations

from typing import Protocol

from roost.model.attaching import Gap, Output

PIECE_BYTES = 64 * 1024
#: After so much output the caller looks at its connection, or a flood would hide a steal.
TURN_BYTES = 64 * 1024
#: More than this since the last wait is a flood, of which a moment's worth is collected instead of each small piece.
FLOOD_BYTES = 64 * 1024


class Ring(Protocol):
    """What is asked of a ring; `roost.ring.local.LocalReader` is one."""

    @property
    def start(self) -> int:
        """Offset of the oldest retained byte."""

    @property
    def end(self) -> int:
        """How far may be read."""

    @property
    def capacity(self) -> int:
        """How many bytes are retained at most."""

    @property
    def wake_fd(self) -> int:
        """Readable when something was written after `arm`."""

    @property
    def input_fd(self) -> int:
        """What takes input for the terminal; -1 where it goes through the daemon."""

    @property
    def taken(self) -> int:
        """How many bytes of what was typed the terminal has taken."""

    def type(self, data: bytes) -> int:
        """Send input; how much was sent. Raises OSError."""

    def read(self, offset: int, limit_bytes: int = PIECE_BYTES) -> bytes | None:
        """Copy what is there; None when it was overwritten."""

    def arm(self, offset: int) -> bool:
        """Ask to be woken; False when there is more already."""

    def calm(self) -> None:
        """Make `wake_fd` unreadable until something else is written."""

    def close(self) -> None:
        """Give everything back."""


class RingOutput:
    """One ring, read from wherever the caller stands."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self._turn_bytes = 0
        self._since_wait_bytes = 0
        self._gap_end = -1

    def read(self, offset: int, until: int | None) -> Output | Gap | None:
        """The next event at that offset, not beyond `until`; None when there is none, or a turn is over."""
        if self._turn_bytes >= TURN_BYTES and until is None:
            self._turn_bytes = 0
            return None
        data = self.ring.read(offset, PIECE_BYTES if until is None else min(PIECE_BYTES, until - offset))
        if data is None:
            return self._gap(offset, until)
        if not data:
            return None
        self._turn_bytes += len(data)
        self._since_wait_bytes += len(data)
        return Output(offset, data)

    def _gap(self, offset: int, until: int | None) -> Gap:
        """Up to the oldest retained byte; lapped again soon after, up to near the end: what is oldest is gone again
        before it can be read."""
        start, capacity = self.ring.start, self.ring.capacity
        if self._gap_end >= 0 and offset - self._gap_end < capacity:
            start += capacity // 4 * 3
        start = min(start, self.ring.end if until is None else until)
        self._gap_end = start
        return Gap(offset, start)

    def collects(self) -> bool:
        """Whether it is a flood, of which more should be awaited than the next piece; begins a new wait."""
        since, self._since_wait_bytes = self._since_wait_bytes, 0
        return FLOOD_BYTES <= since <= self.ring.capacity // 4
