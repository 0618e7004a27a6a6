"""Copying retained output out of a ring, for who asks without attaching.

Owns the piece that is copied and the offsets that tell where it stood.
"""

from __future__ import annotations

from dataclasses import dataclass

from roost.core.cursor import place
from roost.ring.reader import RingReader


@dataclass(frozen=True, slots=True)
class LogSlice:
    """A copied piece of a stream's retained output. Offsets in bytes since the start of the stream."""

    data: bytes
    start_offset: int
    end_offset: int
    next_offset: int
    missed: int
    exit_offset: int | None
    closed: bool


def read_slice(ring: RingReader, from_offset: int | None, tail_bytes: int | None, limit_bytes: int) -> LogSlice:
    """A piece that was whole when it was copied: what the writer overtakes meanwhile is looked for again."""
    while True:
        start, end = ring.start, ring.end
        placed = place(start, end, from_offset=from_offset, tail_bytes=tail_bytes)
        at = placed.next_offset
        data = ring.read(at, max(0, min(limit_bytes, ring.capacity)))
        if data is not None:
            return LogSlice(data, at, end, at + len(data), at - placed.offset, ring.exit_offset, ring.closed)
