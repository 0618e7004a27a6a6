"""A reader of a stream inside the daemon: every byte from an offset on, or an exact gap, in order.

Owns a cursor on the ring; takes part in the stream's turns like an attachment. What looks at output (the screen's
feed, recordings, waits) builds on it. A consumer that cannot take more says so and is asked again after `resume`.
"""

from __future__ import annotations

from collections.abc import Callable

from roost.daemon.stream import Stream


class Tap:
    """A cursor that calls back. `on_data(offset, data)` returns False to be left alone until `resume`.

    `on_gap(start, end)`: those bytes left the ring before they were taken. With `lossless` the ring waits instead, up
    to its whole size: only for consumers that always come back.
    """

    def __init__(
        self,
        stream: Stream,
        offset: int,
        on_data: Callable[[int, bytes], bool | None],
        on_gap: Callable[[int, int], None],
        *,
        lossless: bool = False,
    ) -> None:
        self.stream = stream
        self.offset = offset
        self.lossless = lossless
        self._on_data = on_data
        self._on_gap = on_gap
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
        at = self.offset
        self.offset += len(data)
        self._paused = self._on_data(at, data) is False
        return self._open and not self._paused and self.offset < self.stream.ring.end

    def hold_offset(self) -> int:
        """The least offset not yet handed over."""
        return self.offset
