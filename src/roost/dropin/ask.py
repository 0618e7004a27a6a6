"""One plain v1 request without arguments, and its answer: understood by every daemon of the protocol, roost or not."""

from __future__ import annotations

import socket

from roost.client.faults import DaemonAbsentError, connect_error
from roost.client.replies import check_reply, raise_reply_error
from roost.errors import UnavailableError
from roost.wire.framing import MAX_RESPONSE_BYTES, FrameSplitter
from roost.wire.lite import LENGTH_DELIMITED, fields, text
from roost.wire.requests import decode_reply, encode_simple

PING, SHUTDOWN, STATUS = 40, 41, 42
TIMEOUT_S = 30.0
CLIENT_NAME = "running-process-daemon"

_STATUS_NAMES = {
    1: "version",
    2: "uptime_seconds",
    3: "tracked_process_count",
    4: "active_connections",
    5: "socket_path",
    6: "db_path",
    7: "scope",
    8: "scope_hash",
    9: "scope_cwd",
    10: "emergency_reserve",
}


def ask(path: str, request_type: int) -> bytes:
    """The payload of the answer. Raises DaemonAbsentError when nobody listens, UnavailableError when nobody answers."""
    splitter = FrameSplitter(MAX_RESPONSE_BYTES)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT_S)
        try:
            connection.connect(path)
        except OSError as error:
            absent = connect_error(path, error)
            raise not_running(path) if isinstance(absent, DaemonAbsentError) else absent from error
        try:
            connection.sendall(encode_simple(1, request_type, CLIENT_NAME))
            while (payload := splitter.next_frame()) is None and (data := connection.recv(65536)):
                splitter.feed(data)
        except OSError as error:
            raise UnavailableError(f"the daemon at {path} did not answer: {error}") from error
    if payload is None:
        raise UnavailableError(f"the daemon at {path} hung up without an answer")
    reply = check_reply(decode_reply(payload), 1)
    raise_reply_error(reply)
    return reply.payloads.get(request_type, b"")


def not_running(path: str) -> DaemonAbsentError:
    """The error for a place where no daemon is."""
    return DaemonAbsentError(f"daemon is not running: nobody listens at {path}")


def server_time_ms(payload: bytes) -> int:
    """The clock in the answer to a ping."""
    return next((value for number, _wire, value in fields(payload) if number == 1 and isinstance(value, int)), 0)


def status_fields(payload: bytes) -> dict[str, str | int]:
    """What a status says, by name; what a daemon leaves out is empty or 0."""
    found: dict[str, str | int] = {name: 0 if 2 <= number <= 4 else "" for number, name in _STATUS_NAMES.items()}
    for number, wire, value in fields(payload):
        if number in _STATUS_NAMES:
            found[_STATUS_NAMES[number]] = text(value) if wire == LENGTH_DELIMITED else value
    return found
