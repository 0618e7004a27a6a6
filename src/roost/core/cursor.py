"""Cursor arithmetic: where a reader starts, what it takes next, what it has missed.

A cursor is an absolute offset, nothing else. Owns no bytes and knows no ring: its `start` and `end` are passed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from roost.errors import InvalidError

if TYPE_CHECKING:
    from roost.model.attaching import Gap


class Placement(NamedTuple):
    """Where a reader starts. offset: of the first byte it asked for; gap: what of that is gone already."""

    offset: int
    gap: Gap | None = None

    @property
    def next_offset(self) -> int:
        """The first byte that can be served."""
        return self.gap.end if self.gap else self.offset


def place(start: int, end: int, *, from_offset: int | None = None, tail_bytes: int | None = None) -> Placement:
    """Where a reader of a ring that retains [start, end) begins.

    from_offset: absolute; if overwritten, the reader is placed there all the same and its first step is a gap.
    tail_bytes: so many of the newest bytes, or as many as there are. Neither: everything retained. InvalidError for
    both, for a negative number, and for an offset that is not written yet.
    """
    if from_offset is not None and tail_bytes is not None:
        raise InvalidError("give from_offset or tail_bytes, not both")
    if tail_bytes is not None:
        if tail_bytes < 0:
            raise InvalidError(f"tail_bytes {tail_bytes} is negative")
        return Placement(max(start, end - tail_bytes))
    if from_offset is None:
        return Placement(start)
    if not 0 <= from_offset <= end:
        raise InvalidError(f"offset {from_offset} is not written yet: the stream goes from {start} to {end}")
    return Placement(from_offset, gap_before(from_offset, start))


def gap_before(offset: int, start: int) -> Gap | None:
    """What a cursor at that offset has missed of a ring whose oldest byte is `start`; None when nothing."""
    if offset >= start:
        return None
    from roost.model.attaching import (
        Gap,  # here, as a daemon that starts has no use for the 20 ms that its module takes
    )

    return Gap(offset, start)


def take(offset: int, start: int, end: int, limit_bytes: int) -> tuple[Gap | None, int, int]:
    """The next step of a cursor: the gap to report first, and the range [from, to) to serve, at most limit_bytes.

    The range is empty when the cursor has reached the end.
    """
    gap = gap_before(offset, start)
    begin = max(offset, start)
    return gap, begin, max(begin, min(end, begin + limit_bytes))
