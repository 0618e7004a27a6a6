"""The Range header of a request for output: a part of a stream by absolute offsets.

Pure. Source: RFC 9110, 14.1.2 and 14.2. Other units are ignored, as they have to be; what cannot be read as one range
of bytes is refused rather than ignored, so that nobody takes the whole for the part that was asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from roost.errors import RoostError

_ONE = re.compile(r"bytes[ \t]*=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.IGNORECASE | re.ASCII)


class RangeError(RoostError):
    """There is no such part; `end` is where the stream ends at the moment."""

    kind = "range"

    def __init__(self, message: str, end: int) -> None:
        super().__init__(message)
        self.end = end


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `first` up to `last`, both included; `last` None: up to the end. suffix: so many before the end."""

    first: int = 0
    last: int | None = None
    suffix: int | None = None

    def within(self, end: int) -> tuple[int, int]:
        """[from, to) of a stream that ends there. Raises RangeError where that is nothing."""
        if self.suffix is not None:
            first, stop = max(0, end - self.suffix), end
        else:
            first, stop = self.first, end if self.last is None else min(end, self.last + 1)
        if first >= stop:
            raise RangeError(f"there is nothing of these bytes; the output ends at offset {end}", end)
        return first, stop


def parse_range(header: str, end: int) -> ByteRange | None:
    """What a Range header asks for; None without one and for other units. Raises RangeError, which tells the `end`."""
    if not header or header.partition("=")[0].strip().lower() != "bytes":
        return None
    found = _ONE.fullmatch(header)
    first, last = found.groups() if found else ("", "")
    if not (first or last) or (first and last and int(last) < int(first)):
        raise RangeError(f"{header[:100]!r} is no range of bytes; give one, like bytes=100-199", end)
    if not first:
        return ByteRange(suffix=int(last))
    return ByteRange(int(first), int(last) if last else None)


def content_range(start: int, stop: int, length: int | None) -> str:
    """The Content-Range of what is answered with; length: of the whole stream, None while it may grow."""
    return f"bytes {start}-{stop - 1}/{'*' if length is None else length}"
