"""One daemon a scope: a file lock, held for as long as the process lives."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable

from roost.errors import RoostError

_NOTE_BYTES = 4096


class DaemonLock:
    """An exclusive lock with the holder's pid and its socket path in the file."""

    def __init__(self, path: str, socket_path: str = "") -> None:
        """`socket_path`: where the daemon is going to listen, noted for others that want this lock."""
        self._path = path
        self._socket_path = socket_path
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
            pid, _, elsewhere = os.read(fd, _NOTE_BYTES).decode("utf-8", "replace").strip().partition("\n")
            os.close(fd)
            raise RoostError(self._occupied(pid or "unknown", where(), elsewhere), kind="already_attached") from None
        self._fd = fd
        with contextlib.suppress(OSError):  # a full disk: the lock holds without our pid in it
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n{self._socket_path}\n".encode("utf-8", "surrogateescape"), 0)

    def _occupied(self, pid: str, place: str | None, elsewhere: str) -> str:
        """What to say of a holder that answers here (`place`), or that has noted another place."""
        if place is None and elsewhere and elsewhere != self._socket_path:
            state, runtime = os.path.dirname(self._path), os.path.dirname(elsewhere)
            return (
                f"the daemon with pid {pid} keeps its state in {state} too, and listens at {elsewhere}: one directory "
                f"of state serves one daemon; use that one (ROOST_SOCKET, or XDG_RUNTIME_DIR above {runtime}), or "
                "set XDG_STATE_HOME to another directory"
            )
        listening = f" and listens at {place}" if place else ""
        return f"a daemon is already running here (pid {pid}){listening}; use it, or `roost daemon restart`"

    def release(self) -> None:
        """Give it back."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
