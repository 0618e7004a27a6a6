"""Where the keys of a TOML text stand: line numbers, which the standard parser does not tell.

Pure. The text must have been parsed without an error; what is in inline tables is not looked into.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

KeyPath = tuple[str | int, ...]

_SPACE = re.compile(r"[ \t]*")
_KEY_PART = re.compile(r"""[ \t]*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))[ \t]*(\.?)""")
#: What matters inside a value: strings of all four kinds, comments, brackets, ends of lines.
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[{]|[\]}]|\n',
    re.DOTALL,
)


def find_lines(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of every table header and key; a table in an array has its index in the path."""
    lines: dict[KeyPath, int] = {}
    arrays: dict[KeyPath, int] = {}
    table: KeyPath = ()
    at, line = 0, 1
    while at < len(text):
        start = at
        at = _end_of_statement(text, at)
        for path in _headers(text[start:at], arrays):
            table = path
            lines.setdefault(table, line)
        for key in _keys(text[start:at]):
            lines.setdefault(table + key, line)
        line += text.count("\n", start, at)
    return lines


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """The line of a key, or of the nearest thing around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _end_of_statement(text: str, at: int) -> int:
    """Behind the newline that ends a header, a key with its value, a comment or an empty line."""
    depth = 0
    for token in _TOKEN.finditer(text, at):
        found = token.group()
        if found in ("[", "{"):
            depth += 1
        elif found in ("]", "}"):
            depth -= 1
        elif found == "\n" and depth <= 0:
            return token.end()
    return len(text)


def _headers(statement: str, arrays: dict[KeyPath, int]) -> Iterator[KeyPath]:
    """The path of a table header; the elements of arrays are counted."""
    body = statement.strip()
    if not body.startswith("["):
        return
    is_element = body.startswith("[[")
    parts = _dotted(body, 2 if is_element else 1)
    path: KeyPath = ()
    for number, part in enumerate(parts, 1):
        path = (*path, part)
        if is_element and number == len(parts):
            arrays[path] = arrays.get(path, -1) + 1
        if path in arrays:
            path = (*path, arrays[path])
    yield path


def _keys(statement: str) -> Iterator[KeyPath]:
    """The path of a key and, of a dotted one, those of the tables that it makes."""
    at = _SPACE.match(statement)
    begin = at.end() if at else 0
    if statement[begin : begin + 1] in ("", "[", "#", "\n", "\r"):
        return
    parts = _dotted(statement, begin)
    for count in range(1, len(parts) + 1):
        yield tuple(parts[:count])


def _dotted(text: str, at: int) -> list[str]:
    parts = []
    while found := _KEY_PART.match(text, at):
        parts.append(next(group for group in found.groups()[:3] if group is not None))
        at = found.end()
        if not found[4]:
            break
    return parts
