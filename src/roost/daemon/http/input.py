"""Input over HTTP: bytes as they are, or text as JSON.

`POST /v1/sessions/{target}/input`. Answered when the child's side has taken it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from roost.daemon.calls import SendParams
from roost.daemon.http import asgi, schemas
from roost.daemon.http.caller import Caller
from roost.daemon.http.describe import answers, path_parameter, query_parameter, schema_of
from roost.daemon.http.operations import run
from roost.daemon.http.routes import Route, Scope
from roost.daemon.sending import SEND_TIMEOUT_S

if TYPE_CHECKING:
    from roost.daemon.http.world import World

PATH = "/v1/sessions/{target}/input"


class InputBody(msgspec.Struct, forbid_unknown_fields=True):
    """Text to type; enter: press Enter behind it. base64: what is no text, encoded so, instead of it."""

    text: str = ""
    base64: bytes = b""
    enter: bool = False
    timeout_s: float = SEND_TIMEOUT_S


class InputQuery(msgspec.Struct, forbid_unknown_fields=True):
    """The same beside raw bytes."""

    enter: bool = False
    timeout_s: float = SEND_TIMEOUT_S


def routes(world: World) -> list[Route]:
    """One."""

    async def serve(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        caller.require("type")
        session = caller.find(world.service, values["target"])
        data, enter, timeout_s = _read(scope, await asgi.read_body(scope, receive))
        params = SendParams(target=session.id, enter=enter, timeout_s=timeout_s)
        result, _ = await asgi.unless_gone(receive, run(world, "sessions.send", params, data))
        await asgi.send_json(send, result)

    return [Route("POST", PATH, serve, described=_described())]


def _read(scope: Scope, body: bytes) -> tuple[bytes, bool, float]:
    """What to type, whether Enter follows, and how long that may take."""
    if asgi.content_type(scope) == asgi.JSON:
        given = asgi.convert(asgi.json_object(body, scope), InputBody, strict=True)
        if given.text and given.base64:
            raise asgi.MalformedError("give text or base64, not both")
        try:
            return given.text.encode() or given.base64, given.enter, given.timeout_s
        except UnicodeEncodeError as error:
            raise asgi.MalformedError(f"text cannot be sent as UTF-8: {error}") from error
    kind = asgi.content_type(scope)
    if kind not in ("", asgi.BYTES, "text/plain"):
        raise asgi.UnsupportedTypeError(f"the body is {kind[:100]}; send {asgi.BYTES}, text/plain or {asgi.JSON}")
    texts = {name: found[0] for name, found in asgi.query(scope).items()}
    options = asgi.convert(texts, InputQuery, strict=False)
    return body, options.enter, options.timeout_s


def _described() -> dict[str, Any]:
    components: dict[str, Any] = {}
    body = schema_of(InputBody, components)
    written = schema_of(schemas.Written, components)
    return {
        "operationId": "post_sessions_target_input",
        "summary": "Type into a session",
        "description": "Answered when the program's terminal or pipe has taken it. Never repeated by itself: after a "
        "lost connection it may have arrived or not.",
        "tags": ["sessions"],
        "x-roost-scope": "type",
        "parameters": [
            path_parameter("target"),
            query_parameter("enter", {"type": "boolean"}, "Press Enter behind it (raw bodies)"),
            query_parameter("timeout_s", {"type": "number", "minimum": 0}, "How long that may take (raw bodies)"),
        ],
        "requestBody": {
            "required": True,
            "content": {
                asgi.JSON: {"schema": body},
                asgi.BYTES: {"schema": {"type": "string", "format": "binary"}},
                "text/plain": {"schema": {"type": "string"}},
            },
        },
        "responses": answers({200: ("It was taken", {asgi.JSON: {"schema": written}})}, components),
        "components": components,
    }
