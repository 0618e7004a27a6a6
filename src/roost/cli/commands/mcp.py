"""`roost mcp`: sessions as tools for agents that speak the Model Context Protocol."""

from __future__ import annotations

import asyncio
import os
from importlib.util import find_spec

import click

from roost.cli.context import Invocation, complete_target, pass_invocation, some_target
from roost.cli.failures import OK
from roost.errors import RoostError


@click.command("mcp")
@click.option("--attach", "attach", is_flag=True, help="Only one session: TARGET, or the latest.")
@click.argument("target", default="", shell_complete=complete_target, callback=some_target)
@click.option("--allow-self", is_flag=True, help="Let it drive the session that it runs in.")
@pass_invocation
def mcp_command(invocation: Invocation, /, *, attach: bool, target: str, allow_self: bool) -> int:
    """Serve sessions as tools over MCP, on stdio (docs/mcp.md). Needs the extra: pip install 'roost[mcp]'.

    Over HTTP the daemon does so itself, at /mcp of its addresses.
    """
    if target and not attach:
        raise click.UsageError("a target is for --attach")
    if find_spec("mcp") is None:
        raise RoostError("MCP needs the extra `mcp`: pip install 'roost[mcp]'", kind="unimplemented")
    own = "" if allow_self else os.environ.get("ROOST_SESSION", "")
    asyncio.run(_serve(invocation, target, attach=attach, own=own))
    return OK


async def _serve(invocation: Invocation, target: str, *, attach: bool, own: str) -> None:
    from roost.client import AsyncClient
    from roost.mcp.server import server_of

    async with AsyncClient(scope=invocation.scope, client_name="roost-mcp") as client:
        only = (await client.get(target)).id if attach else ""
        await server_of(client, only=only, own=own).run_stdio_async()
