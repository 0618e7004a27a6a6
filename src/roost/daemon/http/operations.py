"""Roost calls as routes: which call stands behind which path, what it takes from where, and what it answers with.

Owns the table. Parameters are the calls' own structs (`roost.daemon.calls`): what the path does not say comes from the
query of a GET and from the JSON body of everything else. A call that this daemon does not have answers 501.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from roost import model
from roost.daemon.calls import WAITING_METHODS, Method, Result
from roost.daemon.http import asgi, schemas
from roost.daemon.http.caller import Caller
from roost.daemon.http.routes import Route, Scope
from roost.daemon.streaming import Streaming
from roost.errors import RoostError

if TYPE_CHECKING:
    from roost.daemon.http.world import World


@dataclass(frozen=True, slots=True)
class Operation:
    """One call on one path.

    scope: what a credential must cover. result: the type of the answer, None for any object. status: of a success.
    fixed: parameters that the route decides. path: `{target}` is a session, `{service}` a service; other places fill
    parameters of that name. narrow: at an address of a single session it is about that one.
    """

    verb: str
    path: str
    call: str
    scope: str
    summary: str
    result: Any = None
    status: int = 200
    fixed: Mapping[str, Any] = field(default_factory=dict)
    tag: str = "sessions"
    narrow: bool = False

    @property
    def session(self) -> bool:
        """Whether it is about one session."""
        return "{target}" in self.path

    def parameter(self, place: str) -> str:
        """Which parameter a place of the path fills."""
        return "target" if place == "service" else place

    @property
    def id(self) -> str:
        """Its name in the OpenAPI document."""
        words = [w.strip("{}") for w in self.path.split("/")[2:]]
        return "_".join([self.verb.lower(), *words])


_S = "/v1/sessions"
_T = "/v1/sessions/{target}"
_F = _T + "/followup"
_V = "/v1/services/{service}"
_A = "/v1/approvals"
_run = partial(Operation, tag="run control", narrow=True)

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", _S, "sessions.list", "read", "List sessions", schemas.SessionList, fixed={"table": False}),
    Operation("POST", _S, "sessions.create", "admin", "Start a program in a session", schemas.Created, 201),
    Operation("GET", _T, "sessions.get", "read", "Look at a session", model.SessionInfo),
    Operation("DELETE", _T, "sessions.delete", "admin", "End a session, or forget one that has ended", schemas.Deleted),
    Operation("PATCH", _T, "sessions.rename", "type", "Give a session another name", model.SessionInfo),
    Operation("POST", _T + "/resize", "sessions.resize", "type", "Set the size of its terminal", schemas.Size),
    Operation("POST", _T + "/signal", "sessions.signal", "type", "Send a signal", schemas.Signalled),
    Operation("POST", _T + "/detach", "sessions.detach", "type", "Send its clients away", schemas.Detached),
    Operation("POST", _T + "/restart", "sessions.restart", "admin", "End it and start it again", model.SessionInfo),
    Operation("POST", _T + "/close-stdin", "sessions.close_stdin", "type", "Close the stdin of a pipe session"),
    Operation("POST", _T + "/wait", "sessions.wait", "read", "Wait for its end", model.ExitStatus),
    Operation("POST", _T + "/wait-for", "wait.for", "read", "Wait for text, a prompt, silence, ..."),
    Operation("POST", _T + "/keys", "keys.send", "type", "Press keys by name"),
    Operation("GET", _T + "/screen", "screen.get", "read", "What its terminal shows"),
    Operation("GET", _T + "/state", "state.explain", "read", "What it is doing, and how that is known"),
    Operation("POST", _T + "/exec", "exec.run", "type", "Run a command in its shell and wait for the result"),
    _run("POST", _F, "followup.add", "type", "Queue input for when it is idle", schemas.Followup),
    _run("GET", _F, "followup.list", "read", "Queued input", schemas.Followups),
    _run("GET", _F + "/{id}", "followup.get", "read", "What became of an input", schemas.Followup),
    _run("DELETE", _F + "/{id}", "followup.cancel", "type", "Take a queued input back", schemas.Followup),
    _run("GET", _A, "approvals.list", "read", "Pending and past approvals", schemas.Approvals),
    _run("POST", _A, "approvals.ask", "type", "Ask for approval and wait", schemas.Approval),
    _run("GET", _A + "/{id}", "approvals.get", "read", "Look at an approval", schemas.Approval),
    _run("POST", _A + "/{id}", "approvals.answer", "type", "Answer an approval", schemas.Approval),
    _run("DELETE", _A + "/{id}", "approvals.withdraw", "type", "Take a question back", schemas.Approval),
    Operation("GET", "/v1/history", "history.list", "read", "Sessions and events of the past", tag="events"),
    Operation("GET", "/v1/events/past", "events.read", "read", "Events of the past, a page of lines", tag="events"),
    Operation("POST", "/v1/events", "events.emit", "type", "Emit an event", tag="events"),
    Operation("GET", "/v1/hooks", "hooks.status", "read", "Hooks and sinks, and how they are doing", tag="hooks"),
    Operation("POST", "/v1/hooks/retry", "hooks.retry", "admin", "Try to deliver again what failed", tag="hooks"),
    Operation("GET", "/v1/config", "config.show", "admin", "The configuration in force", tag="daemon"),
    Operation("POST", "/v1/config/reload", "config.reload", "admin", "Read the configuration again", tag="daemon"),
    Operation("GET", "/v1/services", "services.list", "read", "List services", tag="services"),
    Operation("GET", _V, "services.describe", "read", "Look at a service", tag="services"),
    Operation("POST", _V + "/start", "services.start", "admin", "Start a service", tag="services"),
    Operation("POST", _V + "/stop", "services.stop", "admin", "Stop a service", tag="services"),
    Operation("POST", _V + "/restart", "services.restart", "admin", "Stop a service and start it", tag="services"),
    Operation("GET", "/v1/recordings", "record.list", "read", "List recordings", tag="sessions"),
    Operation("GET", "/v1/tees", "tees.list", "read", "List tees", schemas.Tees, tag="sessions"),
    Operation("GET", "/v1/daemon", "daemon.status", "read", "The daemon's state", model.DaemonStatus, tag="daemon"),
    Operation("GET", "/v1/daemon/checks", "daemon.doctor", "read", "Its health", schemas.Checks, tag="daemon"),
    Operation(
        "GET", "/v1/tokens", "tokens.list", "admin", "Tokens, without their secrets", schemas.Tokens, tag="access"
    ),
    Operation("POST", "/v1/tokens", "tokens.create", "admin", "Make a token", schemas.NewToken, 201, tag="access"),
    Operation("DELETE", "/v1/tokens/{which}", "tokens.revoke", "admin", "End a token", schemas.Token, tag="access"),
)


def routes(world: World) -> list[Route]:
    """A route for each."""
    return [_route(world, operation) for operation in OPERATIONS]


def _route(world: World, operation: Operation) -> Route:
    async def serve(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        caller.require(operation.scope)
        result = await _perform(world, operation, caller, values, scope, receive)
        await asgi.send_json(send, result, operation.status)

    from roost.daemon.http.describe import describe  # it needs this module

    method = world.calls.methods.get(operation.call)
    return Route(operation.verb, operation.path, serve, described=describe(operation, method))


def method_of(world: World, name: str) -> Method[Any]:
    """The call of that name. Raises RoostError (unimplemented)."""
    method = world.calls.methods.get(name)
    if method is None:
        raise RoostError(f"this daemon has no {name}; it may be older than you think", kind="unimplemented")
    return method


async def run(world: World, name: str, params: Any, data: bytes) -> Result:
    """What a call answers. Raises RoostError (unimplemented) for one that is a stream: that has a way of its own."""
    answer = await method_of(world, name).run(world.calls, params, data)
    if isinstance(answer, Streaming):
        answer.stream.close()
        raise RoostError(f"{name} is a stream; over HTTP use GET /v1/events", kind="unimplemented")
    return answer


async def _perform(
    world: World, operation: Operation, caller: Caller, values: dict[str, str], scope: Scope, receive: Any
) -> Any:
    method = method_of(world, operation.call)
    taken = {f.encode_name: f for f in msgspec.structs.fields(method.params)}
    strict = operation.verb not in ("GET", "DELETE")
    given = asgi.json_object(await asgi.read_body(scope, receive), scope) if strict else _texts(scope, taken)
    places = {operation.parameter(place): value for place, value in values.items()}
    for name in (*places, *operation.fixed):
        given.pop(name, None)
    given.update(operation.fixed)
    if operation.session:
        given.update(places, target=caller.find(world.service, values["target"]).id)
    else:
        if caller.only and operation.narrow:
            given["target"] = caller.find(world.service, _text(given.get("target"))).id
        elif operation.call != "sessions.list":
            caller.require_everything()
        given.update(places)
    params = asgi.convert(given, method.params, strict=strict)
    work = run(world, operation.call, params, b"")
    result, data = await (asgi.unless_gone(receive, work) if strict or operation.call in WAITING_METHODS else work)
    if operation.call == "sessions.list" and caller.only:
        result = {"sessions": [info for info in result["sessions"] if _id_of(info) == caller.only]}
    if data:
        result = {**result, "data": data}
    return result


def _id_of(info: msgspec.Raw) -> str:
    return msgspec.json.decode(info, type=_Identified).id


class _Identified(msgspec.Struct):
    id: str


def _texts(scope: Scope, taken: Mapping[str, Any]) -> dict[str, Any]:
    """The query as parameters: a list where a list is wanted, else the one value there is."""
    given: dict[str, Any] = {}
    for name, values in asgi.query(scope).items():
        if name in taken and _is_list(taken[name].type):
            given[name] = [part for value in values for part in value.split(",")]
        elif len(values) > 1:
            raise asgi.MalformedError(f"{name[:100]} is there more than once")
        else:
            given[name] = values[0]
    return given


def _text(value: Any) -> str:
    """A target as it is given, "" for what is none: that is refused where parameters are checked."""
    return value if isinstance(value, str) else ""


def _is_list(kind: Any) -> bool:
    info = msgspec.inspect.type_info(kind)
    kinds = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    return any(isinstance(k, msgspec.inspect.ListType) for k in kinds)
