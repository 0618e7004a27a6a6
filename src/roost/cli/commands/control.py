"""Commands that change a running session: resize, signal, detach, rename, restart."""

from __future__ import annotations

import click

from roost.cli.context import Invocation, json_option, pass_invocation, target_argument
from roost.cli.failures import say
from roost.cli.output import print_json
from roost.cli.values import DURATION, SIGNAL, SIZE
from roost.cli.wording import count
from roost.core.outcome import signal_name

_SCOPES = ("foreground", "leader", "group", "tree")


@click.command("resize")
@target_argument(required=True)
@click.argument("size", type=SIZE, metavar="ROWSxCOLS")
@json_option
@pass_invocation
def resize_command(invocation: Invocation, /, *, target: str, size: tuple[int, int], as_json: bool) -> int:
    """Set the size of TARGET's terminal, for example 40x120."""
    with invocation.client() as client:
        rows, cols = client.resize(target, *size)
    if as_json:
        print_json({"rows": rows, "cols": cols})
    return 0


@click.command("signal")
@target_argument(required=True)
@click.argument("signal", type=SIGNAL)
@click.option("--scope", type=click.Choice(_SCOPES), help="Who gets it (default: the terminal's foreground group).")
@json_option
@pass_invocation
def signal_command(invocation: Invocation, /, *, target: str, signal: int, scope: str | None, as_json: bool) -> int:
    """Send SIGNAL (INT, SIGINT or 2) to the foreground program of TARGET."""
    with invocation.client() as client:
        pids = client.signal(target, signal, scope=scope)
    if as_json:
        print_json({"signal": signal, "signalled": pids})
    else:
        say(f"{signal_name(signal)} sent to {count(len(pids), 'process').replace('processs', 'processes')}")
    return 0


@click.command("detach")
@target_argument(required=True)
@json_option
@pass_invocation
def detach_command(invocation: Invocation, /, *, target: str, as_json: bool) -> int:
    """Detach every client of TARGET; the session goes on."""
    with invocation.client() as client:
        detached = client.detach(target)
    if as_json:
        print_json({"detached": detached})
    else:
        say(f"{count(detached, 'client')} detached")
    return 0


@click.command("rename")
@target_argument(required=True)
@click.argument("name")
@json_option
@pass_invocation
def rename_command(invocation: Invocation, /, *, target: str, name: str, as_json: bool) -> int:
    """Give TARGET another name, unique among live sessions."""
    with invocation.client() as client:
        info = client.rename(target, name)
    if as_json:
        print_json(info)
    return 0


@click.command("restart")
@target_argument(required=True)
@click.option("--grace", type=DURATION, default=2.0, metavar="TIME", help="Between TERM and KILL (default 2s).")
@json_option
@pass_invocation
def restart_command(invocation: Invocation, /, *, target: str, grace: float, as_json: bool) -> int:
    """End TARGET and start the same command again, in the same directory, under the same name; prints the new id."""
    with invocation.client() as client:
        session = client.restart(target, grace_s=grace)
        if as_json:
            print_json(session.info())
        else:
            print(session.id)
    return 0
