"""`roost history`: what ran, when, and how it ended."""

from __future__ import annotations

import time

import click

from roost.cli.context import Invocation, json_option, pass_invocation, target_argument
from roost.cli.output import command_line, print_json
from roost.cli.values import DURATION
from roost.core.outcome import signal_name
from roost.core.shown import age, aligned, printable
from roost.model.sessions import HistoryEntry

_COLUMNS = ("ID", "NAME", "STARTED", "RAN", "END", "COMMAND")


@click.command("history")
@target_argument()
@click.option("--failed", is_flag=True, help="Only those that ended with another code than 0.")
@click.option("--running", is_flag=True, help="Only those that still run.")
@click.option("--originator", metavar="NAME", help="Only those that were started on behalf of NAME.")
@click.option("--since", type=DURATION, metavar="TIME", help="Only those started within that time, as 2h or 7d.")
@click.option("--limit", metavar="N", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many.")
@json_option
@pass_invocation
def history_command(
    invocation: Invocation,
    /,
    *,
    target: str,
    failed: bool,
    running: bool,
    originator: str | None,
    since: float | None,
    limit: int,
    as_json: bool,
) -> int:
    """List sessions that ran, the latest first; also those whose output was purged.

    TARGET is a name, an id or its beginning. END is the exit code, the signal, `lost` when nobody saw the end (the
    machine went down), or empty while it runs.
    """
    start = None if since is None else time.time() - since
    with invocation.client() as client:
        entries = client.history(
            target, originator=originator, failed=failed, running=running, since=start, limit=limit
        )
    if as_json:
        print_json(entries)
    else:
        print(aligned([_COLUMNS, *map(_row, entries)]), end="")
    return 0


def _row(entry: HistoryEntry) -> tuple[str, ...]:
    end = entry.exited_at if entry.outcome else time.time()
    return (
        entry.id,
        printable(entry.name),
        time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.started_at)),
        "?" if end is None else age(end - entry.started_at),
        _end(entry),
        printable(command_line(entry.argv))[:200],
    )


def _end(entry: HistoryEntry) -> str:
    if entry.outcome is None:
        return ""
    if entry.outcome == "lost":
        return "lost"
    if entry.signal:
        return signal_name(entry.signal)
    return "?" if entry.exit_code is None else str(entry.exit_code)
