"""Where the emulation of a session's output begins, and with which sizes and modes.

Owns the history of a terminal's sizes (as far as this daemon has seen it) and the choice of an offset at which no
sequence is cut in two. Knows nothing of the worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from roost.daemon.session import Session
from roost.ring.reader import RingReader
from roost.screen.boundary import LOOK_BYTES, boundary

#: More output than this is not gone through to begin: what is on a screen is rarely older.
_MOST_BYTES = 8 << 20
#: Sizes that are remembered of one session.
_MOST_SIZES = 64


class SizeHistory:
    """Which size a terminal had from which offset on."""

    def __init__(self, offset: int, rows: int, cols: int) -> None:
        self._sizes = [(offset, rows, cols)]

    def note(self, offset: int, rows: int, cols: int) -> None:
        """It has that size from now on."""
        if self._sizes[-1][0] == offset:
            self._sizes.pop()
        self._sizes.append((offset, rows, cols))
        del self._sizes[:-_MOST_SIZES]

    def since(self, offset: int) -> list[tuple[int, int, int]]:
        """The size at an offset and those that followed."""
        index = max((i for i, (at, _, _) in enumerate(self._sizes) if at <= offset), default=0)
        first = (offset, *self._sizes[index][1:])
        return [first, *self._sizes[index + 1 :]]


@dataclass(frozen=True, slots=True)
class Beginning:
    """A beginning as it is told to the worker: fields, and what sets the modes."""

    body: dict[str, Any]
    prelude: bytes


def begin(session: Session, sizes: SizeHistory, offset: int | None = None) -> Beginning:
    """The earliest offset from which emulation can begin, or `offset` with what is known there."""
    stream = session.streams["stdout"]
    stream.scan_to_end()
    ring, scanner = stream.ring, stream.scanner
    if offset is None:
        offset = earliest(ring)
    prelude, alternate = b"", False
    if offset > 0 and scanner is not None:
        prelude = scanner.restore_string(offset)
        alternate = bool(scanner.modes.alternate) and scanner.modes.alternate_at < offset
    body = {"offset": offset, "exact": offset == 0, "alternate": alternate, "sizes": sizes.since(offset)}
    return Beginning(body, prelude)


def earliest(ring: RingReader) -> int:
    """The oldest retained offset that is a boundary, within a bound."""
    start = max(ring.start, ring.end - _MOST_BYTES)
    if start == 0:
        return 0
    data = ring.read(start, LOOK_BYTES)
    return start + boundary(data or b"")  # overwritten meanwhile: the worker will ask again
