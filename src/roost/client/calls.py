"""Every verb of the clients as data: method, parameters, how the answer is read, and whether it may be repeated.

Owns the calls, pure. Sync and async clients perform them; neither knows a method's name. A verb that changes something
is repeated only when it certainly did not reach the daemon; reading verbs always.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from roost import model
from roost.client.replies import raise_reply_error
from roost.client.results import Sent
from roost.errors import InvalidError, ProtocolError
from roost.model.sessions import Backlog, ExitStatus, SessionInfo, TerminateResult
from roost.wire.lite import fields
from roost.wire.requests import PING, Reply, encode_call, encode_simple

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Reader: TypeAlias = Callable[[Mapping[str, Any], bytes], T]

#: How long the daemon may hold one `send` back, for a child that does not read.
SEND_TIMEOUT_S = 30.0
#: One page of retained output; well under the response limit of 16 MiB.
LOG_PAGE_BYTES = 4 << 20


def not_text(error: UnicodeEncodeError) -> InvalidError:
    """What is said of JSON that could not be written: the text itself, its bytes escaped, and no JSON around it."""
    text = str(error.object)
    begin, end = text.rfind('"', 0, error.start) + 1, text.find('"', error.end)
    shown = ascii(text[begin : end if end >= 0 else None].encode("utf-8", "surrogateescape"))[1:]
    return InvalidError(f"{shown} is not UTF-8; give text")


class Request(Protocol[T_co]):
    """Anything that is asked and answered once on a plain connection.

    `what` names it in errors. `repeatable`: it may be asked again when the connection ended before the answer.
    `extra_s`: how much longer than the client's own timeout the daemon may take, None for as long as it likes.
    """

    @property
    def what(self) -> str: ...

    @property
    def repeatable(self) -> bool: ...

    @property
    def extra_s(self) -> float | None: ...

    def encode(self, request_id: int, client_name: str) -> bytes:
        """The request as it travels."""

    def answer(self, reply: Reply) -> T_co:
        """What the verb returns; raises the error that the reply stands for."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request of roost's own: a method with JSON parameters and bytes, answered with the same."""

    what: str
    read: Reader[T]
    params: Mapping[str, Any] = field(default_factory=dict)
    data: bytes = b""
    repeatable: bool = False
    extra_s: float | None = 0.0

    def encode(self, request_id: int, client_name: str) -> bytes:
        """The request as it travels; parameters that are None are left to the daemon's defaults."""
        given = {name: value for name, value in self.params.items() if value is not None}
        try:
            params = json.dumps(given, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:  # bytes of a command line that are no text: names, patterns and such are
            raise not_text(error) from error
        except (TypeError, ValueError) as error:
            raise InvalidError(f"{self.what}: the arguments cannot be sent: {error}") from error
        return encode_call(request_id, self.what, params, self.data, client_name)

    def answer(self, reply: Reply) -> T:
        """What the verb returns; raises the error that the reply stands for."""
        raise_reply_error(reply)
        try:
            return self.read(json.loads(reply.result) if reply.result else {}, reply.data)
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError(
                f"the daemon's answer to {self.what} cannot be read ({error!r}); "
                "client and daemon may differ in version: compare `roost --version` and `roost daemon status`"
            ) from error


class Ping:
    """v1's ping; the answer is the daemon's clock, in Unix seconds."""

    what = "ping"
    repeatable = True
    extra_s = 0.0

    def encode(self, request_id: int, client_name: str) -> bytes:
        """The request as it travels."""
        return encode_simple(request_id, PING, client_name)

    def answer(self, reply: Reply) -> float:
        """The daemon's clock; 0 if it did not tell."""
        raise_reply_error(reply)
        times = [value for number, _wire, value in fields(reply.payloads.get(PING, b"")) if number == 1]
        return times[-1] / 1000 if times else 0.0


def _nothing(_result: Mapping[str, Any], _data: bytes) -> None:
    return None


def _info(result: Mapping[str, Any], _data: bytes) -> SessionInfo:
    return SessionInfo.from_json(result)


def list_sessions(originator: str | None, *, all: bool) -> Call[list[SessionInfo]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[SessionInfo]:
        return [SessionInfo.from_json(entry) for entry in result["sessions"]]

    return Call("sessions.list", read, {"originator": originator, "all": all}, repeatable=True)


def get_session(target: str, *, live_only: bool = False) -> Call[SessionInfo]:
    return Call("sessions.get", _info, {"target": target, "live_only": live_only}, repeatable=True)


def read_logs(
    target: str,
    *,
    stream: str = "stdout",
    from_offset: int | None = None,
    tail_bytes: int | None = None,
    limit_bytes: int = LOG_PAGE_BYTES,
) -> Call[Backlog]:
    params = {
        "target": target,
        "stream": stream,
        "from_offset": from_offset,
        "tail_bytes": tail_bytes,
        "limit_bytes": limit_bytes,
    }

    def read(result: Mapping[str, Any], data: bytes) -> Backlog:
        return Backlog.from_json({**result, "data": data})

    return Call("sessions.logs", read, params, repeatable=True)


def _sent(result: Mapping[str, Any], _data: bytes) -> Sent:
    return Sent.from_json(result)


def send_input(target: str, data: bytes, *, enter: bool, paste: str | None = None) -> Call[Sent]:
    params = {"target": target, "enter": enter, "paste": paste}
    return Call("sessions.send", _sent, params, data, extra_s=SEND_TIMEOUT_S)


def send_keys(target: str, keys: Sequence[str], text: str) -> Call[Sent]:
    if isinstance(keys, str):
        raise InvalidError(f"keys is a list of names, not {keys!r}")
    params = {"target": target, "keys": list(keys), "text": text}
    return Call("keys.send", _sent, params, extra_s=SEND_TIMEOUT_S)


def close_stdin(target: str) -> Call[None]:
    return Call("sessions.close_stdin", _nothing, {"target": target}, repeatable=True)


def resize(target: str, rows: int, cols: int) -> Call[tuple[int, int]]:
    def read(result: Mapping[str, Any], _data: bytes) -> tuple[int, int]:
        return int(result["rows"]), int(result["cols"])

    return Call("sessions.resize", read, {"target": target, "rows": rows, "cols": cols}, repeatable=True)


def signal(target: str, number: int | str, scope: str | None) -> Call[list[int]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[int]:
        return [int(pid) for pid in result["signalled"]]

    return Call("sessions.signal", read, {"target": target, "signal": number, "scope": scope})


def detach(target: str) -> Call[int]:
    def read(result: Mapping[str, Any], _data: bytes) -> int:
        return int(result["detached"])

    return Call("sessions.detach", read, {"target": target})


def rename(target: str, name: str) -> Call[SessionInfo]:
    return Call("sessions.rename", _info, {"target": target, "name": name})


def restart(target: str, grace_s: float) -> Call[SessionInfo]:
    return Call("sessions.restart", _info, {"target": target, "grace_s": grace_s}, extra_s=grace_s)


def wait(target: str, timeout_s: float | None) -> Call[ExitStatus]:
    def read(result: Mapping[str, Any], _data: bytes) -> ExitStatus:
        return ExitStatus.from_json(result)

    return Call("sessions.wait", read, {"target": target, "timeout_s": timeout_s}, repeatable=True, extra_s=timeout_s)


def terminate(
    targets: Sequence[str],
    *,
    grace_s: float,
    wait: bool,
    older_than_s: float | None,
    originator: str | None,
) -> Call[list[TerminateResult]]:
    if not targets and older_than_s is None and originator is None:
        raise InvalidError("nothing to terminate was named: give targets, older_than_s (0 for all) or originator")
    params = {
        "targets": list(targets),
        "grace_s": grace_s,
        "wait": wait,
        "older_than_s": older_than_s,
        "originator": originator,
    }

    def read(result: Mapping[str, Any], _data: bytes) -> list[TerminateResult]:
        return [TerminateResult.from_json(entry) for entry in result["results"]]

    return Call("sessions.terminate", read, params, extra_s=grace_s)


def purge(targets: Sequence[str], originator: str | None, older_than_s: float | None) -> Call[list[str]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[str]:
        return [str(session_id) for session_id in result["purged"]]

    params = {"targets": list(targets), "originator": originator, "older_than_s": older_than_s}
    return Call("sessions.purge", read, params)


def environment(target: str) -> Call[dict[str, str]]:
    def read(result: Mapping[str, Any], _data: bytes) -> dict[str, str]:
        return dict(result["env"])

    return Call("sessions.env", read, {"target": target}, repeatable=True)


def status() -> Call[model.DaemonStatus]:
    def read(result: Mapping[str, Any], _data: bytes) -> model.DaemonStatus:
        return model.DaemonStatus.from_json(result)

    return Call("daemon.status", read, repeatable=True)


def stop(*, kill: bool, restart: bool, program: str, timeout_s: float) -> Call[int]:
    def read(result: Mapping[str, Any], _data: bytes) -> int:
        return int(result["sessions_left"])

    with_program = {"program": program} if program else {}
    return Call("daemon.stop", read, {"kill": kill, "restart": restart, **with_program}, extra_s=timeout_s)


def upgrade_keeper() -> Call[dict[str, Any]]:
    def read(result: Mapping[str, Any], _data: bytes) -> dict[str, Any]:
        return dict(result)

    return Call("daemon.upgrade_keeper", read)


def doctor() -> Call[list[model.Check]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[model.Check]:
        return [model.Check.from_json(entry) for entry in result["checks"]]

    return Call("daemon.doctor", read, repeatable=True)
