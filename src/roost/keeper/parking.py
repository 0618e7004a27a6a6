"""Streams of one draining thread that are left alone for now: no room under a hold, or something could not be had.

Owns why and until when. A parked stream is off epoll altogether: with an empty mask it would still report a hang-up,
for ever. Must not know: how a stream is read.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from roost.keeper.sessions import Stream

_RETRY_FIRST_S, _RETRY_LAST_S = 0.01, 1.0


class Parking:
    """The parked streams. `wake_readers` is called for one whose kept bytes have gone into its ring."""

    def __init__(self, unwatch: Callable[[Stream], None], wake_readers: Callable[[Stream], None]) -> None:
        self._unwatch = unwatch
        self._wake_readers = wake_readers
        self._streams: list[Stream] = []

    def __bool__(self) -> bool:
        return bool(self._streams)

    def stall(self, stream: Stream) -> bool:
        """Stop reading until the hold moves; False if it has moved already.

        The flag is set before the second look, so that no move is missed.
        """
        stream.writer.set_stalled(True)
        if stream.writer.room():
            stream.writer.set_stalled(False)
            return False
        self._park(stream)
        return True

    def rest(self, stream: Stream) -> None:
        """Leave a stream alone for a moment: memory or something else could not be had."""
        stream.retry_delay_s = min(stream.retry_delay_s * 2, _RETRY_LAST_S) or _RETRY_FIRST_S
        stream.retry_at = time.monotonic() + stream.retry_delay_s
        self._park(stream)

    def _park(self, stream: Stream) -> None:
        self._unwatch(stream)
        stream.is_parked = True
        self._streams.append(stream)

    def remove(self, stream: Stream) -> None:
        """It is parked no more."""
        self._streams.remove(stream)
        stream.is_parked = False

    def timeout_s(self) -> float:
        """How long the thread may sleep; -1 for as long as it likes."""
        waits = [stream.retry_at for stream in self._streams if stream.retry_at]
        return max(0.0, min(waits) - time.monotonic()) if waits else -1

    def leave(self) -> list[Stream]:
        """Those that can be read again; they are parked no more."""
        leaving = []
        for stream in list(self._streams):
            if self._retry(stream) if stream.retry_at else stream.writer.room():
                stream.writer.set_stalled(False)
                self.remove(stream)
                leaving.append(stream)
        return leaving

    def _retry(self, stream: Stream) -> bool:
        if time.monotonic() < stream.retry_at:
            return False
        stream.retry_at = 0.0
        if stream.pending:
            try:
                stream.writer.append(memoryview(stream.pending))
            except OSError:
                stream.retry_delay_s = min(stream.retry_delay_s * 2, _RETRY_LAST_S)
                stream.retry_at = time.monotonic() + stream.retry_delay_s
                return False
            stream.pending = b""
            os.eventfd_write(stream.event_fd, 1)
            self._wake_readers(stream)
        return True
