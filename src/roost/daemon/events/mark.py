"""How far events were numbered, in a file that survives a SIGKILL of the daemon: two words in shared memory.

Owns the file. Compared with what the journal has, it tells the next daemon exactly which events were numbered and never
stored. Storing a word costs next to nothing, unlike storing an event.
"""

from __future__ import annotations

import contextlib
import mmap
import os

_BYTES = 16


class EventMark:
    """Epoch and number of the last event, mapped from a file. `previous`: what the last daemon left, None for none."""

    def __init__(self, path: str) -> None:
        """Raises OSError."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            known = os.fstat(fd).st_size == _BYTES
            if not known:
                os.ftruncate(fd, 0)
                os.ftruncate(fd, _BYTES)
            self._map = mmap.mmap(fd, _BYTES)
        finally:
            os.close(fd)
        self.words = memoryview(self._map).cast("Q")
        epoch, seq = self.words[0], self.words[1]
        self.previous = (epoch, seq) if known and epoch else None

    def close(self) -> None:
        """Give the memory back; the file keeps the last number."""
        self.words.release()
        with contextlib.suppress(BufferError):
            self._map.close()
