"""`roost send`, where the short way does not reach: help, mistakes and other scopes."""

from __future__ import annotations

import os
import sys

import click

from roost.cli.context import Invocation, complete_target, json_option, pass_invocation
from roost.cli.failures import say
from roost.cli.output import print_json
from roost.cli.typed import told_text


@click.command("send")
@click.option("--to", "target", default="", metavar="TARGET", shell_complete=complete_target, help="The session.")
@click.option("--no-enter", is_flag=True, help="Do not press Enter after the text.")
@click.option("--type", "typed", is_flag=True, help="Typed, not pasted: no brackets even if the program wants them.")
@click.option("--raw", is_flag=True, help="Exactly these bytes: no Enter, control characters stay.")
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
    as_json: bool,
    text: tuple[str, ...],
) -> int:
    """Put TEXT and Enter into a session, without attaching. TEXT of `-` is read from stdin.

    TEXT is pasted, in brackets when the program has asked for them (--type types it instead), and Enter comes after.
    Control characters other than tab and line ends are left out, as they would be keys to the program; --raw sends
    every byte. Returns when the program's terminal has taken the text. For keys see `roost keys`.
    """
    data = sys.stdin.buffer.read() if text == ("-",) else os.fsencode(" ".join(text))
    data = told_text(data, raw=raw, say=say)
    with invocation.client() as client:
        sent = client.send(target, data, enter=not (no_enter or raw), paste=not (typed or raw))
    if as_json:
        print_json(sent)
    return 0
