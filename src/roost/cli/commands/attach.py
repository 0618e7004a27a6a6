"""`roost attach`."""

from __future__ import annotations

import click

from roost.cli.attached import AttachChoice, attach_target
from roost.cli.context import Invocation, pass_invocation, target_argument
from roost.cli.keys_option import chosen_keys, keys_options


@click.command("attach")
@target_argument()
@click.option("--view", is_flag=True, help="Watch only; any number may. Ctrl-C leaves too.")
@click.option("--share", is_flag=True, help="Type beside others.")
@click.option("--steal", is_flag=True, help="Take it over from whoever has it.")
@click.option("--lossless", is_flag=True, help="The program waits for this client instead of leaving a gap.")
@click.option(
    "--tail", type=click.IntRange(min=0), metavar="N", help="Start with the last N lines, as they were written."
)
@click.option(
    "--restore",
    type=click.Choice(["screen", "raw", "none"]),
    help="screen: what it shows (default); raw: what is retained, in the modes set before; none: without those.",
)
@click.option(
    "--stream", type=click.Choice(["stdout", "stderr"]), help="Only this stream of a pipe session (default: both)."
)
@keys_options
@pass_invocation
def attach_command(
    invocation: Invocation,
    /,
    *,
    target: str,
    view: bool,
    share: bool,
    steal: bool,
    lossless: bool,
    tail: int | None,
    restore: str | None,
    stream: str | None,
    detach_keys: str | None,
    no_detach_key: bool,
) -> int:
    """Attach to TARGET: first what its terminal shows, then what follows.

    Without --view, --share or --steal you are its only client. Ctrl-] then d detaches and leaves it running; Ctrl-]
    twice types Ctrl-]. Without a terminal the output is copied to stdout, byte for byte, until the program ends; what
    was missed is told on stderr, and stdin is not read. A session started with --pipe has its stdout and stderr joined
    to yours and, unless you only view, your stdin to its own; the end of yours leaves its own open.

    Exits with 0 after a detach and after the end of the program (`roost wait` gives its code), 1 when it was stolen.
    """
    if view + share + steal > 1:
        raise click.UsageError("--view, --share and --steal exclude each other; choose one")
    if restore == "screen" and tail is not None:
        raise click.UsageError("--tail shows output as it was written; it goes with --restore raw or none")
    keys = chosen_keys(detach_keys, off=no_detach_key)
    choice = AttachChoice(
        mode="view" if view else "share" if share else "exclusive",
        steal=steal,
        lossless=lossless,
        tail=tail,
        restore=restore or ("raw" if tail is not None else "screen"),
        stream=stream,
    )
    with invocation.client() as client:
        return attach_target(client, target, choice, keys)
