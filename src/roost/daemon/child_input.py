"""The way of input into a child: a bounded queue in front of a descriptor that may not take everything at once.

Owns the order in which the input of several clients reaches the child (each piece whole, in order of arrival) and the
bound; whoever overfills it is held back, nothing is dropped. Knows nothing of sockets: a source is told when its input
was written, and when it may go on.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import Protocol

#: Above this the sources are held back, below half of it they may go on.
QUEUE_BYTES = 1 << 20

#: Told how many bytes were written; or, with the error, that the rest never will be.
OnWritten = Callable[[int, OSError | None], None]


class Tap(Protocol):
    """Somebody who is shown what the child was given."""

    @property
    def full(self) -> bool:
        """Whether the child may be given no more for now (`ChildInput.tap_has_room` ends that)."""

    def took(self, data: bytes) -> None:
        """The child's side has taken that."""

    def input_closed(self) -> None:
        """Nothing will follow."""


class ChildInput:
    """Writes to a PTY master or a stdin pipe without ever blocking the loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fd: int,
        *,
        on_room: Callable[[], None],
        on_queued: Callable[[], object] = lambda: None,
    ) -> None:
        """Use (not own) a non-blocking descriptor. `on_queued` is called when the child does not take a piece whole,
        `on_room` when a full queue has room again."""
        self._loop = loop
        self._fd = fd
        self._on_room = on_room
        self._on_queued = on_queued
        self._queue: deque[tuple[memoryview, object, OnWritten]] = deque()
        self._queued = 0
        self._waiting = False
        self._was_full = False
        self._closed = False
        self._taps: list[Tap] = []

    # --- taps -----------------------------------------------------------------------------------------------------

    def add_tap(self, tap: Tap) -> None:
        """Show somebody what is written from now on."""
        self._taps.append(tap)

    def remove_tap(self, tap: Tap) -> None:
        """Forget a tap."""
        if tap in self._taps:
            self._taps.remove(tap)

    @property
    def watched(self) -> bool:
        """Whether somebody is shown it."""
        return bool(self._taps)

    @property
    def _held(self) -> bool:
        return bool(self._taps) and any(tap.full for tap in self._taps)

    def tap_has_room(self) -> None:
        """Go on after a tap was full."""
        if self._queue and not self._closed:
            self._wait()

    # --- writing --------------------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether sources must be held back now."""
        return self._queued >= QUEUE_BYTES

    @property
    def queued(self) -> bool:
        """Whether something waits until the child takes it."""
        return bool(self._queue)

    def write(self, data: bytes, source: object, on_written: OnWritten) -> None:
        """Write now what the child takes, queue the rest. `source` is only compared (see `purge`)."""
        if self._closed:
            on_written(0, BrokenPipeError("the child's input is closed"))
            return
        if not self._queue:
            written = self._try(data, on_written)
            if written is None or written == len(data):
                return
            data = data[written:]
        self._queue.append((memoryview(data), source, on_written))
        self._queued += len(data)
        self._was_full = self._was_full or self.full
        self._wait()
        self._on_queued()

    def _try(self, data: bytes | memoryview, on_written: OnWritten) -> int | None:
        """Bytes taken; None after a final error."""
        if self._taps and self._held:
            return 0
        try:
            written = os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            on_written(0, error)
            return None
        if written:
            if self._taps:
                for tap in tuple(self._taps):
                    tap.took(bytes(data[:written]))
            on_written(written, None)
        return written

    def _wait(self) -> None:
        if not self._waiting and not self._held:
            self._waiting = True
            self._loop.add_writer(self._fd, self._writable)

    def _writable(self) -> None:
        for _ in range(16):  # a PTY takes little at a time; others have their turn too
            if not self._queue:
                break
            data, source, on_written = self._queue[0]
            written = self._try(data, on_written)
            if written is None:
                self._queue.popleft()
                self._queued -= len(data)
                continue
            self._queued -= written
            if written < len(data):
                self._queue[0] = (data[written:], source, on_written)
                if written == 0:
                    break
            else:
                self._queue.popleft()
        self._settle()

    def _settle(self) -> None:
        if self._waiting and (not self._queue or self._held):
            self._waiting = False
            self._loop.remove_writer(self._fd)
        if self._was_full and self._queued <= QUEUE_BYTES // 2:
            self._was_full = False
            self._on_room()

    def purge(self, source: object) -> int:
        """Forget what that source has queued and the child has not taken; how many bytes that were."""
        kept = deque(item for item in self._queue if item[1] is not source)
        gone = self._queued - sum(len(item[0]) for item in kept)
        self._queue = kept
        self._queued -= gone
        self._settle()
        return gone

    def close(self) -> None:
        """Stop writing; sources of queued input are told that it will not be written."""
        if self._closed:
            return
        self._closed = True
        if self._waiting:
            self._waiting = False
            self._loop.remove_writer(self._fd)
        queue, self._queue, self._queued = self._queue, deque(), 0
        for _, _, on_written in queue:
            on_written(0, BrokenPipeError("the child's input is closed"))
        taps, self._taps = self._taps, []
        for tap in taps:
            tap.input_closed()
