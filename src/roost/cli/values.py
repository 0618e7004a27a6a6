"""How values on the command line are read.

Owns the pairs and signals, and the click types around `roost.core.durations`. A value that cannot be read is a usage
error whose text says what would do.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import click

from roost.core.durations import parse_bytes, parse_duration, parse_winsize
from roost.core.sizing import MAX_SIZE
from roost.errors import InvalidError


class Parsed(click.ParamType[Any]):
    """A value read by a function that raises InvalidError for what it cannot use."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value behind a text; values that are none (defaults) pass."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except InvalidError as error:
            self.fail(error.message, param, ctx)


def parse_pair(text: str) -> tuple[str, str]:
    """Key and value of `KEY=VALUE`; the value may be empty and may hold further `=`."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise InvalidError(f"{text!r} is no pair; write KEY=VALUE")
    return key, value


def parse_size(text: str) -> tuple[int, int]:
    """Rows and columns of `40x120`, each at least 1."""
    rows, cols = parse_winsize(text)
    if not (rows and cols):
        raise InvalidError(f"{text!r} cannot be a terminal size: rows and columns go from 1 to {MAX_SIZE}")
    return rows, cols


def parse_capacity(text: str) -> int:
    """Bytes that something may hold, at least 1."""
    size_bytes = parse_bytes(text)
    if not size_bytes:
        raise InvalidError(f"{text!r} bytes would hold nothing; write for example 64M")
    return size_bytes


def parse_signal(text: str) -> int:
    """The number of a signal written as `INT`, `SIGINT`, `int` or `2`."""
    name = text.strip().upper()
    if name.isascii() and name.isdigit():
        if int(name) in {*signal.valid_signals()} or int(name) == 0:
            return int(name)
    else:
        number = getattr(signal, name if name.startswith("SIG") else f"SIG{name}", None)
        if isinstance(number, signal.Signals):
            return int(number)
    raise InvalidError(f"{text!r} is no signal; write a name or number of `kill -l`, for example INT or 2")


BYTES = Parsed("size", parse_capacity)
DURATION = Parsed("duration", parse_duration)
PAIR = Parsed("key=value", parse_pair)
SIGNAL = Parsed("signal", parse_signal)
SIZE = Parsed("rowsxcols", parse_size)
