"""Calling a daemon back to its socket path, after the file is gone: a logout may remove the runtime directory.

Owns the caller's side of it: an abstract name needs no directory. Whoever connects to it makes the daemon look after
its socket file; a line with the path is the answer, once something listens there. Must not know the protocol.
"""

from __future__ import annotations

import os
import socket
import struct

#: A daemon in a long turn answers late; one that is stopped never does.
_ANSWER_WITHIN_S = 1.0
_PATH_BYTES = 4096


def recall_daemon(name: str) -> str | None:
    """The path that the daemon of that abstract name listens at now; None when there is none of our own user's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as caller:
        caller.settimeout(_ANSWER_WITHIN_S)
        try:
            caller.connect(name)
            if peer_uid(caller) != os.geteuid():
                return None  # anybody may take an abstract name
            answer = caller.recv(_PATH_BYTES)
        except OSError:
            return None
    return os.fsdecode(answer.rstrip(b"\n")) if answer.endswith(b"\n") else None


def peer_uid(connection: socket.socket) -> int:
    """Whose process is at the other end. Source: unix(7), SO_PEERCRED."""
    _pid, uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(uid)
