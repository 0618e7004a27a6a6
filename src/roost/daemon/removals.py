"""Noticing that a socket file is gone although nobody calls: programs in sessions know only its path.

Owns the kernel's notice (dnotify: in the standard library, and nothing to load or to wake up for meanwhile). What is
done about it is the caller's. A directory that is removed as a whole is left alone: whoever does that wants it gone,
and clients call back (`roost.daemon.recall`). Source: fcntl(2), F_NOTIFY.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
from collections.abc import Callable, Collection

from roost.daemon.listening import file_at
from roost.errors import RoostError

log = logging.getLogger(__name__)

#: Whoever removes a whole directory is given time to finish.
_PATIENCE_S = 0.5


class RemovalWatch:
    """Has `look` called on the loop shortly after one of some files of a directory is gone, while that exists.

    A file in whose place another stands is not gone: two daemons would take each other's away for ever.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, directory: str, files: Collection[str], look: Callable[[], object]
    ) -> None:
        self._loop = loop
        self._directory = directory
        self._files = files
        self._look = look
        self._fd = -1
        self._due: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """Watch the directory that is there now; without a kernel that does this, nothing."""
        if self._fd >= 0 and _same(self._fd, self._directory):
            return
        self._disarm()
        self._loop.add_signal_handler(signal.SIGIO, self._on_notice)
        try:
            self._fd = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.fcntl(self._fd, fcntl.F_NOTIFY, fcntl.DN_DELETE | fcntl.DN_RENAME | fcntl.DN_MULTISHOT)
        except OSError as error:
            log.info("removed socket files are noticed only when somebody calls: %s", error.strerror)

    def _on_notice(self) -> None:
        if self._due is None:
            self._due = self._loop.call_later(_PATIENCE_S, self._look_now)

    def _look_now(self) -> None:
        self._due = None
        if self._fd < 0 or not _same(self._fd, self._directory) or all(map(file_at, self._files)):
            return
        try:
            self._look()
        except RoostError as error:
            log.error("%s", error.message)

    def _disarm(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def close(self) -> None:
        """Watch no more; before our own files go."""
        self._disarm()
        if self._due is not None:
            self._due.cancel()


def _same(fd: int, path: str) -> bool:
    found = os.fstat(fd)
    return file_at(path) == (found.st_dev, found.st_ino)
