"""`roost export`: a recording, or what a session retains, as another file."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from roost.cli.commands.replay import open_cast
from roost.cli.context import Invocation, complete_target, pass_invocation
from roost.cli.failures import say
from roost.cli.filming import PictureOrder, make_picture
from roost.cli.values import DURATION
from roost.cli.wording import count
from roost.core.cast import Cast, CastEvent, CastHeader, as_version_2, as_version_3
from roost.errors import InvalidError, NoRunError

FORMATS = ("svg", "gif", "png", "txt", "cast", "cast-v2")
_BINARY = ("gif", "png")


@click.command("export")
@click.argument("source", shell_complete=complete_target)
@click.option("--svg", "form", flag_value="svg", help="A film for browsers; a still of a session, or with --at.")
@click.option("--gif", "form", flag_value="gif", help="A film as GIF (needs Pillow: the extra `picture`).")
@click.option("--png", "form", flag_value="png", help="A still (needs Pillow).")
@click.option("--txt", "form", flag_value="txt", help="The text of the screen and of what scrolled out of it.")
@click.option("--cast", "form", flag_value="cast", help="An asciicast of version 3, without roost's comments.")
@click.option("--cast-v2", "form", flag_value="cast-v2", help="An asciicast of version 2.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), metavar="OUT", help="Write to OUT (default: stdout).")
@click.option("--at", "at_s", type=DURATION, metavar="TIME", help="A still of that time (default: the end).")
@click.option("--fps", type=click.FloatRange(0.1, 60), default=15.0, show_default=True, help="Frames a second at most.")
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
    form: str | None,
    output: str | None,
    at_s: float | None,
    fps: float,
    idle_limit: float | None,
    speed: float,
    theme: str,
    font: str | None,
) -> int:
    """Make another file of SOURCE: a recording (an asciicast), or a session, whose retained output it is then.

    Without a format, the end of OUT's name says which (.svg, .gif, .png, .txt, .cast).
    """
    chosen = form or _format_of(output)
    if chosen in _BINARY and output in (None, "-") and sys.stdout.isatty():
        raise click.UsageError("a picture is not for a terminal; name a file with -o")
    if at_s is not None and chosen not in ("svg", "png", "txt"):
        raise click.UsageError("--at makes a still: svg, png or txt")
    with _recording(invocation, source) as (file, timed):
        if chosen in ("cast", "cast-v2"):
            lines = as_version_3(open_cast(file)) if chosen == "cast" else as_version_2(open_cast(file))
            _write(output, b"".join(lines))
            return 0
        order = PictureOrder(
            format=chosen,
            still=at_s is not None or not timed,
            at_us=None if at_s is None else int(at_s * 1e6),
            fps=fps,
            idle_limit_us=None if idle_limit is None else int(idle_limit * 1e6),
            speed=speed,
            theme=theme,
            font=font or "",
        )
        _write(output, make_picture(file, order))
    return 0


def _format_of(output: str | None) -> str:
    ending = os.path.splitext(output or "")[1].removeprefix(".").lower()
    if ending in FORMATS:
        return ending
    raise click.UsageError(f"say which format: {', '.join('--' + name for name in FORMATS)}")


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
    if output in (None, "-"):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    assert output is not None
    try:
        Path(output).write_bytes(data)
    except OSError as error:
        raise InvalidError(f"{output} cannot be written: {error.strerror or error}") from error
