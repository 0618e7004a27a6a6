"""The server: tools and resources for the SDK, errors as a model can read them, and the two transports.

Owns what is registered. Imports the SDK, which takes most of a second: only `roost mcp` does so, and a daemon
that is asked at /mcp.
"""

from __future__ import annotations

import functools
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, Unpack

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import Tool

from roost.client import AsyncClient
from roost.errors import RoostError
from roost.mcp.asking import Asking, AskingKeywords
from roost.mcp.tools import Tools
from roost.version import __version__

_INSTRUCTIONS = (
    "Sessions are programs with terminals that go on when you leave. Every answer that ends in the middle has a cursor "
    "to go on from. Prefer `run` in a shell, and `send` with `wait` from its cursor elsewhere."
)
#: Tool → the scope that it needs.
SCOPES = {
    **dict.fromkeys(("session_list", "status", "read", "screen", "wait"), "read"),
    **dict.fromkeys(("run", "send", "signal", "resize", "approve"), "type"),
    **dict.fromkeys(("session_start", "stop"), "admin"),
}
_STARTING = "session_start"


class _Server(MCPServer):
    """Lists what whoever asks may use."""

    asking: Callable[[], Asking]

    async def list_tools(self) -> list[Tool]:
        """The tools there are for them."""
        asking = self.asking()
        tools = await super().list_tools()
        return [tool for tool in tools if asking.may(SCOPES[tool.name], starts=tool.name == _STARTING)]


def make_server(asking: Callable[[], Asking]) -> MCPServer:
    """A server; `asking` tells for whom it works at the moment."""
    tools = Tools(asking)
    server = _Server("roost", instructions=_INSTRUCTIONS, version=__version__, log_level="WARNING")
    server.asking = asking
    for name, scope in SCOPES.items():
        server.add_tool(_readable(getattr(tools, name), ToolError, asking, scope), name=name)

    async def screen(target: str) -> str:
        return str((await tools.screen(target))["text"])

    async def output(target: str) -> str:
        return json.dumps(await tools.read(target), ensure_ascii=False)

    server.resource("roost://sessions/{target}/screen", name="screen", description="What its terminal shows.")(
        _readable(screen, ResourceError, asking, "read")
    )
    server.resource(
        "roost://sessions/{target}/output",
        name="output",
        description="Its newest output as plain text, and the cursor behind it.",
        mime_type="application/json",
    )(_readable(output, ResourceError, asking, "read"))
    return server


def server_of(client: AsyncClient, *, only: str = "", own: str = "") -> MCPServer:
    """A server that always works for the same: that of `roost mcp`."""
    always = Asking(client, only, own)
    return make_server(lambda: always)


def _readable(
    call: Callable[..., Awaitable[Any]],
    kind: type[ToolError] | type[ResourceError],
    asking: Callable[[], Asking],
    scope: str,
) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(call)
    async def told(*args: Any, **given: Any) -> Any:
        try:
            asking().require(scope)
            return await call(*args, **given)
        except RoostError as error:
            raise kind(f"{error.kind}: {error.message}") from error

    return told


class HttpApp:
    """What a daemon serves at /mcp: one server, which works for whoever asks at the moment."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def serve(
        self,
        request: Any,
        receive: Any,
        send: Any,
        connect: Callable[[], socket.socket],
        /,
        **asking: Unpack[AskingKeywords],
    ) -> None:
        """Answer one request. `connect` makes connections in the name of whoever asks; the rest as in `Asking`."""
        async with AsyncClient("the daemon", client_name="roost-mcp", connect=connect) as client:
            token = _ASKING.set(Asking(client, **asking))
            try:
                await self._app(request, receive, send)
            finally:
                _ASKING.reset(token)


#: For whom tools work in a daemon: the server's tasks begin within the request and have its context.
_ASKING: ContextVar[Asking] = ContextVar("asking")


@asynccontextmanager
async def http_app() -> AsyncIterator[HttpApp]:
    """The application, as long as it is open. Who may ask was decided before."""
    logging.getLogger("mcp").setLevel(logging.WARNING)  # a line for every request is too much for a daemon's log
    server = make_server(_ASKING.get)
    decided = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app = server.streamable_http_app(stateless_http=True, json_response=True, transport_security=decided)
    async with server.session_manager.run():
        yield HttpApp(app)
