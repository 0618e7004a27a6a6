"""`roost screen`: what a session shows."""

from __future__ import annotations

import sys

import click

from roost.cli.context import Invocation, json_option, pass_invocation, target_argument
from roost.cli.failures import say
from roost.cli.output import print_json

_FORMATS = ("text", "ansi", "json", "html", "svg", "png")


@click.command("screen")
@target_argument()
@click.option("--format", "form", type=click.Choice(_FORMATS), default="text", help="What to print (default: text).")
@click.option(
    "--lines",
    type=click.IntRange(0, 20_000),
    default=0,
    metavar="N",
    help="N lines of scrollback too, of 5000 that are kept.",
)
@click.option("--if-changed", metavar="HASH", help="Print nothing, and exit with 1, if it still looks like HASH.")
@click.option("--hash", "show_hash", is_flag=True, help="Print the hash for --if-changed, alone, on stderr.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write to FILE.")
@json_option
@pass_invocation
def screen_command(
    invocation: Invocation,
    /,
    *,
    target: str,
    form: str,
    lines: int,
    if_changed: str | None,
    show_hash: bool,
    output: str | None,
    as_json: bool,
) -> int:
    """Show what TARGET's terminal shows, also of a program that has exited.

    ansi paints the screen on a terminal; json has every cell's style, --json the lines and facts alone, with the hash
    that --if-changed compares. A screen that began in the midst of the output is approximate: a note on stderr says so.
    """
    with invocation.client() as client:
        screen = client.screen(target, format=None if as_json else form, lines=lines, if_changed=if_changed)
    if show_hash:
        click.echo(screen.hash, err=True)
    if as_json:
        print_json(screen)
        return 0 if screen.changed else 1
    if not screen.changed:
        return 1
    if screen.approximate and form in ("text", "ansi"):
        say("approximate: output from before was lost, parts may be wrong until the program paints anew")
    _write(screen.data, output, form)
    return 0


def _write(data: bytes, output: str | None, form: str) -> None:
    if output is not None and output != "-":
        with open(output, "wb") as file:
            file.write(data)
        return
    if form == "png" and sys.stdout.isatty():
        raise click.UsageError("a picture is not for a terminal; name a file with -o")
    sys.stdout.buffer.write(data if form in ("png", "ansi") or data.endswith(b"\n") else data + b"\n")
    sys.stdout.buffer.flush()
