"""`roost ls`, where the short way does not reach: help and `--originator`."""

from __future__ import annotations

import click

from roost.cli.context import Invocation, json_option, pass_invocation
from roost.cli.output import print_json
from roost.cli.short import show_table


@click.command("ls")
@click.option("-a", "--all", "all_", is_flag=True, help="Exited sessions too.")
@click.option("--originator", metavar="NAME", help="Only those that run on behalf of NAME.")
@json_option
@pass_invocation
def ls_command(invocation: Invocation, /, *, all_: bool, originator: str | None, as_json: bool) -> int:
    """List the live sessions.

    JSON gives an array of objects with every known field. Times are Unix seconds; exit_code is minus the number for a
    signal and null where it is not known.
    """
    if as_json:
        with invocation.client() as client:
            print_json(client.list(originator=originator, all=all_))
        return 0
    return show_table(all=all_, originator=originator, scope=invocation.scope)
