"""The server: tools and resources for the SDK, errors as a model can read them, and the two transports.

Owns what is registered. Imports the SDK, which takes most of a second: only `roost mcp` does so, and a daemon
that is asked at /mcp.
"""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.server.transport_security import TransportSecuritySettings

from roost.client import AsyncClient
from roost.errors import RoostError
from roost.mcp.tools import Tools
from roost.version import __version__

_INSTRUCTIONS = (
    "Sessions are programs with terminals that go on when you leave. Every answer that ends in the middle has a cursor "
    "to go on from. Prefer `run` in a shell, and `send` with `wait` from its cursor elsewhere."
)
_LOOKING = ("session_list", "status", "read", "screen", "wait")
_ACTING = ("run", "send", "signal", "resize", "approve", "stop")


def make_server(client: AsyncClient, *, only: str = "", own: str = "") -> MCPServer:
    """A server over a client; with `only` for a single session."""
    tools = Tools(client, only=only, own=own)
    server = MCPServer("roost", instructions=_INSTRUCTIONS, version=__version__, log_level="WARNING")
    for name in (*_LOOKING, *(() if only else ("session_start",)), *_ACTING):
        server.add_tool(_readable(getattr(tools, name), ToolError), name=name)

    async def screen(target: str) -> str:
        return str((await tools.screen(target))["text"])

    async def output(target: str) -> str:
        return json.dumps(await tools.read(target), ensure_ascii=False)

    server.resource("roost://sessions/{target}/screen", name="screen", description="What its terminal shows.")(
        _readable(screen, ResourceError)
    )
    server.resource(
        "roost://sessions/{target}/output",
        name="output",
        description="Its newest output as plain text, and the cursor behind it.",
        mime_type="application/json",
    )(_readable(output, ResourceError))
    return server


def _readable(
    call: Callable[..., Awaitable[Any]], kind: type[ToolError] | type[ResourceError]
) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(call)
    async def told(*args: Any, **given: Any) -> Any:
        try:
            return await call(*args, **given)
        except RoostError as error:
            raise kind(f"{error.kind}: {error.message}") from error

    return told


@asynccontextmanager
async def http_app(socket_path: str) -> AsyncIterator[Any]:
    """The ASGI application of a daemon's /mcp, as long as it is open. Who may ask was decided before."""
    async with AsyncClient(socket_path, client_name="roost-mcp", autostart=False) as client:
        server = make_server(client)
        decided = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        app = server.streamable_http_app(stateless_http=True, json_response=True, transport_security=decided)
        async with server.session_manager.run():
            yield app
