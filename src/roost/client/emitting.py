"""Emitting an event from inside a session: one line to the socket that ROOST_EVENTS names, one line back.

Owns that exchange; needs neither a client nor the daemon's own socket.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from typing import Any

from roost.errors import ProtocolError, UnavailableError, WaitTimeoutError, WrongStateError, error_of_kind

TIMEOUT_S = 30.0
_ANSWER_BYTES = 64 * 1024


def emit(
    type: str, data: Mapping[str, Any] | None = None, *, socket_path: str | None = None, timeout_s: float = TIMEOUT_S
) -> str:
    """Tells the session that this process runs in of an event, and returns its id once it is durable.

    type: "tool_lifecycle", "generic", … (docs/events.md lists them and what their data needs). Raises WrongStateError
    outside of a session, UnavailableError without a daemon, and what the daemon refuses: InvalidError, RoostError of
    kind denied or rate_limited.
    """
    path = socket_path or os.environ.get("ROOST_EVENTS")
    if not path:
        raise WrongStateError("this process runs in no session (ROOST_EVENTS is not set), so it has no events to tell")
    line = json.dumps({"type": type, "data": dict(data or {})}, allow_nan=False).encode() + b"\n"
    answer = _exchange(path, line, timeout_s)
    if answer.get("ok"):
        return str(answer["id"])
    raise error_of_kind(str(answer.get("kind", "internal")), str(answer.get("error", "refused without a reason")))


def _exchange(path: str, line: bytes, timeout_s: float) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as sock:
        sock.settimeout(timeout_s)
        try:
            sock.connect(path)
            sock.sendall(line)
            received = b""
            while b"\n" not in received and len(received) < _ANSWER_BYTES:
                piece = sock.recv(_ANSWER_BYTES)
                if not piece:
                    break
                received += piece
        except TimeoutError:
            raise WaitTimeoutError(f"the event was not acknowledged within {timeout_s:g} s") from None
        except OSError as error:
            text = f"no daemon takes events at {path}: {error.strerror}; see `roost daemon status`"
            raise UnavailableError(text) from error
    if not received:
        raise UnavailableError("the daemon went away before it acknowledged the event")
    try:
        answer = json.loads(received)
    except ValueError as error:
        raise ProtocolError(f"the answer from {path} is no JSON: {received[:100]!r}") from error
    if not isinstance(answer, dict):
        raise ProtocolError(f"the answer from {path} is no JSON object")
    return answer
