"""How far events were numbered, in a file that survives a SIGKILL of the daemon: two words in shared memory.

Owns the file. Compared with what the journal has, it tells the next daemon exactly which events were numbered and never
stored. Storing a word costs next to nothing, unlike storing an event.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import os

log = logging.getLogger(__name__)

_BYTES = 16


class EventMark:
    """Epoch and number of the last event, mapped from a file. `previous`: what the last daemon left, None for none."""

    def __init__(self, path: str) -> None:
        """Where the file cannot be had, the words are in memory of our own; nothing is known of this life then."""
        known = False
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                known = os.fstat(fd).st_size == _BYTES
                if not known:
                    os.ftruncate(fd, 0)
                os.posix_fallocate(fd, 0, _BYTES)  # a page without room on the disk is a SIGBUS when it is written
                self._map = mmap.mmap(fd, _BYTES)
            finally:
                os.close(fd)
        except OSError as error:
            log.error("%s cannot be used: %s; free some space", path, error.strerror)
            known, self._map = False, mmap.mmap(-1, _BYTES)
        self.words = memoryview(self._map).cast("Q")
        epoch, seq = self.words[0], self.words[1]
        self.previous = (epoch, seq) if known and epoch else None

    def close(self) -> None:
        """Give the memory back; the file keeps the last number."""
        self.words.release()
        with contextlib.suppress(BufferError):
            self._map.close()
