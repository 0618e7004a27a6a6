"""Where the daemon is and how to get a connection to it.

Owns the socket path, the translation of connect errors, and whether a missing daemon may be started.
"""

from __future__ import annotations

import errno
import os
import socket

from roost.client.faults import DaemonAbsentError
from roost.errors import RoostError, UnavailableError
from roost.paths import Paths, check_socket_path


class Endpoint:
    """One daemon's address, and whether that daemon may be started."""

    __slots__ = ("autostart", "paths", "socket_path")

    def __init__(self, paths: Paths, socket_path: str, *, autostart: bool) -> None:
        self.paths = paths
        self.socket_path = check_socket_path(socket_path)
        self.autostart = autostart

    @classmethod
    def of(cls, socket_path: str | os.PathLike[str] | None, *, scope: str | None, autostart: bool) -> Endpoint:
        """The endpoint a client was asked for; without a path that of the scope."""
        paths = Paths.for_scope(scope)
        return cls(paths, paths.client_socket if socket_path is None else os.fspath(socket_path), autostart=autostart)

    def connect_once(self) -> socket.socket | None:
        """A connected non-blocking socket, None while the daemon's accept queue is full.

        Raises DaemonAbsentError when nothing listens there, else an error that says what is in the way.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            connection.connect(self.socket_path)
        except BlockingIOError:
            connection.close()
            return None
        except OSError as error:
            connection.close()
            raise connect_error(self.socket_path, error) from error
        return connection

    def busy_error(self) -> UnavailableError:
        """The error for a daemon that does not accept connections."""
        return UnavailableError(
            f"the daemon on {self.socket_path} accepts no connections: its queue is full; "
            "look at `roost daemon logs`, or restart it with `roost daemon restart` (sessions stay)"
        )


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
