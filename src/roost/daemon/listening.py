"""Making the socket that the daemon listens on.

Light to import, so that a daemon that has to be reachable at once can listen first and import the rest afterwards:
connections wait in the queue meanwhile.
"""

from __future__ import annotations

import os
import socket

from roost.errors import RoostError
from roost.paths import check_socket_path

_BACKLOG = 1024


def listen_at(path: str) -> socket.socket:
    """A non-blocking listening socket, mode 0600; replaces a stale socket file.

    The caller holds the lock that says that it is stale. Raises InvalidError (path too long) or RoostError (cannot
    bind), naming the path.
    """
    check_socket_path(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    mask = os.umask(0o177)
    try:
        if os.path.lexists(path):
            os.unlink(path)
        listener.bind(path)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise RoostError(f"cannot listen at {path}: {error.strerror}", kind="denied") from error
    finally:
        os.umask(mask)
    return listener


def file_at(path: str) -> tuple[int, int] | None:
    """Which file is there now, None for none: tells whether a socket file is still the one that was made."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
