"""The session protocol v1: which request is whose, and what every answer has in common.

Owns the codes, the texts of refused requests, and the requests of the daemon itself; the areas (sessions, ...) bring
their own. Requests that carry roost's extension are answered with roost's behaviour.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from roost.daemon.attachment import Attachment
from roost.errors import InvalidError, RoostError
from roost.version import __version__
from roost.wire import daemon_v1_pb2 as pb
from roost.wire.codec import (
    DEFINED_TYPES,
    PAYLOAD_NAMES,
    PAYLOAD_OPTIONAL,
    ROOST_CALL,
    is_extended,
    payload_missing_text,
    payload_of,
)

if TYPE_CHECKING:  # a call loads them; clients that come back to their sessions need none
    from roost.daemon.calls import Calls
    from roost.daemon.streaming import CallStream

log = logging.getLogger(__name__)

_CODES = {
    "not_found": pb.STATUS_CODE_NOT_FOUND,
    "ambiguous": pb.STATUS_CODE_INVALID_ARGUMENT,
    "already_attached": pb.STATUS_CODE_ALREADY_ATTACHED,
    "invalid": pb.STATUS_CODE_INVALID_ARGUMENT,
    "unavailable": pb.STATUS_CODE_UNAVAILABLE,
    "unimplemented": pb.STATUS_CODE_UNIMPLEMENTED,
    "unknown_request": pb.STATUS_CODE_UNKNOWN_REQUEST,
    "version_mismatch": pb.STATUS_CODE_VERSION_MISMATCH,
    "rate_limited": pb.STATUS_CODE_RATE_LIMITED,
}

#: Roost calls that never wait. They are many where somebody looks at the daemon all the time.
_CALLS_AT_ONCE = frozenset(("sessions.list", "sessions.get", "sessions.logs", "daemon.status"))

#: What a request may demand by `required_features`: what came after the first daemons that know the extensions.
FEATURES = frozenset({"tees", "options", "local-ring"})


@dataclass(slots=True)
class Connection:
    """What a request may need to know of the connection it came on."""

    sock: Any
    conversation: Any
    peer_pid: int
    on_gone: Callable[[], None]
    attachment: Attachment | None = None
    stream: CallStream | None = None


@dataclass(slots=True)
class Ask:
    """One request under way: what was asked, and the response to fill in."""

    request: pb.DaemonRequest
    payload: Any
    response: pb.DaemonResponse
    connection: Connection


Handler = Callable[[Ask], Awaitable[None]]
Handlers = Mapping[int, Handler]


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """What v1's status says of things that are not the daemon's own. `scope` is v1's, None when nobody gave one."""

    db_path: str
    scope: str | None
    tracked_processes: Callable[[], Awaitable[int]]


class V1:
    """Answers requests."""

    def __init__(self, calls: Calls, facts: StatusFacts, *areas: Handlers) -> None:
        self._calls = calls
        self._control = calls.control
        self._facts = facts
        self._handlers: dict[int, Handler] = {
            pb.REQUEST_TYPE_PING: self._ping,
            pb.REQUEST_TYPE_SHUTDOWN: self._shutdown,
            pb.REQUEST_TYPE_STATUS: self._status,
            pb.REQUEST_TYPE_ROOST_CALL: self._call,
        }
        for area in areas:
            self._handlers.update(area)

    def may_wait(self, request: pb.DaemonRequest) -> bool:
        """Whether the answer may be long in coming, so that the client may be gone before it is there."""
        if request.type == pb.REQUEST_TYPE_ROOST_CALL:
            from roost.daemon.calls import WAITING_METHODS

            return request.roost.method in WAITING_METHODS
        return request.type == pb.REQUEST_TYPE_WRITE_PIPE_STDIN

    def answers_at_once(self, request: pb.DaemonRequest) -> bool:
        """Whether nothing has to be waited for: `answer_at_once` will do."""
        if request.type == pb.REQUEST_TYPE_ROOST_CALL:
            return request.roost.method in _CALLS_AT_ONCE
        return request.type == pb.REQUEST_TYPE_PING

    def begins_at_once(self, request: pb.DaemonRequest) -> bool:
        """Whether it waits for the keeper at most, so that it needs no task (see `roost.daemon.begun`)."""
        if request.type == pb.REQUEST_TYPE_SPAWN_PTY_SESSION:
            extension = request.spawn_pty_session.roost
        elif request.type == pb.REQUEST_TYPE_SPAWN_PIPE_SESSION:
            extension = request.spawn_pipe_session.roost
        else:
            return False
        return not (extension.tees or extension.options)  # those wait for files

    def answer_at_once(self, request: pb.DaemonRequest, connection: Connection) -> pb.DaemonResponse:
        """What `answer` gives, without a task: a task costs as much as the call itself does."""
        work = self.answer(request, connection)
        try:
            work.send(None)
        except StopIteration as done:
            response: pb.DaemonResponse = done.value
            return response
        work.close()
        raise RuntimeError(f"{request.roost.method or request.type} waits for something, and was said not to")

    async def answer(self, request: pb.DaemonRequest, connection: Connection) -> pb.DaemonResponse:
        """The response to one request; `connection.attachment` is set when it has become a stream.

        Raises nothing: errors become codes and texts, and a defect of ours costs one request, not the daemon.
        """
        response = pb.DaemonResponse(request_id=request.id)
        try:
            await self._dispatch(request, response, connection)
        except RoostError as error:
            _set_error(request, response, error)
        except Exception:
            log.exception("request %d (type %d) failed in a way that nobody foresaw", request.id, request.type)
            response = pb.DaemonResponse(request_id=request.id)
            _set_error(request, response, RoostError("internal server error: handler panicked"))
        return response

    async def _dispatch(self, request: pb.DaemonRequest, response: pb.DaemonResponse, connection: Connection) -> None:
        number = request.type
        if number == 0:
            raise RoostError("unspecified request type", kind="unknown_request")
        if number not in DEFINED_TYPES:
            raise RoostError(f"unknown request type: {number}", kind="unknown_request")
        handler = self._handlers.get(number)
        if handler is None:
            name = pb.RequestType.Name(number).removeprefix("REQUEST_TYPE_").lower()
            raise RoostError(
                f"{name} (request type {number}) is not built yet in roost {__version__}", kind="unimplemented"
            )
        payload: Any = payload_of(request)
        if payload is None:
            if number not in PAYLOAD_OPTIONAL:
                raise InvalidError(payload_missing_text(number))
            payload = getattr(request, PAYLOAD_NAMES[number])
        _check_features(request, payload)
        await handler(Ask(request, payload, response, connection))

    # --- core (40 to 42), roost calls -----------------------------------------------------------------------------

    async def _ping(self, ask: Ask) -> None:
        ask.response.ping.server_time_ms = time.time_ns() // 1_000_000

    async def _shutdown(self, ask: Ask) -> None:
        await self._control.stop(kill=True, restart=False)
        ask.response.message = "shutting down"
        ask.response.shutdown.SetInParent()

    async def _status(self, ask: Ask) -> None:
        tracked = await self._facts.tracked_processes()
        status = ask.response.status
        status.version = __version__
        status.uptime_seconds = int(self._control.uptime_s)
        status.tracked_process_count = tracked
        status.active_connections = self._control.connections
        status.socket_path = self._control.socket_path
        status.db_path = self._facts.db_path
        status.scope = self._facts.scope or "global"
        status.scope_hash = self._facts.scope or ""
        status.scope_cwd = self._control.cwd
        status.emergency_reserve = "degraded"

    async def _call(self, ask: Ask) -> None:
        from roost.daemon.calls import caller_pid
        from roost.daemon.streaming import Streaming

        caller_pid.set(ask.connection.peer_pid or None)
        answer = await self._calls.call(ask.payload.method, ask.payload.params, ask.payload.data)
        if isinstance(answer, Streaming):
            ask.connection.stream = answer.stream
            result, data = answer.result, b""
        else:
            result, data = answer
        ask.response.roost.result = msgspec.json.encode(result)
        if data:
            ask.response.roost.data = data


def _set_error(request: pb.DaemonRequest, response: pb.DaemonResponse, error: RoostError) -> None:
    response.code = _CODES.get(error.kind, pb.STATUS_CODE_INTERNAL)
    response.message = error.message
    if is_extended(request):
        response.roost.error_kind = error.kind


def _check_features(request: pb.DaemonRequest, payload: Any) -> None:
    extension = payload if request.type == ROOST_CALL else getattr(payload, "roost", None)
    required = extension.required_features if extension is not None else ()
    unknown = [feature for feature in required if feature not in FEATURES]
    if unknown:
        raise InvalidError(f"this daemon (roost {__version__}) has no feature {', '.join(map(repr, unknown))}")
