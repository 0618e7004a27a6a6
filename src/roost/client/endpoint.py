"""Where the daemon is and how to get a connection to it.

Owns the socket path, and whether a missing daemon may be started.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from roost.client.faults import connect_error
from roost.errors import UnavailableError
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
        """The endpoint a client was asked for; without a path that of ROOST_SOCKET, else of the scope.

        Where ROOST_SOCKET leads elsewhere (in a session of another scope) nothing is started: it would be a daemon of
        this scope on the other one's socket.
        """
        paths = Paths.for_scope(scope)
        if socket_path is not None:
            return cls(paths, os.fspath(socket_path), autostart=autostart)
        own = paths.client_socket == paths.daemon_socket
        return cls(paths, paths.client_socket, autostart=autostart and own)

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


class MadeEndpoint(Endpoint):
    """A daemon whose connections are made by somebody else: `connect` gives connected, non-blocking sockets."""

    __slots__ = ("_connect",)

    def __init__(self, place: str, connect: Callable[[], socket.socket]) -> None:
        super().__init__(Paths.for_scope(None), "", autostart=False)
        self.socket_path = place
        self._connect = connect

    def connect_once(self) -> socket.socket | None:
        """One of them."""
        return self._connect()

    def busy_error(self) -> UnavailableError:
        """There is no such state."""
        return UnavailableError(f"{self.socket_path} cannot be reached")
