"""What a shell says about its prompts and commands. Sources: OSC 133 (FinalTerm), OSC 633 (VS Code).

Owns the last of each; knows nothing of escape sequences. Offsets are those of the mark in the output.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_COMMAND_LENGTH = 200
PROMPT, INPUT, OUTPUT, FINISHED = "A", "B", "C", "D"
#: Not of the shells: the directory was told.
DIRECTORY = "cwd"
#: Marks that wait to be taken, at most; the oldest go first.
MAX_PENDING = 512

_HEX_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(\\))")


class Mark(NamedTuple):
    """One mark as it was seen. letter: A to D or DIRECTORY; text: the command line (C) or the directory as reported.

    after: the letter of the mark before it, "" for the first and for directories.
    """

    letter: str
    offset: int
    exit_code: int | None = None
    text: str = ""
    after: str = ""


class ShellMarks:
    """The marks seen so far.

    count: how many. last: the letter of the last one, "" before any. exit_code: of the last finished command, None when
    it was not said. command: its text where the shell tells (633). *_at: absolute offsets, None before the first.
    """

    __slots__ = ("command", "count", "exit_code", "finished_at", "last", "output_at", "prompt_at")

    def __init__(self) -> None:
        self.count = 0
        self.last = ""
        self.exit_code: int | None = None
        self.command = ""
        self.prompt_at: int | None = None
        self.output_at: int | None = None
        self.finished_at: int | None = None

    def mark(self, letter: str, argument: str, offset: int) -> None:
        """Takes one mark: A prompt, B input, C output, D finished with its exit code as the argument."""
        if letter not in "ABCD":
            return
        self.count += 1
        self.last = letter
        if letter == PROMPT:
            self.prompt_at = offset
        elif letter == OUTPUT:
            self.output_at = offset
        elif letter == FINISHED:
            self.finished_at = offset
            self.exit_code = _exit_code(argument)

    def set_command(self, text: str) -> None:
        """633;E: the command line that is about to run."""
        plain = _HEX_ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else "\\", text)
        self.command = (
            plain[:MAX_COMMAND_LENGTH].encode("utf-8", "ignore")[:MAX_COMMAND_LENGTH].decode("utf-8", "ignore")
        )


def command_of(rest: str) -> str:
    """The command line that some shells put behind 133;C, "" without one."""
    for field in rest.split(";"):
        name, equals, value = field.partition("=")
        if equals and name == "cmdline_url":
            return _unquoted(value)
    return ""


def directory_of(reported: str, host: str) -> str:
    """The local directory behind what OSC 7 or 633 reported; "" when it is on another machine or no path."""
    if reported.startswith("file://"):
        where, slash, path = reported[len("file://") :].partition("/")
        return _unquoted(slash + path) if where.lower() in ("", "localhost", host.lower()) else ""
    return reported if reported.startswith("/") else ""


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote  # here: most sessions have no shell that marks, and it is on every daemon's way

    return unquote(text)


def _exit_code(text: str) -> int | None:
    digits = text.lstrip("-")
    if not 1 <= len(digits) <= 9 or not (digits.isascii() and digits.isdecimal()):
        return None
    return -int(digits) if text.startswith("-") else int(digits)
