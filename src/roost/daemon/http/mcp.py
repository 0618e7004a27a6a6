"""`/mcp`: sessions as tools over Streamable HTTP. The SDK is imported with the first request, in a thread, or never.

Owns the mount. What is served there is `roost.mcp`, which knows the daemon only as a client does; hence by name.
"""

from __future__ import annotations

import asyncio
import logging
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from roost.daemon.calls import caller_pid
from roost.daemon.environment import POLICY_USER_BASELINE, base_environment, current_user
from roost.daemon.http import asgi
from roost.daemon.http.caller import Caller
from roost.daemon.http.routes import Route, Scope
from roost.daemon.own_session import session_of
from roost.errors import RoostError

if TYPE_CHECKING:
    from roost.daemon.http.world import World

log = logging.getLogger(__name__)

_MODULE = "roost.mcp.server"
#: By it an agent that comes over TCP says which session it runs in: `Roost-Session: $ROOST_SESSION`.
OWN_SESSION_HEADER = b"roost-session"


class Mount:
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
            async with module.http_app() as made:
                app.set_result(made)
                await asyncio.Event().wait()
        except ImportError as error:
            self._give_up(
                app, f"MCP needs the extra `mcp` in the daemon's environment: pip install 'roost[mcp]' ({error})"
            )
        except Exception as error:
            log.exception("MCP cannot be served")
            self._give_up(app, f"MCP cannot be served: {error}; see `roost daemon logs`")

    def _give_up(self, app: asyncio.Future[Any], why: str) -> None:
        """Tell those who wait; who comes later tries again."""
        self._app = None
        if not app.done():
            app.set_exception(RoostError(why, kind="unimplemented"))
            app.exception()  # whoever asked may be gone


def routes(world: World) -> list[Route]:
    """One path. Each tool asks for the scope that it needs."""
    mount = Mount(world)

    async def serve(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        caller.require("read")
        pid = caller_pid.get()
        user = current_user()
        app = await mount.app()
        await app.serve(
            scope,
            receive,
            send,
            lambda: world.shared["connect_for"](caller.name, pid),
            only=caller.only,
            own=_own_session(world, scope, pid),
            scope=caller.scope,
            env=dict(base_environment(POLICY_USER_BASELINE, False, os.environb, user)),
            cwd=user.pw_dir if user else "/",
        )

    # No GET and no DELETE: nothing is sent that was not asked for, and there is no session to be ended.
    return [Route("POST", "/mcp", serve)]


def _own_session(world: World, scope: Scope, pid: int | None) -> str:
    """The session that whoever asks runs in, "" where nobody knows: by the peer's pid, elsewhere as it says itself."""
    session = session_of(pid, world.context.table, keeper_pid=world.service.link.pid)
    return session.id if session else asgi.header(scope, OWN_SESSION_HEADER)
