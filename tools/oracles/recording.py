"""A recording: what a program wrote, with the moments at which screens are compared, and the sizes in between.

Owns its form: lines of JSON, small enough for a repository. `["o", text]` is output (latin-1 for bytes), `["r", rows,
cols]` a resize, `["c"]` a moment to compare.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).resolve().parents[2] / "tests/data/screens"
#: A program that writes nothing for so long has painted its screen.
QUIET_S = 0.35
MOST_S = 4.0


@dataclass
class Recording:
    """One program's output."""

    rows: int
    cols: int
    events: list[list[Any]] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write it."""
        head = {"rows": self.rows, "cols": self.cols}
        path.write_text("".join(json.dumps(line) + "\n" for line in [head, *self.events]))

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Read it."""
        head, *events = map(json.loads, path.read_text().splitlines())
        return cls(head["rows"], head["cols"], events)

    def steps(self) -> Iterator[tuple[str, bytes, tuple[int, int]]]:
        """("output", data, -), ("resize", -, size) and ("compare", -, -)."""
        for kind, *rest in self.events:
            if kind == "o":
                yield "output", rest[0].encode("latin-1"), (0, 0)
            elif kind == "r":
                yield "resize", b"", (rest[0], rest[1])
            else:
                yield "compare", b"", (0, 0)


@dataclass(frozen=True)
class Play:
    """A program and what is done to it: keys to type, or sizes to have, in turn."""

    argv: list[str]
    deeds: list[bytes | tuple[int, int]]
    rows: int = 24
    cols: int = 80
    directory: str = "/usr"


def record(play: Play) -> Recording:
    """Run the program, do one deed after the other, each once it is quiet, and note what it writes."""
    made = Recording(play.rows, play.cols)
    pid, master = pty.fork()
    if pid == 0:
        _become(play)
    try:
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", play.rows, play.cols, 0, 0))
        _note(master, made)
        for deed in play.deeds:
            if isinstance(deed, tuple):
                made.events.append(["r", *deed])
                fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", *deed, 0, 0))
            else:
                os.write(master, deed)
            _note(master, made)
    finally:
        os.close(master)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(pid, 0)
    return made


def _become(play: Play) -> None:
    environ = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    environ |= {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "USER": "user", "HISTFILE": "/dev/null"}
    os.chdir(play.directory)
    time.sleep(0.05)  # until the size is set
    os.execvpe(play.argv[0], play.argv, environ)


def _note(master: int, made: Recording) -> None:
    """Take what is written until it is quiet, with a moment to compare at the end and some on the way."""
    deadline = time.monotonic() + MOST_S
    collected = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([master], [], [], min(QUIET_S, left))[0]:
            break
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        collected += data
        if len(collected) > 4096:
            made.events.append(["o", collected.decode("latin-1")])
            collected = b""
    if collected:
        made.events.append(["o", collected.decode("latin-1")])
    made.events.append(["c"])
