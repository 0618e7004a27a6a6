"""`roost send`, where the short way does not reach: help, mistakes and other scopes."""

from __future__ import annotations

import os
import sys

import click

from roost.cli.context import Invocation, json_option, pass_invocation, target_option
from roost.cli.failures import ERROR, OK, TIMED_OUT, say
from roost.cli.output import print_json
from roost.cli.typed import told_text
from roost.cli.values import DURATION
from roost.client.results import Receipt


@click.command("send")
@target_option(default="")
@click.option("--no-enter", is_flag=True, help="Do not press Enter after the text.")
@click.option("--type", "typed", is_flag=True, help="Typed, not pasted: no brackets even if the program wants them.")
@click.option("--raw", is_flag=True, help="Exactly these bytes: no Enter, control characters stay.")
@click.option("--followup", is_flag=True, help="Queue it until the session is idle.")
@click.option("--key", default="", help="The same key is the same input: a repeat does nothing.")
@click.option(
    "--wait-receipt",
    "until",
    type=click.Choice(["written", "observed"]),
    help="Return when it was written, or when something was seen of it.",
)
@click.option("--timeout", type=DURATION, metavar="TIME", help="Wait no longer than that, then exit with 11.")
@json_option
@click.argument("text", nargs=-1, required=True)
@pass_invocation
def send_command(
    invocation: Invocation,
    /,
    *,
    target: str,
    no_enter: bool,
    typed: bool,
    raw: bool,
    followup: bool,
    key: str,
    until: str | None,
    timeout: float | None,
    as_json: bool,
    text: tuple[str, ...],
) -> int:
    """Put TEXT and Enter into a session, without attaching. TEXT of `-` is read from stdin.

    TEXT is pasted, in brackets when the program has asked for them (--type types it instead), and Enter comes after.
    Control characters other than tab and line ends are left out, as they would be keys to the program; --raw sends
    every byte. Returns when the program's terminal has taken the text. For keys see `roost keys`.

    With --followup, --key or --wait-receipt there is a receipt: queued, written, then observed (something was seen of
    it) or stalled. A followup is typed at the end of an agent's turn, at the shell's prompt, or when it is quiet.
    """
    if raw and (followup or key or until):
        raise click.UsageError("--raw bytes go at once; --followup, --key and --wait-receipt are for text")
    if timeout is not None and not until:
        raise click.UsageError("--timeout is for --wait-receipt")
    data = sys.stdin.buffer.read() if text == ("-",) else os.fsencode(" ".join(text))
    data = told_text(data, raw=raw, say=say)
    if followup or key or until:
        with invocation.client() as client:
            receipt = client.followup(
                target,
                os.fsdecode(data),
                key=key,
                enter=not no_enter,
                paste=not typed,
                now=not followup,
                wait=until or ("" if followup else "written"),
                timeout_s=timeout,
            )
        return _tell(receipt, until, as_json=as_json)
    with invocation.client() as client:
        sent = client.send(target, data, enter=not (no_enter or raw), paste=not (typed or raw))
    if as_json:
        print_json(sent)
    return 0


def _tell(receipt: Receipt, until: str | None, *, as_json: bool) -> int:
    """Print a receipt: 0 when it is as far as was asked for, 11 when the time was over, 1 when it never will be."""
    if as_json:
        print_json(receipt)
    else:
        print(f"{receipt.id} {receipt.state}")
    if receipt.state in ("failed", "cancelled", "stalled"):
        say(f"{receipt.id} is {receipt.state}: {receipt.reason}")
        return ERROR
    reached = receipt.state == "observed" or (receipt.state == "written" and until != "observed")
    return OK if reached or not until else TIMED_OUT
