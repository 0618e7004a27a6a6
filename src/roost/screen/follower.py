"""One session's screen in the worker: its ring, its emulator, and how far the one has been shown on the other.

Owns the order of output and sizes. What somebody waits for is copied out of the ring first and shown afterwards:
showing takes a hundred times as long, and a flood would overwrite the rest meanwhile. A ring that was overwritten
before it was read is told to whoever asked for a step; a new beginning then comes from outside, with what is known of
the modes there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from roost.ring.reader import RingReader
from roost.screen.boundary import boundary
from roost.screen.certainty import Certainty
from roost.screen.emulator import Emulator, clamp, make_emulator
from roost.screen.snapshot import Snapshot

SLICE_BYTES = 64 * 1024
#: No more than this is copied at once.
_COPY_BYTES = 8 << 20
#: As much of the newest output is enough to begin anew in a flood; of a smaller ring three quarters, because the oldest
#: part is overwritten while it is copied.
_NEWEST_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where emulation begins: at an offset, with the sizes from there on and what sets the modes as they were there.

    exact: nothing came before. sizes: (offset, rows, cols), the first in force at the beginning.
    """

    offset: int
    exact: bool
    alternate: bool
    sizes: list[tuple[int, int, int]]
    prelude: bytes = b""


class Follower:
    """Shows one ring on one emulator."""

    def __init__(self, ring: RingReader, beginning: Beginning, awaits_size: Callable[[], bool] = lambda: False) -> None:
        """`awaits_size`: whether another size is announced, so that output that was read already may be for it."""
        self._ring = ring
        self._copy, self._copy_at = b"", 0
        self._awaits_size = awaits_size
        self.held_back = False
        self._emulator: Emulator | None = None
        self.begin(beginning)

    def begin(self, beginning: Beginning) -> None:
        """Start over."""
        self.close_emulator()
        self.offset = beginning.offset
        self.lapped = False
        self._sizes = sorted(beginning.sizes)
        _at, self.rows, self.cols = self._sizes.pop(0)
        self._emulator = make_emulator(self.rows, self.cols)
        self._emulator.feed(beginning.prelude)
        self._certainty = Certainty(exact=beginning.exact, alternate=beginning.alternate)

    @property
    def emulator(self) -> Emulator:
        """The emulator."""
        assert self._emulator is not None
        return self._emulator

    @property
    def end(self) -> int:
        """How far the ring has been written."""
        return self._ring.end

    def size(self, offset: int, rows: int, cols: int) -> None:
        """The terminal has another size from that offset on."""
        self._sizes.append((offset, rows, cols))
        self._apply_sizes()

    def step(self, until: int | None = None) -> bool:
        """Show one slice; False when there is no more (up to `until`), when the ring has to be begun anew (`lapped`),
        or when the output has to wait for a size (`held_back`)."""
        self.held_back = False
        if self.lapped:
            return False
        limit = SLICE_BYTES
        if until is not None:
            limit = min(limit, until - self.offset)
        if self._sizes:
            limit = min(limit, max(1, self._sizes[0][0] - self.offset))
        if limit <= 0:
            return False
        data = self._read(limit)
        if data is None:
            self.lapped = True
            return False
        if data and self._awaits_size():
            self.held_back = True
            return False
        if data:
            self.emulator.feed(data)
            self.offset += len(data)
            self._learn(data)
        self._apply_sizes()
        return bool(data)

    def _read(self, limit: int) -> bytes | None:
        at = self.offset - self._copy_at
        if 0 <= at < len(self._copy):
            return self._copy[at : at + limit]
        self._copy = b""
        return self._ring.read(self.offset, limit)

    def secure(self, until: int) -> None:
        """Copy what is to be shown up to there, so that it cannot be overwritten meanwhile."""
        if self.lapped or self._copied(until):
            return
        if SLICE_BYTES < until - self.offset <= _COPY_BYTES:
            data = self._ring.read(self.offset, until - self.offset)
            self._copy, self._copy_at = data or b"", self.offset
            self.lapped = data is None

    def _copied(self, until: int) -> bool:
        return self._copy_at <= self.offset and until <= self._copy_at + len(self._copy)

    def secure_newest(self) -> tuple[int, int]:
        """Copy the newest output: where emulation can begin in it, and where it ends. It is shown if `begin` comes with
        that offset."""
        length, data = min(_NEWEST_BYTES, self._ring.capacity * 3 // 4), None
        while data is None:
            start = max(0, self._ring.end - length)
            data = self._ring.read(start, length)
            length //= 2
        offset = start + (boundary(data) if start else 0)
        self._copy, self._copy_at = data, start
        return offset, start + len(data)

    def _learn(self, data: bytes) -> None:
        if not self._certainty.complete:
            self._certainty.feed(data)
            self._certainty.scrolled(self.emulator.scrolled(), self.rows)

    def _apply_sizes(self) -> None:
        while self._sizes and self._sizes[0][0] <= self.offset:
            _at, self.rows, self.cols = self._sizes.pop(0)
            self.emulator.resize(*clamp(self.rows, self.cols))

    # --- what it shows --------------------------------------------------------------------------------------------

    def snapshot(self, *, scrollback: int = 0) -> Snapshot:
        """The screen now, and so many lines of scrollback."""
        return self._marked(self.emulator.snapshot(scrollback=scrollback), (self.rows, self.cols))

    def resumable(self, size: tuple[int, int], history: int) -> Snapshot:
        """The screen with all that a terminal needs to go on with it, as it would be after a change to that size."""
        return replace(self._marked(self._both_screens(size), size), history=self.emulator.history(history))

    def _both_screens(self, size: tuple[int, int]) -> Snapshot:
        if clamp(*size) == (self.emulator.rows, self.emulator.cols):
            return self.emulator.snapshot(primary=True)
        copy = self.emulator.clone()
        try:
            copy.resize(*clamp(*size))
            return copy.snapshot(primary=True)
        finally:
            copy.close()

    def _marked(self, taken: Snapshot, size: tuple[int, int]) -> Snapshot:
        rows, cols = size
        taken = replace(taken, offset=self.offset, approximate=self._certainty.approximate)
        return taken if rows >= taken.rows and cols >= taken.cols else _cut(taken, rows, cols)

    def close_emulator(self) -> None:
        """Give the emulator's memory back."""
        if self._emulator is not None:
            self._emulator.close()
            self._emulator = None

    def close(self) -> None:
        """Give everything back."""
        self.close_emulator()
        self._ring.release()


def _cut(taken: Snapshot, rows: int, cols: int) -> Snapshot:
    """A part of a screen that was emulated larger than it is: the rows up to the cursor's on the normal screen, the
    first ones of the alternate."""
    rows, cols = min(max(rows, 1), taken.rows), min(max(cols, 1), taken.cols)
    first = 0 if taken.alternate else max(0, taken.cursor.row - rows + 1)
    cursor = replace(
        taken.cursor, row=min(taken.cursor.row - first, rows - 1), column=min(taken.cursor.column, cols - 1)
    )
    return replace(taken, rows=rows, cols=cols, lines=taken.lines[first : first + rows], cursor=cursor)


def beginning_of(body: dict[str, Any], prelude: bytes) -> Beginning:
    """A beginning as it travels."""
    sizes = [(int(at), int(rows), int(cols)) for at, rows, cols in body["sizes"]]
    return Beginning(int(body["offset"]), bool(body["exact"]), bool(body["alternate"]), sizes, prelude)
