"""`roost export`: a recording, or what a session retains, as another file."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from roost.cli.commands.replay import open_cast
from roost.cli.context import Invocation, complete_target, pass_invocation
from roost.cli.export_formats import BINARY, ENDINGS, STILLS, outputs
from roost.cli.failures import say
from roost.cli.filming import PictureOrder, make_picture
from roost.cli.values import DURATION
from roost.cli.wording import count
from roost.core.cast import Cast, CastEvent, CastHeader, as_version_2, as_version_3
from roost.errors import InvalidError, NoRunError

_Command = TypeVar("_Command", bound=Callable[..., Any])

_HELP = {
    "svg": "A film for browsers; a still of a session, or with --at.",
    "gif": "A film as GIF (needs Pillow: the extra `picture`).",
    "png": "A still (needs Pillow).",
    "html": "The text of the screen and of what scrolled out of it, in its colours.",
    "txt": "The text of the screen and of what scrolled out of it.",
    "cast": "An asciicast of version 3, without roost's comments.",
    "cast-v2": "An asciicast of version 2.",
}


def _format_flags(command: _Command) -> _Command:
    """One flag a format, all of them gathered in `forms`."""

    def gather(context: click.Context, option: click.Parameter, given: bool) -> None:
        chosen: list[str] = context.params.setdefault("forms", [])
        if given:
            chosen.append((option.name or "").replace("_", "-"))

    for form in reversed(ENDINGS):
        flag = click.option(f"--{form}", is_flag=True, callback=gather, expose_value=False, help=_HELP[form])
        command = flag(command)
    return command


@click.command("export")
@click.argument("source", shell_complete=complete_target)
@_format_flags
@click.option("-o", "--output", type=click.Path(dir_okay=False), metavar="OUT", help="Write to OUT (default: stdout).")
@click.option("--at", "at_s", type=DURATION, metavar="TIME", help="A still of that time (default: the end).")
@click.option(
    "--fps",
    metavar="N",
    type=click.FloatRange(0.1, 60),
    default=15.0,
    show_default=True,
    help="Frames a second at most.",
)
@click.option("--idle-limit", type=DURATION, metavar="TIME", help="No pause of a film longer than that.")
@click.option("--speed", type=click.FloatRange(0.01, 1000), default=1.0, metavar="N", help="A film N times as fast.")
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", help="Colours of pictures.")
@click.option("--font", type=click.Path(exists=True, dir_okay=False), help="A font file for gif and png.")
@pass_invocation
def export_command(
    invocation: Invocation,
    /,
    *,
    source: str,
    forms: list[str],
    output: str | None,
    at_s: float | None,
    fps: float,
    idle_limit: float | None,
    speed: float,
    theme: str,
    font: str | None,
) -> int:
    """Make another file of SOURCE: a recording (an asciicast), or a session, whose retained output it is then.

    Without a format, the end of OUT's name says which (.svg, .gif, .png, .html, .txt, .cast). Several formats become
    several files, OUT.svg, OUT.gif and so on.
    """
    files = outputs(forms, output)
    for chosen, name in files:
        if chosen in BINARY and name is None and sys.stdout.isatty():
            raise click.UsageError("a picture is not for a terminal; name a file with -o")
        if at_s is not None and chosen not in STILLS:
            raise click.UsageError(f"--at makes a still: {', '.join(STILLS)}")
    with _recording(invocation, source) as (file, timed):
        order = PictureOrder(
            format="",
            still=at_s is not None or not timed,
            at_us=None if at_s is None else int(at_s * 1e6),
            fps=fps,
            idle_limit_us=None if idle_limit is None else int(idle_limit * 1e6),
            speed=speed,
            theme=theme,
            font=font or "",
        )
        for chosen, name in files:
            _write(name, _made(file, chosen, order))
            if len(files) > 1:
                say(f"wrote {name}")
    return 0


def _made(file: str, form: str, order: PictureOrder) -> bytes:
    if form == "cast":
        return b"".join(as_version_3(open_cast(file)))
    if form == "cast-v2":
        return b"".join(as_version_2(open_cast(file)))
    return make_picture(file, replace(order, format=form))


@contextmanager
def _recording(invocation: Invocation, source: str) -> Iterator[tuple[str, bool]]:
    """The file of the recording, and whether it has times: what a session retains is made one, without."""
    if os.path.isfile(source):
        yield source, True
        return
    if source.endswith(".cast") or os.sep in source:
        raise NoRunError(f"there is no file {source}")
    with tempfile.TemporaryDirectory(prefix="roost-export-") as directory:
        file = os.path.join(directory, "session.cast")
        Path(file).write_bytes(b"".join(as_version_3(_retained(invocation, source))))
        yield file, False


def _retained(invocation: Invocation, target: str) -> Cast:
    with invocation.client() as client:
        info = client.get(target)
        backlog = client.backlog(info.id)
    if backlog.start_offset:
        say(f"{count(backlog.start_offset, 'byte')} from the beginning are retained no more; this is the rest")
    text = backlog.data.decode("utf-8", "replace")
    if info.kind == "pipe":
        text = text.replace("\n", "\r\n")
    header = CastHeader(
        cols=info.cols or 80, rows=info.rows or 24, term=info.term, title=info.name, command=info.command
    )
    return Cast(header, iter([CastEvent(0, "o", text)]))


def _write(output: str | None, data: bytes) -> None:
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        Path(output).write_bytes(data)
    except OSError as error:
        raise InvalidError(f"{output} cannot be written: {error.strerror or error}") from error
