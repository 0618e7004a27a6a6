"""Waking a thread that sleeps in poll: one eventfd. Source: eventfd(2)."""

from __future__ import annotations

import contextlib
import os
import threading


class Wake:
    """Set by any thread; the sleeper polls `fileno` and clears it."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._lock = threading.Lock()  # a number that was given back may be another file a moment later

    def fileno(self) -> int:
        """For poll."""
        return self._fd

    def set(self) -> None:
        """Wake the sleeper, now or when it goes to sleep; nothing after `close`."""
        with self._lock, contextlib.suppress(BlockingIOError):
            if self._fd >= 0:
                os.eventfd_write(self._fd, 1)

    def clear(self) -> None:
        """Sleep again."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._fd)

    def close(self) -> None:
        """Give the descriptor back; safe to repeat."""
        with self._lock:
            fd, self._fd = self._fd, -1
            if fd >= 0:
                os.close(fd)
