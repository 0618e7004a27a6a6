"""Finding a keeper and looking at it, from outside. Not part of the keeper's own process.

Owns how a keeper is found and whether it is one of ours. Must not become its daemon: a probe changes nothing.
"""

from __future__ import annotations

import os
import socket
import struct

from roost.errors import RoostError, UnavailableError, error_of_kind
from roost.keeper import messages as m
from roost.keeper.transport import receive_packet, send_packet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from roost.paths import Paths

#: How long a keeper may take to answer a probe; it does so between two packets of its daemon.
_ANSWER_S = 2.0


def connect_keeper(paths: Paths) -> socket.socket:
    """A connection to the scope's keeper, by path or by abstract name. Raises UnavailableError."""
    for address in (paths.keeper_socket, paths.abstract_name):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            sock.connect(address)
        except OSError:
            sock.close()
            continue
        if _peer(sock)[1] in (os.getuid(), 0):
            return sock
        sock.close()
    raise UnavailableError(f"no keeper answers at {paths.keeper_socket}")


def probe_keeper(paths: Paths) -> m.Message | None:
    """The greeting of the scope's keeper, None where there is none; it stays free for a daemon.

    Raises RoostError: `version_mismatch`, naming both sides' versions, and `unavailable` when it does not answer.
    """
    try:
        sock = connect_keeper(paths)
    except UnavailableError:
        return None
    fields: list[tuple[int, bytes | int | float | str]] = [
        (m.T_VERSION, m.VERSION),
        (m.T_MIN_VERSION, m.MIN_VERSION),
        (m.T_ROLE, "probe"),
    ]
    with sock:
        sock.settimeout(_ANSWER_S)
        try:
            send_packet(sock, m.encode(m.HELLO, 1, fields))
            received = receive_packet(sock)
        except (OSError, RoostError) as error:
            raise _silent(sock, paths) from error
        if received is None:
            raise _silent(sock, paths)
    greeting = received[0]
    raise_error(greeting)
    return greeting


def raise_error(message: m.Message) -> None:
    """Raise what a keeper's answer says, if it is an error."""
    kind = message.text(m.T_ERROR_KIND, "")
    if kind:
        raise error_of_kind(kind, message.text(m.T_ERROR_TEXT, "the keeper gave no reason"))


def _silent(sock: socket.socket, paths: Paths) -> UnavailableError:
    return UnavailableError(f"the keeper with pid {_peer(sock)[0]} does not answer; see {paths.keeper_log}")


def _peer(sock: socket.socket) -> tuple[int, int]:
    """The pid and the uid of who listens. Source: unix(7), SO_PEERCRED."""
    pid, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return pid, uid
