"""Expecting: what a program writes is looked at from a cursor on, in the manner of pexpect, and no byte is lost between
two looks.

Owns the cursor, what was read beyond it, and what a match is; pure. The clients fetch the output (`wait.output`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from roost.client.results import OutputPiece
from roost.core.patterns import repeats
from roost.core.plain_text import Piece, PlainText
from roost.errors import InvalidError, WaitTimeoutError, WrongStateError

DEFAULT_TIMEOUT_S = 30.0
#: Read and not matched yet, at most; of more only the newer half is kept.
MAX_BUFFER_BYTES = 8 << 20
#: How far before new output a match may begin.
SEARCH_WINDOW_BYTES = 256 * 1024
#: How much of what was there an error shows.
_SHOWN_BYTES = 200


class _Special:
    """Something that may be expected besides text."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


#: Expected: the end of the session's output, and that nothing else came in time.
EOF = _Special("EOF")
TIMEOUT = _Special("TIMEOUT")

Expected: TypeAlias = "str | bytes | re.Pattern[str] | re.Pattern[bytes] | _Special"


@dataclass(frozen=True, slots=True)
class Match:
    """What was found. index: of the pattern among those given; pattern: it.

    before: the output since the cursor, up to the match; after: the match. [start, end): where the match stands, as
    offsets of the output; the cursor is at `end` now. groups: of the expression. missed: bytes between the cursor and
    the match that had left the ring. EOF and TIMEOUT match nothing, at the end of what there was.
    """

    index: int
    pattern: Any
    before: bytes
    after: bytes
    start: int
    end: int
    groups: tuple[bytes | None, ...] = ()
    named: tuple[tuple[str, bytes | None], ...] = ()
    missed: int = 0

    @property
    def text(self) -> str:
        """What was found, as text."""
        return self.after.decode("utf-8", "replace")

    def group(self, which: int | str = 0) -> bytes | None:
        """A group by its number or name; 0 is the match."""
        if isinstance(which, str):
            return dict(self.named)[which]
        return self.after if which == 0 else self.groups[which - 1]


class Cursor:
    """How far a session's output was looked at, and what was read behind that."""

    def __init__(self, offset: int = 0) -> None:
        self.offset = offset
        self.raw = b""
        self.missed = 0
        self.ended = False
        self.exit: Any = None
        #: What reads plain text on from the offset, if text before it was read.
        self.plain: PlainText | None = None

    @property
    def read_to(self) -> int:
        """Up to where output was read."""
        return self.offset + len(self.raw)

    def move(self, offset: int) -> None:
        """Look from another offset on."""
        if offset < 0:
            raise InvalidError(f"{offset} is no offset; they count from 0")
        self.__init__(offset)  # type: ignore[misc]


class Expectation:
    """One look for several patterns, until one of them is found."""

    def __init__(
        self, name: str, cursor: Cursor, patterns: Expected | Sequence[Expected], *, exact: bool, plain: bool
    ) -> None:
        """`plain`: in the output without escape sequences."""
        given = [patterns] if isinstance(patterns, str | bytes | re.Pattern | _Special) else list(patterns)
        if not given:
            raise InvalidError("nothing is expected; give at least one pattern")
        self._name = name
        self._given = given
        self._cursor = cursor
        self._patterns = [
            (index, _compiled(pattern, exact=exact))
            for index, pattern in enumerate(given)
            if not isinstance(pattern, _Special)
        ]
        self._plain = None
        if plain:
            self._plain = cursor.plain.copy() if cursor.plain is not None else PlainText(cursor.offset)
        self._text = b""
        self._rest = b""  # what stands on the line behind the text, for now
        self._copies: list[tuple[int, int]] = []
        self._places: list[tuple[int, Piece]] = []  # where the text of each plain piece begins
        self._searched = 0
        if cursor.raw:
            self._add(cursor.raw)

    @property
    def next_offset(self) -> int:
        """From where to read on."""
        return self._cursor.read_to

    def feed(self, piece: OutputPiece) -> None:
        """Output that was read from `next_offset` on."""
        cursor = self._cursor
        cursor.ended, cursor.exit = piece.ended, piece.exit
        if piece.missed:
            self._lapped(piece)
        cursor.raw += piece.data
        self._add(piece.data)

    def _lapped(self, piece: OutputPiece) -> None:
        """A hole: what was read before it cannot be part of a match any more."""
        self._cursor.missed += piece.missed + len(self._cursor.raw)
        self._cursor.offset, self._cursor.raw = piece.start_offset, b""
        self._restart(piece.start_offset)
        self._searched = 0

    def _restart(self, offset: int) -> None:
        """Nothing that was read is of use for what follows."""
        self._text, self._rest, self._places, self._copies = b"", b"", [], []
        self._cursor.plain = None
        if self._plain is not None:
            self._plain = PlainText(offset)

    def _add(self, data: bytes) -> None:
        if self._plain is None:
            self._text += data
        else:
            piece = self._plain.feed(data)
            length = len(self._text)
            self._places.append((length, piece))
            while self._copies and self._copies[-1][1] > length:  # those of a rest went with it
                self._copies.pop()
            self._copies += [(length + start, length + end) for start, end in piece.copies]
            self._text += piece.text
            self._rest = piece.rest
        if len(self._cursor.raw) > MAX_BUFFER_BYTES:
            self._forget_half()

    def _forget_half(self) -> None:
        cursor = self._cursor
        gone = len(cursor.raw) // 2
        cursor.raw = cursor.raw[gone:]
        cursor.offset += gone
        cursor.missed += gone
        self._restart(cursor.offset)
        self._add(cursor.raw)
        self._searched = len(self._text)

    # --- looking ----------------------------------------------------------------------------------------------------

    def look(self) -> Match | None:
        """The match, if there is one by now: the earliest in the output, of several there the one given first."""
        start = max(0, self._searched - SEARCH_WINDOW_BYTES)
        best: tuple[int, int, re.Match[bytes]] | None = None
        text = self._text + self._rest if self._rest else self._text
        for index, pattern in self._patterns:
            found = pattern.search(text, start)
            while found is not None and self._copies and repeats(self._copies, *found.span()):
                found = pattern.search(text, found.start() + 1)
            if found is not None and (best is None or found.start() < best[0]):
                best = (found.start(), index, found)
        self._searched = len(self._text)
        if best is not None:
            return self._matched(best[1], best[2])
        if self._cursor.ended:
            return self._nothing_more(EOF)
        return None

    def timed_out(self) -> Match:
        """Nothing came in time: TIMEOUT's match, or WaitTimeoutError. The cursor stays where it is."""
        match = self._special(TIMEOUT)
        if match is None:
            raise WaitTimeoutError(f"{self._name}: {self._wanted()} did not come in time; {self._there()}")
        return match

    def _matched(self, index: int, found: re.Match[bytes]) -> Match:
        cursor = self._cursor
        start, end = self._locate(found.start()), self._locate(found.end(), behind=True)
        named = tuple((name, found[name]) for name in found.re.groupindex)
        match = Match(
            index=index,
            pattern=self._given[index],
            before=found.string[: found.start()],
            after=found[0],
            start=start,
            end=end,
            groups=found.groups(),
            named=named,
            missed=cursor.missed,
        )
        cursor.raw = cursor.raw[end - cursor.offset :]
        cursor.offset, cursor.missed = end, 0
        cursor.plain = None if self._plain is None else self._resumed(found.end())
        return match

    def _locate(self, index: int, *, behind: bool = False) -> int:
        if self._plain is None:
            return self._cursor.offset + index
        at, piece = self._piece_of(index - 1 if behind and index else index)
        return piece.locate_end(index - at) if behind else piece.locate(index - at)

    def _piece_of(self, index: int) -> tuple[int, Piece]:
        """The piece in which a byte of the text stands, and where its text begins. Of the rest, the newest."""
        return next((at, piece) for at, piece in reversed(self._places) if at <= index)

    def _resumed(self, index: int) -> PlainText:
        """What reads on behind a match that ends there."""
        at, piece = self._piece_of(max(0, index - 1))
        return piece.resume(index - at)

    def _nothing_more(self, special: _Special) -> Match:
        match = self._special(special)
        if match is None:
            how = f"with code {self._cursor.exit['code']}" if self._cursor.exit else "or closed its output"
            raise WrongStateError(f"{self._name} exited {how} before {self._wanted()} came; {self._there()}")
        return match

    def _special(self, special: _Special) -> Match | None:
        if special not in self._given:
            return None
        end, index = self._cursor.read_to, self._given.index(special)
        return Match(index, special, self._text, b"", end, end, missed=self._cursor.missed)

    def _wanted(self) -> str:
        return " or ".join(_shown(pattern) for pattern in self._given)

    def _there(self) -> str:
        return f"there was {self._text[-_SHOWN_BYTES:]!r}" if self._text else "there was nothing"


def _compiled(pattern: Any, *, exact: bool) -> re.Pattern[bytes]:
    """As pexpect: `.` is any byte, line ends too."""
    if isinstance(pattern, re.Pattern):
        if isinstance(pattern.pattern, bytes):
            return pattern
        return re.compile(pattern.pattern.encode(), pattern.flags & ~re.UNICODE)
    if not isinstance(pattern, str | bytes):
        raise InvalidError(f"{pattern!r} cannot be expected; give text, an expression, EOF or TIMEOUT")
    data = pattern.encode() if isinstance(pattern, str) else pattern
    if not data:
        raise InvalidError("an empty pattern is everywhere; give what is expected")
    try:
        return re.compile(re.escape(data) if exact else data, re.DOTALL)
    except re.error as error:
        raise InvalidError(f"{pattern!r} is no regular expression: {error}") from error


def _shown(pattern: Any) -> str:
    return repr(pattern.pattern if isinstance(pattern, re.Pattern) else pattern)


def screen_conditions(patterns: Expected | Sequence[Expected], *, exact: bool) -> list[str]:
    """The patterns as conditions about the screen. Raises InvalidError for what a screen cannot be asked."""
    given = [patterns] if isinstance(patterns, str | bytes | re.Pattern | _Special) else list(patterns)
    kind = "screen-text" if exact else "screen-regex"
    conditions = []
    for pattern in given:
        if not isinstance(pattern, str):
            raise InvalidError(f"{pattern!r} cannot be looked for on a screen; give text")
        conditions.append(f"{kind}={pattern}")
    return conditions
