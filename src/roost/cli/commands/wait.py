"""`roost wait`: for a session's end, or for what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from roost.cli.context import Invocation, json_option, pass_invocation, target_argument
from roost.cli.failures import OK, child_exit_code, say
from roost.cli.output import print_json
from roost.cli.values import DURATION
from roost.core.outcome import signal_name
from roost.core.shown import printable
from roost.model.sessions import ExitStatus

if TYPE_CHECKING:
    from roost.client import Client
    from roost.client.results import Waited


@click.command("wait")
@target_argument()
@click.option("--for", "conditions", multiple=True, metavar="CONDITION", help="Wait for that; may be repeated.")
@click.option("--all", "all_", is_flag=True, help="For all conditions.")
@click.option("--any", "any_", is_flag=True, help="For the first of the conditions (the default).")
@click.option("--on", type=click.Choice(["output", "screen"]), help="Where text= and regex= are looked for.")
@click.option("--since", type=click.IntRange(min=0), metavar="OFFSET", help="Look from that offset of the output on.")
@click.option("--stream", type=click.Choice(["stdout", "stderr"]), default="stdout", help="Of a pipe session.")
@click.option("--timeout", type=DURATION, metavar="TIME", help="Give up after that time, with exit code 11.")
@json_option
@pass_invocation
def wait_command(
    invocation: Invocation,
    /,
    *,
    target: str,
    conditions: tuple[str, ...],
    all_: bool,
    any_: bool,
    on: str | None,
    since: int | None,
    stream: str,
    timeout: float | None,
    as_json: bool,
) -> int:
    """Wait for TARGET to end, and exit with its code: 128 + n for signal n, 1 when the code is not known.

    With --for, wait for what it does: exit, idle, idle=TIME (no output for so long), text=TEXT, regex=EXPRESSION,
    screen-text=, screen-regex=, prompt, command-done, state=STATE, event=TYPE. The output counts from where it stood
    before the newest input, or from --since. Says what was met and where, and exits with 0; 11 when the time is over,
    4 when the session ends first.
    """
    if all_ and any_:
        raise click.UsageError("--all and --any exclude each other")
    with invocation.client() as client:
        if not conditions:
            if all_ or any_ or on or since is not None or stream != "stdout":
                raise click.UsageError("--all, --any, --on, --since and --stream are about conditions; give --for")
            return _wait_for_end(client, target, timeout, as_json=as_json)
        chosen = [_placed(text, on) for text in conditions]
        waited = client.wait_for(target, *chosen, all=all_, timeout_s=timeout, since=since, stream=stream)
    if as_json:
        print_json(waited)
    else:
        _tell(waited)
    return OK


def _placed(condition: str, on: str | None) -> str:
    """A text condition with the place at which --on has it looked for."""
    return f"screen-{condition}" if on == "screen" and condition.startswith(("text=", "regex=")) else condition


def _tell(waited: Waited) -> None:
    for match in waited.matched:
        where = f" at {match['offset']}" if match.get("offset") is not None else ""
        what = match.get("line") or match.get("command") or _quiet(match) or match.get("state") or _ending(match)
        print(printable(f"{match['condition']}{where}{': ' if what else ''}{what}"))
    if waited.missed:
        say(f"{waited.missed} bytes of output were gone before they could be looked at")


def _quiet(match: Mapping[str, Any]) -> str:
    """How long there was nothing, and who says that it waits; "" of other conditions."""
    if match["kind"] != "idle":
        return ""
    quiet = f"quiet for {match['silent_s']:.1f} s"
    if match["by"] != "silence":
        return f"{match['state']}, told by {match['by']}; {quiet}"
    return f"{quiet}; nothing tells its state" if match["state"] == "unknown" else f"{quiet}; {match['state']}"


def _ending(match: Mapping[str, Any]) -> str:
    if match.get("signal"):
        return signal_name(match["signal"])
    return f"code {match['code']}" if match.get("code") is not None else ""


def _wait_for_end(client: Client, target: str, timeout: float | None, *, as_json: bool) -> int:
    status = client.wait(target, timeout)
    if as_json:
        print_json(status)
    _explain_end(status, target)
    return child_exit_code(status.code, status.signal)


def _explain_end(status: ExitStatus, target: str) -> None:
    if status.signal:
        say(f"{target or status.session_id} was ended by {signal_name(status.signal)}")
    elif status.code is None:
        say(f"{target or status.session_id} has ended; its exit code is not known")
