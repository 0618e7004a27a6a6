"""Making the socket that the daemon listens on: never in somebody else's place.

Light to import, so that a daemon that has to be reachable at once can listen first and import the rest afterwards:
connections wait in the queue meanwhile.
"""

from __future__ import annotations

import os
import socket
import stat
import time

from roost.errors import RoostError
from roost.paths import check_socket_path

_BACKLOG = 1024
#: How long somebody who listens at the path is given to go: the daemon whose lock we took over may be dying still.
LEAVE_S = 1.0
_LEAVE_POLL_S = 0.01
_ELSEWHERE = "choose another path (ROOST_SOCKET, --socket-path, --listen)"


def listen_at(path: str, *, patience_s: float = 0.0) -> socket.socket:
    """A non-blocking listening socket, mode 0600; replaces a socket file at which nobody listens any more.

    Raises InvalidError (path too long) or RoostError (cannot bind; what is there is no socket, or is listened at),
    naming the path; then nothing was changed. With `patience_s` it blocks for so long while somebody listens there.
    """
    check_socket_path(path)
    _clear(path, patience_s)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    mask = os.umask(0o177)
    try:
        listener.bind(path)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        advice = f"look at `ls -ld {os.path.dirname(path) or '.'}`, or {_ELSEWHERE}"
        raise RoostError(f"cannot listen at {path}: {error.strerror}; {advice}", kind="denied") from error
    finally:
        os.umask(mask)
    return listener


def _clear(path: str, patience_s: float) -> None:
    """Take a stale socket file away. A lock says little of a path that somebody chose: what is there is looked at."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise RoostError(f"cannot listen at {path}: {error.strerror}; {_ELSEWHERE}", kind="denied") from error
        if not stat.S_ISSOCK(found.st_mode):
            raise RoostError(f"{path} is there and is no socket; move it away, or {_ELSEWHERE}", kind="denied")
        if not _listened_at(path):
            break
        if time.monotonic() >= deadline:
            raise RoostError(
                f"another program listens at {path} already; stop it, or {_ELSEWHERE}", kind="already_attached"
            )
        time.sleep(_LEAVE_POLL_S)
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise RoostError(f"the old socket {path} cannot be removed: {error.strerror}", kind="denied") from error


def _listened_at(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # a full queue, another type of socket, not for us to open: it is somebody's
            return True
    return True


def file_at(path: str) -> tuple[int, int] | None:
    """Which file is there now, None for none: tells whether a socket file is still the one that was made."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
