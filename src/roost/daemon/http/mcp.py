"""`/mcp`: sessions as tools over Streamable HTTP. The SDK is imported with the first request, in a thread, or never.

Owns the mount. What is served there is `roost.mcp`, which knows the daemon only as a client does; hence by name.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

from roost.daemon.http.caller import Caller
from roost.daemon.http.routes import Route, Scope
from roost.errors import RoostError

if TYPE_CHECKING:
    from roost.daemon.http.world import World

_MODULE = "roost.mcp.server"


class _Mount:
    """The application, once somebody has asked for it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._app: asyncio.Future[Any] | None = None

    async def app(self) -> Any:
        """The application. Raises RoostError (unimplemented) without the extra."""
        if self._app is None:
            self._app = self._world.context.loop.create_future()
            self._world.context.tasks.create_task(self._hold(self._app), name="mcp")
        return await asyncio.shield(self._app)

    async def _hold(self, app: asyncio.Future[Any]) -> None:
        """Keep it open until the daemon stops."""
        try:
            module = await asyncio.to_thread(import_module, _MODULE)
        except ImportError as error:
            self._app = None
            text = f"MCP needs the extra `mcp` in the daemon's environment: pip install 'roost[mcp]' ({error})"
            app.set_exception(RoostError(text, kind="unimplemented"))
            return
        async with module.http_app(self._world.context.socket_path) as made:
            app.set_result(made)
            await asyncio.Event().wait()


def routes(world: World) -> list[Route]:
    """One path, with the methods of Streamable HTTP. It starts programs, so it needs `admin`."""
    mount = _Mount(world)

    async def serve(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        caller.require("admin")
        caller.require_everything()
        await (await mount.app())(scope, receive, send)

    return [Route(verb, "/mcp", serve) for verb in ("POST", "GET", "DELETE")]
