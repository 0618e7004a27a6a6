"""A reader of a stream inside the daemon: every byte from an offset on, or an exact gap, in order.

Owns a cursor on the ring; takes part in the stream's turns like an attachment. What looks at output (the screen's
feed, recordings, waits) builds on it. A consumer that cannot take more says so and is asked again after `resume`.

A consumer that works on what it gets has slices: how long it took for a piece decides how long the next one is, and if
that was long it is left alone for the same time. So the loop is never its for long, and never more than half of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from roost.daemon.stream import Stream
from roost.ring.layout import GUARD_BYTES

#: How long a consumer with slices may have the loop at a time.
SLICE_S = 0.002
#: The first piece that it gets, and the shortest that any is cut to.
_FIRST_BYTES, _LEAST_BYTES = 4096, 512


class Slices:
    """How much a consumer that works on its pieces gets at a time."""

    def __init__(
        self, call_later: Callable[[float, Callable[[], None]], object], clock: Callable[[], float] = time.thread_time
    ) -> None:
        self.piece_bytes = _FIRST_BYTES
        self._call_later = call_later
        self._clock = clock

    def measure(self, length: int, work: Callable[[], bool | None], resume: Callable[[], None]) -> bool:
        """Have a piece worked on; whether the consumer is to be left alone now, until it or `resume` says otherwise."""
        begun = self._clock()
        paused = work() is False
        took_s = self._clock() - begun
        if took_s <= SLICE_S:
            if length >= self.piece_bytes:
                self.piece_bytes = min(GUARD_BYTES, 2 * length)
            return paused
        self.piece_bytes = max(_LEAST_BYTES, int(length * SLICE_S / took_s))
        if not paused:
            self._call_later(took_s, resume)
        return True


class Tap:
    """A cursor that calls back. `on_data(offset, data)` returns False to be left alone until `resume`.

    `on_gap(start, end)`: those bytes left the ring before they were taken. With `lossless` the ring waits instead, up
    to its whole size: only for consumers that always come back. `slices`: for one that works on what it gets.
    """

    def __init__(
        self,
        stream: Stream,
        offset: int,
        on_data: Callable[[int, bytes], bool | None],
        on_gap: Callable[[int, int], None],
        *,
        lossless: bool = False,
        slices: Slices | None = None,
    ) -> None:
        self.stream = stream
        self.offset = offset
        self.lossless = lossless
        self._on_data = on_data
        self._on_gap = on_gap
        self._slices = slices
        self._paused = False
        self._open = False

    @property
    def blocked(self) -> bool:
        """Whether the consumer wants to be left alone."""
        return self._paused

    def open(self) -> None:
        """Take part in the stream's turns from now on."""
        if not self._open:
            self._open = True
            self.stream.add(self)

    def close(self) -> None:
        """Take part no more; safe to repeat, also from within a callback."""
        if self._open:
            self._open = False
            self.stream.remove(self)

    def resume(self) -> None:
        """The consumer can take more."""
        if self._paused:
            self._paused = False
            self.stream.turn_soon()

    def pump(self) -> bool:
        """Hand over one piece; True when there may be more right away."""
        if not self._open or self._paused:
            return False
        start = self.stream.ring.start
        data = self.stream.take(self.offset) if self.offset >= start else None
        if data is None:
            start = self.stream.ring.start
            at, self.offset = self.offset, max(start, self.offset)
            if start > at:
                self._on_gap(at, start)
            return self._open
        if not data:
            return False
        self._paused = not self._hand_over(data)
        return self._open and not self._paused and self.offset < self.stream.ring.end

    def _hand_over(self, data: bytes) -> bool:
        """Whether the consumer can take more."""
        at, slices = self.offset, self._slices
        if slices is None:
            self.offset += len(data)
            return self._on_data(at, data) is not False
        piece = data[: slices.piece_bytes]
        self.offset += len(piece)
        return not slices.measure(len(piece), lambda: self._on_data(at, piece), self.resume)

    def hold_offset(self) -> int:
        """The least offset not yet handed over."""
        return self.offset
