"""`roost logs`: retained output without attaching."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from roost.cli.context import Invocation, json_option, pass_invocation, target_argument
from roost.cli.copying import write_all
from roost.cli.failures import say
from roost.cli.output import colour_wanted, print_json
from roost.cli.sanitise import RESET_COLOUR, Sanitiser
from roost.cli.streaming import tell
from roost.cli.tail import tail_offset
from roost.cli.wording import count
from roost.model.attaching import Detached, Exited, Output, Stolen

if TYPE_CHECKING:
    from roost.client import Client


@click.command("logs")
@target_argument()
@click.option("-n", "--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what follows, until the program ends.")
@click.option("--raw", is_flag=True, help="Every byte, on a terminal too.")
@click.option("--stream", type=click.Choice(["stdout", "stderr"]), default="stdout", help="Of a pipe session.")
@json_option
@pass_invocation
def logs_command(
    invocation: Invocation,
    /,
    *,
    target: str,
    tail: int | None,
    follow: bool,
    raw: bool,
    stream: str,
    as_json: bool,
) -> int:
    """Show what is retained of TARGET's output, also after its end and without disturbing its clients.

    Into a pipe or file the bytes are exactly the program's. On a terminal, titles, cursor motion, modes and queries
    are left out, so that old output cannot disturb it; --raw writes every byte there too.
    """
    if as_json and follow:
        raise click.UsageError("--json prints one document; it cannot --follow")
    with invocation.client() as client:
        session_id = client.get(target).id
        start = None if tail is None else tail_offset(client, session_id, tail, stream=stream)
        if as_json:
            _print_document(client, session_id, stream, start)
            return 0
        with _Printer(raw=raw) as printer:
            position = _print_retained(client, session_id, stream, start, printer)
            if follow:
                _follow(client, session_id, stream, position, printer)
    return 0


class _Printer:
    """Writes output to stdout, made harmless on a terminal."""

    def __init__(self, *, raw: bool) -> None:
        self._sanitiser = None if raw or not sys.stdout.isatty() else Sanitiser(colour=colour_wanted())

    def __enter__(self) -> _Printer:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._sanitiser is not None and self._sanitiser.coloured:
            write_all(1, RESET_COLOUR)

    def write(self, data: bytes) -> None:
        write_all(1, data if self._sanitiser is None else self._sanitiser.feed(data))


def _print_retained(client: Client, session_id: str, stream: str, start: int | None, printer: _Printer) -> int:
    """Prints page after page up to where the stream stood at the first one; returns the offset behind it."""
    page = client.logs(session_id, stream=stream, from_offset=start)
    end = page.end_offset
    while True:
        if page.missed:
            say(f"{count(page.missed, 'byte')} missed before offset {page.start_offset:,}")
        printer.write(page.data)
        if page.next_offset >= end or not page.data:
            return page.next_offset
        page = client.logs(session_id, stream=stream, from_offset=page.next_offset)


def _follow(client: Client, session_id: str, stream: str, position: int, printer: _Printer) -> None:
    with client.attach(session_id, mode="view", from_offset=position, stream=stream, label="logs --follow") as attached:
        for event in attached:
            if isinstance(event, Output):
                printer.write(event.data)
            elif isinstance(event, (Exited, Detached, Stolen)):
                return
            else:
                tell(event)


def _print_document(client: Client, session_id: str, stream: str, start: int | None) -> None:
    backlog = client.backlog(session_id, stream=stream, from_offset=start)
    document = backlog.to_json()
    document["session_id"] = session_id
    document["data"] = backlog.data.decode(errors="replace")
    print_json(document)
