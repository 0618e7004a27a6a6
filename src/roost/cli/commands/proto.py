"""`roost proto`: one session for a program, over its stdin and stdout."""

from __future__ import annotations

import asyncio
import json

import click

from roost.cli.context import Invocation, pass_invocation, target_option
from roost.cli.failures import OK, exit_code
from roost.errors import RoostError


@click.command("proto")
@target_option(default="")
@pass_invocation
def proto_command(invocation: Invocation, /, *, target: str) -> int:
    """Drive a session by lines of JSON: requests on stdin, answers and events on stdout (docs/proto.md).

    Requests: send, followup, resume, interrupt, transcript, keys, screen, wait, resize. Ends with stdin or the session.
    """
    return asyncio.run(_converse(invocation, target))


async def _converse(invocation: Invocation, target: str) -> int:
    from roost.cli.proto.server import ProtoServer
    from roost.cli.proto.stdio import Input, Output
    from roost.client import AsyncClient

    sink = Output()
    code = OK
    try:
        async with AsyncClient(scope=invocation.scope, client_name="roost-proto") as client:
            session = await client.session(target)
            await ProtoServer(client, session, Input(asyncio.get_running_loop()), sink).run()
    except* BrokenPipeError:
        pass  # nobody reads any more
    except* RoostError as group:
        error = _first(group)
        told = {"type": "error", "id": None, "kind": error.kind, "error": error.message}
        await sink.write(json.dumps(told, separators=(",", ":")).encode() + b"\n")
        code = exit_code(error)
    return code


def _first(group: BaseExceptionGroup[RoostError]) -> RoostError:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
