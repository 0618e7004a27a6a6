"""`roost ps`: the process registry, and process trees."""

from __future__ import annotations

import click

from roost.cli.context import Invocation, json_option, pass_invocation
from roost.cli.output import print_json
from roost.core.shown import age, aligned, printable
from roost.model.running import ProcessInfo

_COLUMNS = ("PID", "STATE", "PARENT", "AGE", "KIND", "ORIGINATOR", "COMMAND")


@click.command("ps")
@click.argument("pid", type=click.IntRange(min=1), required=False)
@click.option("--tree", is_flag=True, help="Draw the tree below PID; without PID everything that is roost's.")
@click.option("--originator", metavar="TOOL", help="Only those registered on behalf of TOOL:…")
@json_option
@pass_invocation
def ps_command(invocation: Invocation, /, *, pid: int | None, tree: bool, originator: str | None, as_json: bool) -> int:
    """List the processes that programs registered with the daemon, and what became of them.

    Sessions are not among them (`roost ls`). STATE is alive, zombie, gone, reused (another process has the pid by now)
    or unknown; PARENT says whether the process that it belongs to still runs.
    """
    if pid is not None and not tree:
        raise click.UsageError("a PID goes with --tree")
    if tree and originator:
        raise click.UsageError("--tree and --originator exclude each other")
    with invocation.client() as client:
        if tree:
            drawn = client.process_tree(pid)
            print_json({"pid": pid, "tree": drawn}) if as_json else print(drawn)
            return 0
        processes = client.processes(originator=originator)
    if as_json:
        print_json(processes)
    else:
        print(aligned([_COLUMNS, *map(_row, processes)]), end="")
    return 0


def _row(process: ProcessInfo) -> tuple[str, ...]:
    return (
        str(process.pid),
        process.state,
        "orphan" if process.orphaned else "alive" if process.parent_alive else "dead",
        age(process.uptime_seconds),
        printable(process.kind),
        printable(process.originator),
        printable(process.command)[:200],
    )
