"""The ways in which a connection fails that the client itself acts on, and what a refused connection means.

Light: the fast path of the command line uses it too.
"""

from __future__ import annotations

import errno
import os

from roost.errors import RoostError, UnavailableError, WaitTimeoutError

#: What to do about a daemon that is there and does not answer.
SEE_DOCTOR = "see `roost doctor`"


class DaemonAbsentError(UnavailableError):
    """Nothing listens on the socket: nothing was sent, and a daemon may be started."""


class ConnectionLostError(UnavailableError):
    """The connection ended before the answer came. `delivered`: the daemon may have seen the whole request."""

    def __init__(self, message: str, *, delivered: bool) -> None:
        super().__init__(message)
        self.delivered = delivered


class WriteTimeoutError(WaitTimeoutError):
    """The session did not take all of the input in time. `written` bytes were accepted and are or will be sent."""

    def __init__(self, message: str, *, written: int) -> None:
        super().__init__(f"{message}; {written} bytes were accepted")
        self.written = written


def connect_error(path: str, error: OSError) -> RoostError:
    """What a refused connection means, and what to do."""
    if error.errno in (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR):
        return DaemonAbsentError(f"no daemon listens on {path}; start one with `roost daemon start`")
    reason = os.strerror(error.errno or 0)
    if error.errno in (errno.EACCES, errno.EPERM):
        return RoostError(f"{path} cannot be opened: {reason}; it belongs to another user", kind="denied")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return RoostError(f"cannot connect to {path}: {reason}; raise it with `ulimit -n`", kind="exhausted")
    return UnavailableError(f"cannot connect to {path}: {reason}; look at `roost daemon status`")
