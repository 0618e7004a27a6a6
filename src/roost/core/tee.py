"""The arithmetic of a copy in a file: which byte of the stream stands where, what a loss looks like, where to rotate.

Pure: sizes and offsets in, sizes and offsets out.

A tee must go on in the next daemon without loss or repeat, though its daemon may be killed between any two
instructions. Nothing but the file itself changes in the same instant as the bytes are written, so the file's *size* is
the only witness. What is kept beside it is a `Place`: a size of the file and the stream offset of the byte that stands
there. As long as everything behind that place is a plain copy, the next offset is

    place.offset + (size - place.size)

however old the place is and wherever in a write the daemon died (a killed write leaves a shorter copy, and the size
tells how short). So a place need not be saved for every write, and may be saved at any time. Only what breaks the plain
copy has an order that must be kept; each is saved, and the save confirmed by the keeper, *before* the file is touched:

- **A loss** (`gap_to`). With the place at the present end of the file, the bytes `[offset, gap_to)` are not in the
  file; a marker that follows from that number stands there instead. A size inside the marker means: write the rest of
  the marker. Behind it: plain copy from `gap_to`.
- **A new file** (rotation, or a file that somebody else changed). The place names the file by device and inode. Killed
  before the rename, the file still has its name, and its size counts. Killed after it, the file is found under another
  name in the same directory, its size counts all the same, and the new file is empty, because nothing is written into
  it before its own place is confirmed.
- **A file that somebody else wrote or cut.** Noticed before each write by the size; the new place is confirmed first.
  If it happened while no daemon looked, the size contradicts the place; then the saved offset is what is left to go by.
"""

from __future__ import annotations

from dataclasses import dataclass

#: How much longer than asked for a file may become, for the sake of a whole line.
OVERSHOOT_BYTES = 64 * 1024

_LF = b"\n"


@dataclass(frozen=True, slots=True)
class Place:
    """The byte at `offset` of the stream stands at `size` of the file; with `gap_to`, a marker stands there instead."""

    size: int
    offset: int
    gap_to: int | None = None


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where to go on: `marker_rest` is to be written first."""

    offset: int
    marker_rest: bytes = b""


def marker(missed_bytes: int) -> bytes:
    """What stands in the file where bytes are missing."""
    return b"\n[running-process tee missed %d bytes]\n" % missed_bytes


def gap_marker(place: Place, *, markers: bool) -> bytes:
    """The marker of a place's gap; empty without a gap, or where markers are not wanted."""
    return marker(place.gap_to - place.offset) if markers and place.gap_to is not None else b""


def resume(place: Place, size: int, end: int, *, markers: bool) -> Resumption | None:
    """Where a copy stands whose file has that size; None when place, size and the stream's end contradict each other.

    `end`: bytes ever written to the stream.
    """
    beyond = size - place.size
    if beyond < 0:
        return None
    if place.gap_to is None:
        return Resumption(place.offset + beyond) if place.offset + beyond <= end else None
    text = gap_marker(place, markers=markers)
    if beyond < len(text):
        return Resumption(place.gap_to, text[beyond:])
    offset = place.gap_to + beyond - len(text)
    return Resumption(offset) if offset <= end else None


def rotation_cut(data: bytes, size: int, rotate_bytes: int, *, line_open: bool) -> tuple[int, bool]:
    """How much of `data` still goes into a file of that size, and whether a new file is due after it.

    A file ends behind the last LF that fits. A line that does not fit goes into the next file whole, or, where it has
    begun already, is ended in this one if that takes no more than OVERSHOOT_BYTES.
    """
    room = rotate_bytes - size
    if len(data) <= room:
        return len(data), False
    cut = data.rfind(_LF, 0, max(room, 0)) + 1
    if cut:
        return cut, True
    if size > 0 and not line_open:
        return 0, True
    most = max(0, room + OVERSHOOT_BYTES)
    cut = data.find(_LF, max(room, 0), most) + 1
    if cut:
        return cut, True
    return (len(data), False) if len(data) <= most else (most, True)
