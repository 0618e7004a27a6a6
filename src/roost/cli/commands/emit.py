"""`roost emit`: an event told by a program in a session; what an agent's hooks call."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click

from roost.cli.context import json_option
from roost.cli.failures import ERROR, OK, say
from roost.cli.output import print_json
from roost.core.agent_events import REQUIRED
from roost.core.agent_tools import TOOLS, event_of_hook
from roost.errors import InvalidError, RoostError


@click.command("emit")
@click.argument("type", required=False, metavar="[TYPE]")
@click.option("--data", metavar="JSON|-", help="What the event says, a JSON object; - reads it from stdin.")
@click.option("--from", "tool", type=click.Choice(TOOLS), help="Map what that tool gives its hooks, on stdin.")
@json_option
def emit_command(type: str | None, *, data: str | None, tool: str | None, as_json: bool) -> int:
    """Tell of an event in the session that this command runs in, and return when it is stored.

    \b
    TYPE: response_start, response_delta, response_end, tool_lifecycle, job_lifecycle,
    approval_lifecycle or generic.

    With --from nothing is printed, nothing happens outside of a session, and a failure is never more than a warning to
    the tool: it exits with 1 then. Codex's `notify` gives its JSON in the place of TYPE.
    """
    if tool:
        if data is not None:
            raise click.UsageError("--from and --data exclude each other")
        return _relay(tool, type)
    if type is None:
        raise click.UsageError(f"give a TYPE ({', '.join(REQUIRED)}) or --from")
    from roost.client.emitting import emit

    id = emit(type, _object(sys.stdin.read() if data == "-" else data or "{}"))
    if as_json:
        print_json({"id": id})
    return OK


def _relay(tool: str, given: str | None) -> int:
    if not os.environ.get("ROOST_EVENTS"):
        return OK
    from roost.client.emitting import emit

    try:
        emit(*event_of_hook(tool, _object(given if given is not None else sys.stdin.read())))
    except RoostError as error:
        say(error.message)
        return ERROR
    return OK


def _object(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidError(f"this is no JSON: {error}") from error
    if not isinstance(told, dict):
        raise InvalidError("the data of an event is a JSON object")
    return told
