"""Any roost call by its name: `POST /v1/calls/{method}`, for roost's own clients; and whether the daemon answers.

Owns which scope each call needs. A call that is not listed needs `admin`: a new one is closed until somebody decides.
"""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

import msgspec

from roost.core.access import DeniedError
from roost.daemon.http import asgi, schemas
from roost.daemon.http.caller import Caller
from roost.daemon.http.describe import answers, path_parameter, schema_of
from roost.daemon.http.operations import OPERATIONS, method_of, run
from roost.daemon.http.routes import Route, Scope
from roost.errors import RoostError
from roost.version import __version__

if TYPE_CHECKING:
    from roost.daemon.http.world import World

#: Beyond those of the routes: call by call.
_SCOPES = {
    "daemon.calls": "read",
    "sessions.logs": "read",
    "sessions.send": "type",
    "followup.get": "read",
    "followup.cancel": "type",
    "approvals.get": "read",
    "approvals.withdraw": "type",
    "events.read": "read",
    "events.status": "read",
    "observers.list": "read",
    "sources.status": "read",
    "wait.anchor": "read",
    "wait.output": "read",
    "services.wait": "read",
    "processes.list": "read",
    "processes.tree": "read",
    "http.status": "read",
}
SCOPE_OF = {operation.call: operation.scope for operation in OPERATIONS} | _SCOPES


#: The largest call: what the daemon's socket takes, and a third more because of its form.
MOST_BYTES = 6 << 20


class CallBody(msgspec.Struct, forbid_unknown_fields=True):
    """A call's parameters, and the bytes beside them in base64."""

    params: dict[str, Any] = {}
    data: bytes = b""


def routes(world: World) -> list[Route]:
    """Two."""

    async def call(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        name = values["method"]
        caller.require(SCOPE_OF.get(name, "admin"))
        if name not in world.calls.methods:
            raise RoostError(f"there is no call {name[:100]!r}; docs/http.md lists them", kind="unknown_request")
        method = method_of(world, name)
        given = asgi.json_object(await asgi.read_body(scope, receive, MOST_BYTES), scope)
        body = asgi.convert(given, CallBody, strict=True)
        if caller.only:
            _aim(world, caller, body.params, name)
        params = asgi.convert(body.params, method.params, strict=True)
        work = run(world, name, params, body.data)
        result, data = await asgi.unless_gone(receive, work)
        await asgi.send_json(send, {"result": result, "data": base64.b64encode(data).decode()})

    async def health(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        await asgi.send_json(send, schemas.Health("ok", __version__, time.time()))

    return [
        Route("POST", "/v1/calls/{method}", call, described=_described()),
        Route("GET", "/v1/health", health, public=True, described=_health()),
    ]


def _aim(world: World, caller: Caller, params: dict[str, Any], name: str) -> None:
    """Point a call at the one session that is reached here. Raises DeniedError for calls that reach further."""
    if name in ("sessions.list", "daemon.status") or SCOPE_OF.get(name, "admin") == "admin":
        caller.require_everything()
    if "targets" in params or not {"target"} & {f.name for f in msgspec.structs.fields(method_of(world, name).params)}:
        raise DeniedError(f"{name} reaches more than the session of this address; ask the daemon's own address")
    target = params.get("target", "")
    params["target"] = caller.find(world.service, target if isinstance(target, str) else "").id


def _described() -> dict[str, Any]:
    components: dict[str, Any] = {}
    body = schema_of(CallBody, components)
    answer = schema_of(schemas.CallAnswer, components)
    return {
        "operationId": "post_calls_method",
        "summary": "Any roost call by its name",
        "description": "What roost's own clients use over HTTP: parameters and results as on the daemon's socket.",
        "tags": ["daemon"],
        "parameters": [path_parameter("method")],
        "requestBody": {"required": False, "content": {asgi.JSON: {"schema": body}}},
        "responses": answers({200: ("Its answer", {asgi.JSON: {"schema": answer}})}, components),
        "components": components,
    }


def _health() -> dict[str, Any]:
    components: dict[str, Any] = {}
    return {
        "operationId": "get_health",
        "summary": "Whether the daemon answers",
        "tags": ["daemon"],
        "responses": answers(
            {200: ("It does", {asgi.JSON: {"schema": schema_of(schemas.Health, components)}})}, components
        ),
        "components": components,
    }
