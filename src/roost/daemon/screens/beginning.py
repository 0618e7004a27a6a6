"""Where the emulation of a session's output begins, and with which sizes and modes.

Owns the history of a terminal's sizes (as far as this daemon has seen it) and the choice of an offset at which no
sequence is cut in two. Knows nothing of the worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from roost.daemon.session import Session
from roost.ring.reader import RingReader

#: How far a beginning is looked for.
_LOOK_BYTES = 8192
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


def begin(session: Session, sizes: SizeHistory, *, hurried: bool) -> Beginning:
    """The earliest offset from which emulation can begin; `hurried`: the ring was overtaken, so that a beginning at its
    oldest byte would be overtaken again."""
    stream = session.streams["stdout"]
    stream.scan_to_end()
    ring, scanner = stream.ring, stream.scanner
    end = ring.end
    start = max(ring.start, end - _MOST_BYTES)
    if hurried:
        start = max(start, end - ring.capacity // 2)
    offset = boundary(ring, start)
    prelude, alternate = b"", False
    if offset > 0 and scanner is not None:
        prelude = scanner.restore_string(offset)
        alternate = bool(scanner.modes.alternate) and scanner.modes.alternate_at < offset
    body = {"offset": offset, "exact": offset == 0, "alternate": alternate, "sizes": sizes.since(offset)}
    return Beginning(body, prelude)


def boundary(ring: RingReader, start: int) -> int:
    """The first offset from `start` on that is behind a line feed or at an ESC; `start` itself if there is none near.

    The very beginning of the output is a boundary.
    """
    if start == 0:
        return 0
    data = ring.read(start, _LOOK_BYTES)
    if data is None:  # overwritten meanwhile: the worker will ask again
        return ring.start
    places = [at for at in (data.find(b"\n") + 1, data.find(b"\x1b")) if at > 0]
    if data.startswith(b"\x1b"):
        return start
    return start + min(places, default=0)
