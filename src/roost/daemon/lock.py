"""One daemon a scope: a file lock, held for as long as the process lives."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable

from roost.errors import RoostError


class DaemonLock:
    """An exclusive lock with the holder's pid in the file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self, where: Callable[[], str | None] = lambda: None) -> None:
        """Take it. Raises RoostError (already_attached) naming the pid that has it, and `where` that one listens."""
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise RoostError(
                f"the lock file {self._path} cannot be opened: {error.strerror}; "
                f"look at `ls -l {self._path}` and `df {os.path.dirname(self._path)}`",
                kind="denied",
            ) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(fd, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(fd)
            place = where()
            listening = f" and listens at {place}" if place else ""
            raise RoostError(
                f"a daemon is already running here (pid {holder}){listening}; use it, or `roost daemon restart`",
                kind="already_attached",
            ) from None
        self._fd = fd
        with contextlib.suppress(OSError):  # a full disk: the lock holds without our pid in it
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give it back."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
