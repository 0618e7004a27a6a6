"""The fast path of the command line: one call on one connection, for commands that are typed all day.

Owns nothing that lasts. It starts no daemon: without one it raises, and the caller goes the long way. It imports only
what is light; in particular no socket, json, typing or dataclasses, each of which costs more than the call.
"""

from __future__ import annotations

import _socket
import time
from _json import encode_basestring as quoted
from _json import scanstring

from roost.client.faults import SEE_DOCTOR, connect_error
from roost.client.replies import check_reply, raise_reply_error
from roost.errors import UnavailableError, WaitTimeoutError
from roost.paths import Paths, check_socket_path
from roost.wire.framing import MAX_RESPONSE_BYTES, FrameSplitter
from roost.wire.requests import decode_reply, encode_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from roost.wire.requests import Reply

TIMEOUT_S = 30.0
#: Longer input takes several calls, which is not for here.
INPUT_LIMIT_BYTES = 1 << 20

_REQUEST_ID = 1
_TABLE_KEY = '{"table":'


def session_table(*, all: bool = False, originator: str | None = None, scope: str | None = None) -> str:
    """The sessions as a table for people, made by the daemon."""
    owner = "" if originator is None else f',"originator":{quoted(originator)}'
    reply = call("sessions.list", f'{{"table":true,"all":{"true" if all else "false"}{owner}}}', scope=scope)
    return _table_of(reply.result.decode())


def send_input(target: str, data: bytes, *, enter: bool, paste: bool = False, scope: str | None = None) -> None:
    """Types into a session, as a paste where the program wants that; returns when the child has them."""
    part = ',"paste":"whole"' if paste else ""
    params = f'{{"target":{quoted(target)},"enter":{"true" if enter else "false"}{part}}}'
    call("sessions.send", params, data, scope=scope, timeout_s=2 * TIMEOUT_S)


def call(
    method: str, params: str, data: bytes = b"", *, scope: str | None = None, timeout_s: float = TIMEOUT_S
) -> Reply:
    """Performs one call with parameters that are JSON already; raises the error that the daemon answered.

    DaemonAbsentError: there is no daemon, nothing was sent. UnavailableError: it went away before it answered.
    """
    try:
        encoded = params.encode()
    except UnicodeEncodeError as error:
        from roost.client.calls import not_text

        raise not_text(error) from error
    path = check_socket_path(Paths.for_scope(scope).client_socket)
    deadline = time.monotonic() + timeout_s
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        connection.settimeout(timeout_s)
        try:
            connection.connect(path)
        except OSError as error:
            raise connect_error(path, error) from error
        reply = _exchange(connection, encode_call(_REQUEST_ID, method, encoded, data), method, deadline)
    except TimeoutError as error:
        raise WaitTimeoutError(f"the daemon did not answer {method} within {timeout_s:g} s; {SEE_DOCTOR}") from error
    finally:
        connection.close()
    raise_reply_error(check_reply(reply, _REQUEST_ID))
    return reply


def _exchange(connection: _socket.socket, request: bytes, method: str, deadline: float) -> Reply:
    splitter = FrameSplitter(MAX_RESPONSE_BYTES)
    try:
        connection.sendall(request)
        while (payload := splitter.next_frame()) is None:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            received = connection.recv(65536)
            if not received:
                break
            splitter.feed(received)
    except ConnectionError:
        payload = None
    if payload is None:
        raise UnavailableError(f"the daemon went away before it answered {method}; look at `roost daemon status`")
    return decode_reply(payload)


def _table_of(result: str) -> str:
    """The text in `{"table":"…", …}`; the full JSON reader is the fallback for any other spelling of it."""
    start = len(_TABLE_KEY) + 1
    if result.startswith(_TABLE_KEY + '"'):
        text, end = scanstring(result, start)
        if result[end : end + 1] in ("}", ","):
            return str(text)
    import json

    return str(json.loads(result)["table"])
