"""`roost hooks status` and `retry`: how the sinks are, and another try for what they did not take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from roost.cli.context import Invocation, json_option, pass_invocation
from roost.cli.failures import OK, say
from roost.cli.output import print_json
from roost.cli.wording import count
from roost.core.shown import age, aligned, printable

if TYPE_CHECKING:
    from roost.model.settings import SinkInfo

_COLUMNS = ("SINK", "STATE", "DELIVERED", "FAILED", "RETRIED", "DROPPED", "WAITING", "DEAD", "LAG")


@click.command("status")
@json_option
@pass_invocation
def status_command(invocation: Invocation, /, *, as_json: bool) -> int:
    """Show every sink and its counters. IDLE: nobody listens there, so nothing is kept for it.

    FAILED: commands that ended badly; they are not run again.
    """
    with invocation.client(autostart=False) as client:
        sinks = client.hooks()
    if as_json:
        print_json(sinks)
    elif not sinks:
        say("no sink is configured; docs/hooks.md shows how")
    else:
        print(aligned([_COLUMNS, *map(_row, sinks)]), end="")
        for sink in sinks:
            if sink.last_error:
                state = "is failing" if sink.state == "failing" else "failed last"
                say(f"{printable(sink.name)} {state}: {printable(sink.last_error)}")
    return OK


def _row(sink: SinkInfo) -> tuple[str, ...]:
    counts = (sink.delivered, sink.failed, sink.retried, sink.dropped, sink.queued, sink.dead)
    return (printable(sink.name), sink.state, *map(str, counts), age(sink.lag_s) if sink.lag_s else "-")


@click.command("retry")
@click.argument("name", required=False)
@json_option
@pass_invocation
def retry_command(invocation: Invocation, /, *, name: str | None, as_json: bool) -> int:
    """Have the sink NAME, or all, try again now: what waits for its next attempt, and dead letters."""
    with invocation.client(autostart=False) as client:
        retried = client.retry_hooks(name)
    if as_json:
        print_json({"retried": retried})
    else:
        for sink, events in retried.items():
            say(f"{printable(sink)}: {count(events, 'event')} to try again")
    return OK
