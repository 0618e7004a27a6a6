"""`roost tee`: copies of a session's streams in files."""

from __future__ import annotations

import os

import click

from roost.cli.context import Invocation, complete_target, json_option, pass_invocation, some_target, target_argument
from roost.cli.failures import say
from roost.cli.output import print_json
from roost.cli.values import BYTES
from roost.core.shown import aligned, printable
from roost.model.files import TeeInfo

_STREAMS = ("stdout", "stderr", "stdin")
_COLUMNS = ("SESSION", "TEE", "STREAM", "STATE", "WRITTEN", "MISSED", "FILE")


@click.group("tee")
def tee_command() -> None:
    """Copy what a session writes (or reads) to files, from the next byte on, whoever is attached."""


@tee_command.command("add")
@target_argument(required=True)
@click.argument("file", type=click.Path(dir_okay=False, path_type=bytes))
@click.option("--stream", type=click.Choice(_STREAMS), default="stdout", help="Which one (default stdout).")
@click.option("--truncate", is_flag=True, help="Empty FILE first, instead of appending to it.")
@click.option("--block", is_flag=True, help="Let the program wait for FILE, instead of leaving something out.")
@click.option("--no-markers", is_flag=True, help="Do not say in FILE where something is missing.")
@click.option("--rotate", type=BYTES, default=0, metavar="SIZE", help="Go on in a new file at about that size.")
@click.option(
    "--keep", metavar="N", type=click.IntRange(min=1), default=5, show_default=True, help="Old files kept by --rotate."
)
@json_option
@pass_invocation
def add_command(
    invocation: Invocation,
    /,
    *,
    target: str,
    file: bytes,
    stream: str,
    truncate: bool,
    block: bool,
    no_markers: bool,
    rotate: int,
    keep: int,
    as_json: bool,
) -> int:
    """Copy a stream of TARGET to FILE; prints the tee's number. It ends with the stream, or by `roost tee rm`."""
    with invocation.client() as client:
        tee = client.add_tee(
            target,
            file,
            stream=stream,
            append=not truncate,
            block=block,
            markers=not no_markers,
            rotate_bytes=rotate,
            keep=keep if rotate else 0,
        )
    print_json(tee) if as_json else print(tee.handle)
    return 0


@tee_command.command("ls")
@click.argument("target", required=False, shell_complete=complete_target, callback=some_target)
@json_option
@pass_invocation
def ls_command(invocation: Invocation, /, *, target: str | None, as_json: bool) -> int:
    """List tees, of TARGET or of all sessions. MISSED counts bytes that are not in the file."""
    with invocation.client() as client:
        tees = client.tees(target)
    if as_json:
        print_json(tees)
    else:
        print(aligned([_COLUMNS, *map(_row, tees)]), end="")
        for tee in tees:
            if tee.error:
                say(f"tee {tee.handle} of {tee.name} cannot write {printable(tee.path)}: {tee.error}")
    return 0


def _row(tee: TeeInfo) -> tuple[str, ...]:
    state = f"{tee.state}, uncertain" if tee.uncertain else tee.state
    counts = (str(tee.written_bytes), str(tee.missed_bytes))
    return (printable(tee.name), str(tee.handle), tee.stream, state, *counts, printable(tee.path))


@tee_command.command("rm")
@target_argument(required=True)
@click.argument("handle", type=click.IntRange(min=1))
@json_option
@pass_invocation
def rm_command(invocation: Invocation, /, *, target: str, handle: int, as_json: bool) -> int:
    """Stop a tee, once its file has what was written up to now. The file stays."""
    with invocation.client() as client:
        tee = client.remove_tee(target, handle)
    if as_json:
        print_json(tee)
    else:
        say(f"tee {handle} of {tee.name} has ended; {os.fsdecode(tee.path)} stays")
    return 0
