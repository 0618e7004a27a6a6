"""What a value in a TOML file must be: readers that return it as it is used, or say what was expected. Pure.

Owns no keys: the files' own modules do. A reader takes the value as the parser gave it and raises InvalidError.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Sequence
from typing import Any

from roost.core.durations import parse_bytes, parse_duration
from roost.core.toml_lines import KeyPath, find_lines
from roost.errors import InvalidError

_MOST_S = (1 << 32) / 1000
_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def parse_toml(text: str, file: str) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """The values of a file and the lines of its keys. Raises InvalidError with file and line for what is no TOML."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _AT.search(str(error))
        line = int(at[1]) if at and at[1] else text.count("\n") + 1
        raise InvalidError(f"{file}:{line}: no TOML: {_AT.sub('', str(error))}") from error
    return values, find_lines(text)


def said(value: Any) -> str:
    """What kind of value that is, for messages."""
    kinds = {bool: "a boolean", int: "a number", float: "a fraction", str: "a string", list: "a list", dict: "a table"}
    return kinds.get(type(value), "a date or time")


def a_kind(kind: type, words: str) -> Callable[[Any], Any]:
    """A value of exactly that type; `words` say it to people."""

    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise InvalidError(f"must be {words}, not {said(value)}")
        return value

    return read


text: Callable[[Any], str] = a_kind(str, "a string")
whole: Callable[[Any], int] = a_kind(int, "a whole number")
flag: Callable[[Any], bool] = a_kind(bool, "true or false")


def filled(value: Any) -> str:
    """A text that is not empty."""
    if not text(value).strip():
        raise InvalidError("must not be empty")
    return str(value)


def texts(value: Any) -> tuple[str, ...]:
    """A text or a list of them, none of them empty."""
    if isinstance(value, str):
        return (filled(value),)
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise InvalidError("must be a string or a list of strings, none of them empty")
    return tuple(value)


class SeveralError(InvalidError):
    """Several items of a list cannot be used; `messages` has one for each."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = tuple(messages)


def each(read: Callable[[str], str]) -> Callable[[Any], tuple[str, ...]]:
    """A text or a list of them, each as `read` wants it; every one that is not is told."""

    def read_all(value: Any) -> tuple[str, ...]:
        found: list[str] = []
        wrong: list[str] = []
        for item in texts(value):
            try:
                found.append(read(item))
            except InvalidError as error:
                wrong.append(error.message)
        if wrong:
            raise SeveralError(wrong)
        return tuple(found)

    return read_all


def one_of(words: tuple[str, ...]) -> Callable[[Any], str]:
    """One of those words."""

    def read(value: Any) -> str:
        if value not in words:
            raise InvalidError(f"must be {', '.join(map(repr, words[:-1]))} or {words[-1]!r}, not {value!r}")
        return str(value)

    return read


def count(value: Any) -> int:
    """A whole number from 0 on."""
    if whole(value) < 0:
        raise InvalidError("must be 0 or more")
    return int(value)


def positive(value: Any) -> int:
    """A whole number from 1 on."""
    if whole(value) < 1:
        raise InvalidError("must be 1 or more")
    return int(value)


def between(least: int, most: int) -> Callable[[Any], int]:
    """A whole number within those limits."""

    def read(value: Any) -> int:
        if not least <= whole(value) <= most:
            raise InvalidError(f"must be from {least} to {most}, not {value}")
        return int(value)

    return read


def seconds(value: Any) -> float:
    """A length of time, in seconds or as people write it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidError(f'must be seconds or a duration like "500ms", not {said(value)}')
    found = parse_duration(value) if isinstance(value, str) else float(value)
    if not 0 <= found < _MOST_S:
        raise InvalidError(f"must be from 0 to {int(_MOST_S)} seconds")
    return found


def milliseconds(value: Any) -> int:
    """A length of time of at least a millisecond, in milliseconds."""
    found = round(seconds(value) * 1000)
    if found < 1:
        raise InvalidError("must be 1ms or more")
    return found


def some_seconds(value: Any) -> float:
    """A length of time of at least a millisecond, in seconds."""
    return milliseconds(value) / 1000


def size(value: Any) -> int:
    """A number of bytes, as a number or as people write it."""
    found = parse_bytes(value) if isinstance(value, str) else positive(value)
    if found < 1:
        raise InvalidError("must be 1 byte or more")
    return found


def absolute_path(home: str) -> Callable[[Any], str]:
    """A path that does not depend on a working directory; `~` is that home."""

    def read(value: Any) -> str:
        path = filled(value)
        if "\0" in path:
            raise InvalidError("must not contain a NUL")
        if path == "~" or path.startswith("~/"):
            path = home + path[1:]
        if not path.startswith("/"):
            raise InvalidError(f"must be an absolute path or begin with ~/, not {value!r}")
        return os.path.normpath(path)

    return read
