"""`roost observer`: buffers of a session's events that outlive connections and daemons."""

from __future__ import annotations

from collections.abc import Sequence

import click

from roost.cli.commands.watch import names_option, show_events
from roost.cli.context import Invocation, complete_target, json_option, pass_invocation, some_target, target_argument
from roost.cli.failures import OK, say
from roost.cli.output import print_json
from roost.core.events import CATEGORIES, check_categories
from roost.core.shown import aligned, printable
from roost.model.settings import ObserverInfo

_COLUMNS = ("OBSERVER", "SESSION", "POLICY", "CAPACITY", "EMITTED", "DELIVERED", "MISSED", "BUFFERED", "READER")


@click.group("observer")
def observer_command() -> None:
    """Buffer a session's events for a reader that comes later; DELIVERED + MISSED + BUFFERED = EMITTED."""


@observer_command.command("add")
@target_argument(required=True)
@names_option(
    "--category",
    check=check_categories,
    metavar="A,B",
    help="Only these (default all): " + ", ".join(CATEGORIES) + ".",
)
@click.option(
    "--capacity", metavar="N", type=click.IntRange(1, 1_000_000), default=1024, show_default=True, help="Events kept."
)
@click.option(
    "--policy",
    type=click.Choice(("drop_oldest", "block")),
    default="drop_oldest",
    help="What a full buffer does: drop the oldest, or let programs that emit wait (default drop_oldest).",
)
@json_option
@pass_invocation
def add_command(
    invocation: Invocation, /, *, target: str, category: Sequence[str] | None, capacity: int, policy: str, as_json: bool
) -> int:
    """Buffer TARGET's events from now on; prints the observer's id for `roost observer read`."""
    with invocation.client() as client:
        observer = client.add_observer(target, categories=category, capacity=capacity, policy=policy)
    print_json(observer) if as_json else print(observer.id)
    return OK


@observer_command.command("ls")
@click.argument("target", required=False, shell_complete=complete_target, callback=some_target)
@json_option
@pass_invocation
def ls_command(invocation: Invocation, /, *, target: str | None, as_json: bool) -> int:
    """List observers, of TARGET or of all sessions. READER: somebody reads now, or who did is gone."""
    with invocation.client() as client:
        observers = client.observers(target)
    if as_json:
        print_json(observers)
    else:
        print(aligned([_COLUMNS, *map(_row, observers)]), end="")
    return OK


def _row(one: ObserverInfo) -> tuple[str, ...]:
    counters = map(str, (one.capacity, one.emitted, one.delivered, one.missed, one.buffered))
    reader = "connected" if one.connected else "gone" if one.disconnected else "-"
    return (one.id, printable(one.session_name), one.policy, *counters, reader)


@observer_command.command("read")
@click.argument("id")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many events.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line; the default when stdout is no terminal.")
@pass_invocation
def read_command(invocation: Invocation, /, *, id: str, count: int | None, as_json: bool) -> int:
    """Take what the observer ID has buffered, then what comes, until C-c or the session's exit.

    What was shown counts as delivered; the next reader goes on behind it. A reader that is there already is ended.
    """
    with invocation.client() as client, client.events(observer=id) as events:
        show_events(events, as_json=as_json, most=count)
    return OK


@observer_command.command("rm")
@click.argument("id")
@json_option
@pass_invocation
def rm_command(invocation: Invocation, /, *, id: str, as_json: bool) -> int:
    """Forget an observer and what it has buffered."""
    with invocation.client() as client:
        observer = client.remove_observer(id)
    if as_json:
        print_json(observer)
    else:
        say(f"removed; {observer.buffered} buffered events were not read")
    return OK
