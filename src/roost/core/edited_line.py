"""One line of output that programs go back into: backspaces, carriage returns, erasing, inserting, overwriting.

Owns where the cursor stands, and how much of the line has been given away as text. Pure. Nothing that was given away is
taken back; where a line is changed it is given once more, as a line of its own:

- What is written behind the text so far is added to it. What is written into it begins the line anew: a line end, what
  stands before the cursor, then what is written. What still stands behind the cursor is added once the line is left, by
  a line end or a carriage return; until then it is the `rest`.
- Writing what is there already is a movement. A blank over something erases it, as erasing does: the change is given
  away with the next thing that is written or when the line is left, and never where nothing remains.
- Behind a carriage return a line that is written from its first column stands for itself: what it does not cover is no
  part of it. What it covers comes back where the cursor is moved over it.

Columns count from where the line is known: the width of the terminal is not, so a line that wraps is left as programs
leave it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from roost.core.line_cells import CHARACTER, MAX_LINE_CELLS, LineCells, width_of

#: What changes of lines may repeat: so many bytes at once, and so many for each byte of output.
MAX_REPEATED_BYTES = 64 * 1024
REPEATED_PER_BYTE = 16

_NEVER = 1 << 60
_SIMPLE = re.compile(rb"[\x20-\x7e]+")
_NOTHING = (b"", 0)


class Run(NamedTuple):
    """A stretch of output, from `start` on, and its text. The first `copied` bytes of that stood so before."""

    start: int
    length: int
    text: bytes
    copied: int = 0


class EditedLine:
    """See the module. at_start: nothing of the line was given away. returned: a carriage return was the last movement.
    placed: the cursor was put somewhere, and nobody knows which column the line begins in.

    What gives something away returns the text, and how much of it, from its beginning on, only repeats.
    """

    def __init__(self, credit: tuple[int, int] = (0, MAX_REPEATED_BYTES), *, placed: bool = False) -> None:
        self.at_start = True
        self.returned = False
        self.placed = placed
        # While nothing was changed the line is its text, and cells are not made.
        self._plain = b""
        self._made: LineCells | None = None
        self._under: list[bytes] = []  # what stood on the line before the newest carriage return
        self._column = 0
        self._shown = 0  # cells that were given away since the line was begun anew
        self._stale = _NEVER  # the first of them that is something else by now
        self._fresh = _NEVER  # the first cell behind those that stood nowhere before
        self._credit = credit  # at which byte of output, how much may be repeated

    def copy(self) -> EditedLine:
        """One that goes its own way."""
        line = EditedLine.__new__(EditedLine)
        line.__dict__.update(self.__dict__)
        line._made = None if self._made is None else self._made.copy()
        return line

    @property
    def edited(self) -> bool:
        """Whether more is known of the line than that it ends in its text."""
        return self._made is not None or self.returned

    # --- what is given away -----------------------------------------------------------------------------------------

    def rest(self) -> tuple[bytes, int]:
        """What stands on the line and was not given away."""
        cells = self._made
        if cells is None:
            return _NOTHING
        if self._stale == _NEVER:
            text = cells.text(self._shown).rstrip(b" ")
            return text, min(len(text), len(cells.text(self._shown, self._fresh)))
        text = cells.text().rstrip(b" ")
        if not text:
            return _NOTHING
        text, end = self._line_end() + text, len(self._line_end())
        return text, min(len(text), end + len(cells.text(0, self._stale)))

    def settle(self, at: int) -> tuple[bytes, int]:
        """Give the rest away."""
        text, copied = self.rest()
        if text:
            self._stale = self._fresh = _NEVER
            self._shown = len(self._cells)
            self.at_start = False
            if not self._may_repeat(at, len(text)):
                return _NOTHING
        return text, copied

    def end(self, at: int, *, placed: bool = False) -> tuple[bytes, int]:
        """A line end, or the cursor was put somewhere: this is the next line now."""
        text, copied = self.settle(at)
        self.__init__(self._credit, placed=placed)  # type: ignore[misc]
        return text + b"\n", copied

    def _line_end(self) -> bytes:
        return b"" if self.at_start else b"\n"

    def _may_repeat(self, at: int, count: int) -> bool:
        """Whether so much may be repeated: what a program can cause by a few bytes is bounded."""
        since, left = self._credit
        left = min(MAX_REPEATED_BYTES, left + REPEATED_PER_BYTE * max(0, at - since))
        self._credit = (at, max(0, left - count))
        return count <= left

    # --- writing ----------------------------------------------------------------------------------------------------

    def write(self, text: bytes, at: int) -> Iterator[Run]:
        """Text without controls but tabs, at that byte of the output."""
        if self.returned and not self._column:
            yield from self._begin_anew(at)
        if self._made is None:
            self._append(text)
            yield Run(at, len(text), text)
            return
        place = 0
        while place < len(text):
            simple = _SIMPLE.match(text, place) if self._stale == _NEVER and self._column == self._shown else None
            if simple is not None and (count := self._go_on(simple[0])):
                yield Run(at + place, count, simple[0][:count])
                place += count
                continue
            found = CHARACTER.match(text, place)
            assert found is not None
            shown, copied = self._put(found[0], at + place)
            if shown:
                yield Run(at + place, len(found[0]), shown, copied)
            place = found.end()

    def _append(self, text: bytes) -> None:
        """More of a line that nobody went back into."""
        self.at_start = False
        self._plain += text
        if len(self._plain) > MAX_LINE_CELLS:
            self._plain = self._plain[-MAX_LINE_CELLS // 2 :]

    def _begin_anew(self, at: int) -> Iterator[Run]:
        """Something comes behind a carriage return, which is a line end now."""
        begun = not self.at_start
        text, copied = self.settle(at) if begun else _NOTHING
        before = self._cells.cells
        self.returned = False
        self._under = before + self._under[len(before) :]
        self._made, self._shown = LineCells(), 0
        self._stale = self._fresh = _NEVER
        self.at_start = True
        if begun:
            yield Run(at, 0, text + b"\n", copied)

    def _go_on(self, text: bytes) -> int:
        """Simple text behind what was given away. Returns how much of it went that way."""
        text = text[: MAX_LINE_CELLS + 1 - self._column]
        if not self._cells.put_simple(self._column, text):
            return 0
        self._column += len(text)
        self._shown = self._column
        if self._fresh < self._shown:
            self._fresh = _NEVER
        self.at_start = False
        self._bound()
        return len(text)

    def _put(self, character: bytes, at: int) -> tuple[bytes, int]:
        """One character at the cursor. What that gives away ends with the character, or is nothing."""
        cells, column = self._cells, self._column
        width = width_of(character, column)
        if not width:
            return self._combine(character)
        if column < len(cells) and character == b"\t":
            self._column = min(column + width, len(cells))
            return _NOTHING
        self._column = column + width
        if self._column <= min(self._shown, self._stale) and cells.stands(column, character, width):
            return _NOTHING
        cells.reach(column, self._under)
        first = cells.put(column, character, width)
        if first < column:
            self._changed(first)
        if column < self._shown or self._stale != _NEVER:
            if character == b" ":
                self._stale = min(self._stale, column)
                return _NOTHING
            shown, copied = self._anew(column, at)
        else:
            shown = cells.text(self._shown, column)
            copied = len(cells.text(self._shown, min(column, self._fresh)))
        fresh = min(self._fresh, self._stale)
        self._fresh = fresh if fresh > self._column else _NEVER
        self._shown, self._stale, self.at_start = self._column, _NEVER, False
        self._bound()
        return shown + character, copied

    def _anew(self, column: int, at: int) -> tuple[bytes, int]:
        """The line up to a column, once more."""
        end, before = self._line_end(), self._cells.text(0, column)
        if not self._may_repeat(at, len(before)):
            return end, len(end)
        return end + before, len(end) + len(self._cells.text(0, min(column, self._stale)))

    def _combine(self, character: bytes) -> tuple[bytes, int]:
        """A character without a column of its own belongs to the one before it."""
        column = self._cells.combine(self._column - 1, character)
        if column is None:
            return _NOTHING
        if self._stale == _NEVER and self._column == self._shown:
            return character, 0
        self._changed(column)
        return _NOTHING

    # --- moving and changing ----------------------------------------------------------------------------------------

    def carriage_return(self, at: int) -> tuple[bytes, int]:
        """To the first column."""
        known = not self.placed or self.at_start
        cells = self._made if known else self._cells
        self.returned, self.placed = True, False
        self._column = 0
        given = self.settle(at)
        if cells is not None and not known:  # what the cursor goes over is not where it seems to be
            self._made, self._under, self._fresh = LineCells(), [], _NEVER
            self._shown, self._stale = 1, 0
        return given

    def left(self, count: int) -> None:
        """So many columns back."""
        self._column = max(0, self._opened() - count)

    def right(self, count: int) -> tuple[bytes, int]:
        """So many columns on: over what is there, then over blanks, which are text if the line is at its end."""
        if self._made is None and not self.returned:
            self._append(b" " * count)
            return b" " * count, 0
        column, cells = self._opened(), self._cells
        at_end = self._stale == _NEVER and column == self._shown == len(cells)
        self._column += count
        self.returned = False
        if self._column <= len(cells):
            return _NOTHING
        again = len(b"".join(self._under[len(cells) : self._column]))
        cells.reach(self._column, self._under)
        text = b""
        if at_end:
            text = cells.text(self._shown)
            self._shown, self.at_start = len(cells), False
        self._bound()
        return text, min(again, len(text))

    def to_column(self, column: int) -> None:
        """To a column, counted from 0."""
        self._opened()
        self._column = min(column, MAX_LINE_CELLS // 2)
        self.returned = False

    def erase_behind(self) -> None:
        """The cursor and everything behind it."""
        if self._made is not None or self.returned:
            self._under = []
            self._changed(self._cells.cut(self._column))

    def erase_before(self) -> None:
        """Everything up to the cursor."""
        self._changed(self._cells.erase(0, self._opened() + 1))

    def erase_all(self) -> None:
        """The whole line; the cursor stays."""
        self._under = []
        self._changed(self._cells.erase(0, len(self._cells)))

    def erase_some(self, count: int) -> None:
        """So many columns from the cursor on."""
        column = self._opened()
        self._changed(self._cells.erase(column, column + count))

    def delete(self, count: int) -> None:
        """So many columns at the cursor go; what is behind them closes up."""
        self._changed(self._cells.delete(self._opened(), count))

    def insert(self, count: int) -> None:
        """So many blanks at the cursor."""
        self._changed(self._cells.insert(self._opened(), count))
        self._bound()

    # --- cells ------------------------------------------------------------------------------------------------------

    @property
    def _cells(self) -> LineCells:
        """The cells, which are made now if they were not needed before."""
        if self._made is None:
            self._made = LineCells(self._plain)
            self._plain = b""
            self._shown = len(self._made)
            if not self.returned:
                self._column = self._shown
        return self._made

    def _opened(self) -> int:
        """The cursor's column."""
        _ = self._cells
        return self._column

    def _changed(self, column: int | None) -> None:
        """From that column on something else stands there."""
        if column is None:
            return
        if column < self._shown:
            self._stale = min(self._stale, column)
        else:
            self._fresh = min(self._fresh, column)

    def _bound(self) -> None:
        gone = self._cells.forget_half()
        if gone:
            self._under = self._under[gone:]
            self._column = max(0, self._column - gone)
            self._shown = max(0, self._shown - gone)
            self._stale = _NEVER if self._stale == _NEVER else max(0, self._stale - gone)
            self._fresh = _NEVER if self._fresh == _NEVER else max(0, self._fresh - gone)
