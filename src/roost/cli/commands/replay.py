"""`roost replay`: a recording, played in the terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

import click

from roost.cli.copying import write_all
from roost.cli.failures import INTERRUPTED, say
from roost.cli.player import Pace, Player
from roost.cli.player_keys import TerminalKeys
from roost.cli.terminal import Signals, Terminal
from roost.cli.values import DURATION
from roost.core.cast import OUTPUT, Cast, read_cast
from roost.errors import InvalidError, NoRunError

#: Empties the screen and puts back what a program may have set.
_CLEAR = b"\x1b[!p\x1b[r\x1b[2J\x1b[3J\x1b[H"


@click.command("replay")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--speed", type=click.FloatRange(min=0.01, max=1000), default=1.0, metavar="N", help="N times as fast.")
@click.option(
    "--idle-limit", type=DURATION, metavar="TIME", help="No pause longer than that (default: the recording's)."
)
@click.option("--from", "start", type=DURATION, default=0.0, metavar="TIME", help="Begin at that time.")
def replay_command(*, file: str, speed: float, idle_limit: float | None, start: float) -> int:
    """Play the recording FILE (asciicast 1, 2 or 3; `-` reads stdin into a pipe).

    Keys: space pauses, arrows go 5 s forward and back, `.` shows the next event while paused, `]` goes to the next
    marker, q quits. Without a terminal the output is copied at once.
    """
    if file == "-":
        _copy(read_cast(sys.stdin.buffer, "stdin"))
        return 0
    cast = open_cast(file)
    if not (os.isatty(0) and os.isatty(1)):
        _copy(cast)
        return 0
    limit = idle_limit if idle_limit is not None else cast.header.idle_time_limit
    pace = Pace(speed, None if limit is None else int(limit * 1e6), int(start * 1e6))
    try:
        return _play(file, cast, pace)
    except KeyboardInterrupt:
        return INTERRUPTED


def open_cast(file: str) -> Cast:
    """The recording in a file. Raises NoRunError without one, InvalidError for what is none."""
    if not os.path.exists(file):
        raise NoRunError(f"there is no file {file}")
    try:
        return read_cast(_lines(file), file)
    except OSError as error:
        raise InvalidError(f"{file} cannot be read: {error.strerror or error}") from error


def _lines(file: str) -> Iterator[bytes]:
    with open(file, "rb") as lines:
        yield from lines


def _copy(cast: Cast) -> None:
    for event in cast.events:
        if event.code == OUTPUT:
            write_all(1, event.data.encode("utf-8", "replace"))


def _play(file: str, cast: Cast, pace: Pace) -> int:
    terminal = Terminal()
    rows, cols = terminal.size()
    if rows and (rows < cast.header.rows or cols < cast.header.cols):
        say(f"recorded in {cast.header.cols}x{cast.header.rows}; this terminal is smaller ({cols}x{rows})")

    def clear() -> None:
        terminal.write(terminal.screen.fallback_reset() + _CLEAR)

    with Signals(), terminal:
        terminal.save_title(os.environ.get("TERM", ""))
        try:
            player = Player(lambda: open_cast(file), terminal.write, clear, TerminalKeys(0), time.monotonic, pace)
            player.run()
        finally:
            terminal.put_back(terminal.screen.fallback_reset())
            terminal.restore(forget_input=True)
            if not terminal.screen.at_line_start:
                write_all(1, b"\r\n")
    return 0
