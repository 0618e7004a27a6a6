"""What a wait looks for in text: literal text and regular expressions, over output that comes in pieces.

Owns the window that a match may span, and the offsets of what was found. Pure. Regular expressions are those of RE2,
whose time is linear in the text whatever the expression: nothing that a caller writes can hold the daemon up. (No
look-around and no back-references in it.)
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from operator import itemgetter
from typing import Any, Protocol

from roost.core.plain_text import Piece
from roost.errors import InvalidError

#: The longest stretch of text in which a match is found; also what is remembered.
WINDOW_BYTES = 64 * 1024
MAX_PATTERN_CHARACTERS = 2000
_PROGRAM_BYTES = 4 << 20
_BEGIN, _END = itemgetter(0), itemgetter(1)


class Pattern(Protocol):
    """Something to look for."""

    @property
    def reach(self) -> int:
        """How many bytes before a new piece a match may begin."""

    def find(self, text: bytes, start: int) -> Hit | None:
        """The first match that begins at or after a place."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a pattern was found in a text, and its groups; None for one that took no part."""

    start: int
    end: int
    groups: tuple[str | None, ...] = ()
    named: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A match in output: absolute offsets, its text, the whole line it begins in, its groups."""

    offset: int
    end_offset: int
    text: str
    line: str
    groups: tuple[str | None, ...] = ()
    named: tuple[tuple[str, str | None], ...] = ()


class Literal:
    """Exactly that text."""

    def __init__(self, text: str) -> None:
        if not text:
            raise InvalidError("an empty text is everywhere; give what to wait for")
        self._needle = text.encode()

    @property
    def reach(self) -> int:
        """Up to one byte less than the text is long."""
        return len(self._needle) - 1

    def find(self, text: bytes, start: int) -> Hit | None:
        """Where it is."""
        at = text.find(self._needle, start)
        return None if at < 0 else Hit(at, at + len(self._needle))


class Regex:
    """A regular expression. Lines are told apart only with (?m), case is with (?i) not."""

    def __init__(self, expression: str) -> None:
        self._compiled = _compile(expression)
        #: Names of groups with their numbers. RE2 has names in bytes when the expression is.
        self._names = [(_text(name) or "", number) for name, number in self._compiled.groupindex.items()]

    @property
    def reach(self) -> int:
        """Anywhere in the window."""
        return WINDOW_BYTES

    def find(self, text: bytes, start: int) -> Hit | None:
        """Its first match that is not empty."""
        found = self._compiled.search(text, start)
        while found is not None and found.start() == found.end():
            if found.end() >= len(text):
                return None
            found = self._compiled.search(text, found.end() + 1)
        if found is None:
            return None
        groups = tuple(_text(group) for group in found.groups())
        named = tuple((name, groups[number - 1]) for name, number in self._names)
        return Hit(found.start(), found.end(), groups, named)


def _text(group: str | bytes | None) -> str | None:
    return group.decode("utf-8", "replace") if isinstance(group, bytes) else group


@lru_cache(maxsize=64)
def _compile(expression: str) -> Any:
    if not expression:
        raise InvalidError("an empty expression matches everywhere; give what to wait for")
    if len(expression) > MAX_PATTERN_CHARACTERS:
        raise InvalidError(f"an expression has {MAX_PATTERN_CHARACTERS} characters at most, not {len(expression)}")
    re2 = import_module("re2")  # only when the first expression comes
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PROGRAM_BYTES
    try:
        return re2.compile(expression.encode(), options)
    except re2.error as error:
        why = error.args[0] if error.args else error
        shown = why.decode("utf-8", "replace") if isinstance(why, bytes) else why
        raise InvalidError(
            f"{expression!r} is no expression that can be used: {shown} "
            "(RE2 syntax: no look-around, no back-references)"
        ) from error


def repeats(copies: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether a match only repeats what stood there before: then it was found before. The stretches are in order."""
    at = bisect.bisect_right(copies, start, key=_BEGIN)
    return at > 0 and end <= copies[at - 1][1]


class TextWindow:
    """The newest text of some output, for patterns that may span its pieces. Places count from the first text on."""

    def __init__(self) -> None:
        self._pieces: list[tuple[int, Piece]] = []  # with the place of each piece's text
        self._text = b""
        self._gone = 0  # the place of the first byte of the text
        self._fresh = 0  # where the newest piece begins in the text
        self._rest = b""  # what stands on the line behind the text, for now
        self._copies: list[tuple[int, int]] = []

    def add(self, piece: Piece) -> None:
        """Take more text; the oldest that no match may reach any more is forgotten."""
        self._forget()
        self._fresh = len(self._text)
        self._rest = piece.rest
        place = self._gone + self._fresh
        self._copies += [(place + start, place + end) for start, end in piece.copies]
        if piece.text or piece.rest:
            self._pieces.append((place, piece))
            self._text += piece.text

    def cut(self) -> None:
        """What comes next does not follow on what was there: no match spans both."""
        self._pieces, self._text, self._gone, self._fresh = [], b"", 0, 0
        self._rest, self._copies = b"", []

    def _forget(self) -> None:
        copies, end = self._copies, self._gone + len(self._text)
        while copies and copies[-1][1] > end:  # those of a rest went with it
            copies.pop()
        old = 0
        while old < len(self._pieces) and end - self._pieces[old][0] - len(self._pieces[old][1].text) >= WINDOW_BYTES:
            old += 1
        if old:
            last, piece = self._pieces[old - 1]
            first = last + len(piece.text)
            self._text = self._text[first - self._gone :]
            self._gone = first
            del self._pieces[:old]
            del copies[: bisect.bisect_right(copies, first, key=_END)]

    def find(self, pattern: Pattern) -> Found | None:
        """A match that the newest piece has completed."""
        text = self._text + self._rest if self._rest else self._text
        hit = pattern.find(text, max(0, self._fresh - pattern.reach))
        gone = self._gone
        while hit is not None and self._copies and repeats(self._copies, gone + hit.start, gone + hit.end):
            hit = pattern.find(text, hit.start + 1)
        if hit is None:
            return None
        line_start = text.rfind(b"\n", 0, hit.start) + 1
        line_end = text.find(b"\n", hit.start)
        line = text[line_start : line_end if line_end >= 0 else len(text)]
        return Found(
            offset=self._locate(hit.start),
            end_offset=self._locate(hit.end - 1, behind=True),
            text=text[hit.start : hit.end].decode("utf-8", "replace"),
            line=line.decode("utf-8", "replace").strip("\r"),
            groups=hit.groups,
            named=hit.named,
        )

    def _locate(self, index: int, *, behind: bool = False) -> int:
        index += self._gone
        for at, piece in reversed(self._pieces):
            if at <= index:
                return piece.locate_end(index - at + 1) if behind else piece.locate(index - at)
        raise AssertionError("a match stands in the window")
