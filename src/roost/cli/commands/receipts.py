"""`roost receipts`: inputs that are queued, what became of others, and taking one back."""

from __future__ import annotations

import time

import click

from roost.cli.context import Invocation, json_option, pass_invocation, target_option
from roost.cli.failures import OK, say
from roost.cli.output import print_json
from roost.core.shown import age, aligned, printable

_TEXT_CHARACTERS = 80


@click.command("receipts")
@target_option("Only those of a session.")
@click.option("--all", "all_", is_flag=True, help="Also the newest that are over.")
@click.option("--cancel", "id", metavar="ID", help="Take one back that is still queued.")
@json_option
@pass_invocation
def receipts_command(
    invocation: Invocation, /, *, target: str | None, all_: bool, id: str | None, as_json: bool
) -> int:
    """List inputs that are queued (`roost send --followup`) or on their way; with --all what became of others."""
    with invocation.client() as client:
        found = [client.cancel_followup(id)] if id else client.receipts(target, all=all_)
    if as_json:
        print_json({"followups": [one.to_json() for one in found]})
    elif found:
        rows = [("ID", "STATE", "AGE", "SESSION", "TEXT")]
        for one in found:
            text = " ".join(one.text.split())[:_TEXT_CHARACTERS]
            rows.append((one.id, one.state, age(time.time() - one.queued_at), one.session_name, printable(text)))
        print(aligned(rows), end="")
    else:
        say("nothing is queued")
    return OK
