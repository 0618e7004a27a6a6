"""What a session's shell has told by its marks: prompts, commands, exit codes, durations, the directory.

Owns the state behind it and the `shell` events; knows nothing of escape sequences. Times are those at which the daemon
saw a mark, which is up to 0.1 s late while nobody reads the session.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

from roost.core.scanner import Scanner
from roost.core.shell_marks import DIRECTORY, FINISHED, OUTPUT, PROMPT, Mark, directory_of

#: Told of an event: its type and data.
Emit = Callable[[str, dict[str, Any]], None]


class ShellTrack:
    """One session's shell. `seen` is whether there were marks at all; nothing is known without."""

    def __init__(self, scanner: Scanner, emit: Emit, *, integrated: bool = False) -> None:
        """Go on from what the scanner knows: a new daemon finds shells in the middle of a command.

        integrated: it was started so that it marks its prompts, if only at the first one.
        Marks that the scanner has seen and nobody has taken are still to come.
        """
        self._marks = marks = scanner.marks
        self._emit = emit
        self.integrated = integrated
        self._host = socket.gethostname()
        to_come = [mark for mark in scanner.fresh_marks if mark.letter != DIRECTORY]
        self.running = (to_come[0].after if to_come else marks.last) == OUTPUT
        self.command = marks.command if self.running else ""
        self.last_command = "" if self.running else marks.command
        self.last_duration_s: float | None = None
        #: When the command under way began; None without one, or when it began before this daemon.
        self.started_at: float | None = None
        self.changed_at = time.time()
        self.cwd = directory_of(scanner.cwd, self._host)
        known = not to_come or (marks.output_at or 0) < to_come[0].offset  # else it is a later command's
        self._output_at = marks.output_at if self.running and known else None
        #: What the last `command_finished` said; None before the first.
        self.last_finished = self._found_finished()

    def _found_finished(self) -> dict[str, Any] | None:
        """The last end of a command that an earlier daemon has seen, as far as it is still known."""
        marks = self._marks
        if marks.finished_at is None or marks.output_at is None or marks.output_at > marks.finished_at:
            return None
        return _finished(marks.finished_at, marks.output_at, marks.command, marks.exit_code, None, self.cwd)

    @property
    def seen(self) -> bool:
        """Whether the shell marks its prompts and commands."""
        return self._marks.count > 0

    @property
    def at_prompt(self) -> bool:
        """Whether the shell waits for a command."""
        return self._marks.last in ("A", "B")

    @property
    def prompt_at(self) -> int | None:
        """Where the last prompt begins, as an offset."""
        return self._marks.prompt_at

    @property
    def exit_code(self) -> int | None:
        """Of the last command, as far as it was told."""
        return self._marks.exit_code

    def describe(self) -> dict[str, Any] | None:
        """The shell as `ls --json` shows it; None without marks."""
        if not (self.seen or self.cwd):
            return None
        return {
            "cwd": self.cwd or None,
            "at_prompt": self.at_prompt if self.seen else None,
            "command": self.command or None,
            "last_command": self.last_command or None,
            "last_exit_code": self.exit_code,
            "last_duration_s": self.last_duration_s,
        }

    def take(self, marks: list[Mark]) -> None:
        """Marks in the order in which they were seen."""
        now = time.time()
        for mark in marks:
            if mark.letter == DIRECTORY:
                self._moved(mark)
                continue
            self.changed_at = now
            if mark.letter == PROMPT:
                self._emit("prompt", {"offset": mark.offset, "cwd": self.cwd or None})
            elif mark.letter == OUTPUT:
                self._started(mark, now)
            elif mark.letter == FINISHED and self.running:  # some shells mark an empty line as finished, too
                self._finished(mark, now)

    def _moved(self, mark: Mark) -> None:
        cwd = directory_of(mark.text, self._host)
        if cwd != self.cwd:
            self.cwd = cwd
            self._emit("cwd_changed", {"offset": mark.offset, "cwd": cwd or None, "reported": mark.text})

    def _started(self, mark: Mark, now: float) -> None:
        self.running, self.started_at = True, now
        self.command, self._output_at = mark.text, mark.offset
        data = {"offset": mark.offset, "command": mark.text or None, "cwd": self.cwd or None}
        self._emit("command_started", data)

    def _finished(self, mark: Mark, now: float) -> None:
        self.running = False
        self.last_command, self.command = self.command, ""
        self.last_duration_s = None if self.started_at is None else round(max(0.0, now - self.started_at), 6)
        output_at, self.started_at, self._output_at = self._output_at, None, None
        data = _finished(mark.offset, output_at, self.last_command, mark.exit_code, self.last_duration_s, self.cwd)
        self.last_finished = data
        self._emit("command_finished", data)


def _finished(
    offset: int, output_at: int | None, command: str, exit_code: int | None, duration_s: float | None, cwd: str
) -> dict[str, Any]:
    """What is said of a command that has ended."""
    return {
        "offset": offset,
        "output_offset": output_at,
        "command": command or None,
        "exit_code": exit_code,
        "duration_s": duration_s,
        "cwd": cwd or None,
    }
