"""`roost watch`: events as lines for people, or as JSON lines for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import click

from roost.cli.context import Invocation, pass_invocation, target_option
from roost.cli.failures import OK
from roost.cli.output import colour_wanted
from roost.client import Client
from roost.client.far_targets import far_id
from roost.core.event_choice import check_types
from roost.core.event_lines import event_line
from roost.core.events import CATEGORIES, check_categories
from roost.errors import InvalidError, NoRunError

if TYPE_CHECKING:
    from roost.client.event_stream import EventStream

F = TypeVar("F", bound=Callable[..., Any])


def names_option(
    name: str, *attributes: str, check: Callable[[list[str]], object], metavar: str, help: str
) -> Callable[[F], F]:
    """An option that takes names with commas, several times: a list, None without any.

    `check` raises InvalidError for names that nothing has.
    """

    def names(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> list[str] | None:
        chosen = [name.strip() for part in given for name in part.split(",") if name.strip()]
        if given and not chosen:
            raise click.BadParameter("name at least one, or leave it out for all")
        try:
            check(chosen)
        except InvalidError as error:
            raise click.BadParameter(error.message) from error
        return chosen or None

    return click.option(name, *attributes, multiple=True, callback=names, metavar=metavar, help=help)


@click.command("watch")
@target_option("Of this session.")
@click.option("--all", "everything", is_flag=True, help="Of all sessions and the daemon.")
@names_option("--category", check=check_categories, metavar="A,B", help=", ".join(CATEGORIES) + ".")
@names_option("--type", "types", check=check_types, metavar="A,B", help="Only events of these types.")
@click.option("--since", metavar="ID", help="Also those behind that id; 0.0 for all that is stored.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line; the default when stdout is no terminal.")
@pass_invocation
def watch_command(
    invocation: Invocation,
    /,
    *,
    target: str | None,
    everything: bool,
    category: list[str] | None,
    types: list[str] | None,
    since: str | None,
    as_json: bool,
) -> int:
    """Show what happens, until C-c; of one session until its exit.

    Without --to and --all it is the latest session that runs, or everything when none does. A gap says what is missing,
    and why. The stream goes on by itself when the daemon was restarted.
    """
    if target and everything:
        raise click.UsageError("--to and --all exclude each other")
    with invocation.client() as client:
        chosen = None if everything else _target(client, target)
        with client.events(chosen, categories=category, types=types, since=since) as events:
            show_events(events, as_json=as_json)
    return OK


def show_events(events: EventStream, *, as_json: bool, most: int | None = None) -> None:
    """Print events as they come, until their end, C-c, or that many; as JSON they are what the daemon wrote."""
    people = sys.stdout.isatty() and not as_json
    colour = people and colour_wanted()
    try:
        if people:
            for event in islice(events, most):
                print(event_line(event, colour=colour), flush=True)
        else:
            for line in islice(events.lines(), most):
                sys.stdout.buffer.write(line + b"\n")
                sys.stdout.buffer.flush()
    except KeyboardInterrupt:
        if people:
            print()


def _target(client: Client, target: str | None) -> str | None:
    """The session to watch; None for everything."""
    if target is not None:
        return far_id(target, client.get(target).id)
    try:
        return client.get("").id
    except NoRunError:
        return None
