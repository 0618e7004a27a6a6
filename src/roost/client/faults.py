"""The ways in which a connection fails that the client itself acts on."""

from __future__ import annotations

from roost.errors import UnavailableError, WaitTimeoutError


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
