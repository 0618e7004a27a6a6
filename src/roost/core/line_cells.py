"""The cells of one line of a terminal: characters in columns.

Owns how characters take columns, and what happens to those that are changed in half. Pure. A cell is the bytes of one
character with whatever combines with it; one of several columns (wide letters, a tab) is followed by empty cells.
What changes cells returns the first column that is something else now.
"""

from __future__ import annotations

import re

from roost.core.width import letter_width

#: How much of a line is kept; of a longer one the older half is forgotten, and no cursor goes back there.
MAX_LINE_CELLS = 4096

_TAB_COLUMNS = 8
_MAX_CELL_BYTES = 64
CHARACTER = re.compile(
    rb"[\x00-\x7f]|[\xc0-\xdf][\x80-\xbf]?|[\xe0-\xef][\x80-\xbf]{0,2}|[\xf0-\xff][\x80-\xbf]{0,3}|[\x80-\xbf]"
)
#: The beginning of a character at the end of a piece of output.
UNFINISHED_CHARACTER = re.compile(rb"(?:[\xc0-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xff][\x80-\xbf]{0,2})\Z")
_SIMPLE = re.compile(rb"[\x20-\x7e]*")
_ONE = tuple(bytes((code,)) for code in range(128))


class LineCells:
    """See the module."""

    __slots__ = ("cells",)

    def __init__(self, text: bytes = b"") -> None:
        self.cells: list[bytes] = []
        if _SIMPLE.fullmatch(text):
            self.cells = [_ONE[code] for code in text]
            return
        for character in CHARACTER.findall(text):
            width = width_of(character, len(self.cells))
            if width:
                self.put(len(self.cells), character, width)
            else:
                self.combine(len(self.cells) - 1, character)

    def copy(self) -> LineCells:
        """One that goes its own way."""
        copied = LineCells()
        copied.cells = list(self.cells)
        return copied

    def __len__(self) -> int:
        return len(self.cells)

    def text(self, first: int = 0, last: int | None = None) -> bytes:
        """What stands in columns."""
        return b"".join(self.cells[first:last])

    def stands(self, column: int, character: bytes, width: int) -> bool:
        """Whether that is what stands there."""
        return self.cells[column : column + width] == [character, *[b""] * (width - 1)]

    def put(self, column: int, character: bytes, width: int) -> int:
        """A character, in the place of what is there."""
        first = min(column, self._split(column))
        self._split(column + width)
        self.cells[column : column + width] = [character, *[b""] * (width - 1)]
        return first

    def put_simple(self, column: int, text: bytes) -> bool:
        """Text of one column a byte, unless wide characters are in the way."""
        end = column + len(text)
        if b"" in self.cells[column : end + 1]:
            return False
        self.cells[column:end] = [_ONE[code] for code in text]
        return True

    def combine(self, column: int, character: bytes) -> int | None:
        """A character without a column of its own belongs to what stands there."""
        if not 0 <= column < len(self.cells):
            return None
        column = self._start(column)
        if len(self.cells[column]) > _MAX_CELL_BYTES:
            return None
        self.cells[column] += character
        return column

    def reach(self, column: int, under: list[bytes]) -> None:
        """Have cells up to there: what is under them, else blanks."""
        if column > len(self.cells):
            self.cells += under[len(self.cells) : column]
            self.cells += [b" "] * (column - len(self.cells))

    def erase(self, first: int, last: int) -> int | None:
        """Blanks from one column up to before another."""
        last = min(last, len(self.cells))
        if first >= last:
            return None
        changed = self._split(first)
        self._split(last)
        self.cells[first:last] = [b" "] * (last - first)
        return changed

    def cut(self, column: int) -> int | None:
        """Nothing from there on."""
        if column >= len(self.cells):
            return None
        changed = self._split(column)
        del self.cells[column:]
        return changed

    def delete(self, column: int, count: int) -> int | None:
        """So many columns go; those behind them close up."""
        if column >= len(self.cells):
            return None
        changed = self._split(column)
        self._split(column + count)
        del self.cells[column : column + count]
        return changed

    def insert(self, column: int, count: int) -> int | None:
        """So many blanks; what is there moves to the right."""
        if column >= len(self.cells):
            return None
        changed = self._split(column)
        self.cells[column:column] = [b" "] * count
        return changed

    def forget_half(self) -> int:
        """Forget the beginning of a line that has become too long. Returns how many columns went."""
        if len(self.cells) <= MAX_LINE_CELLS:
            return 0
        gone = len(self.cells) - MAX_LINE_CELLS // 2
        del self.cells[:gone]
        return gone

    def _start(self, column: int) -> int:
        """Where the character begins that stands in a column."""
        while column and not self.cells[column]:
            column -= 1
        return column

    def _split(self, column: int) -> int:
        """Blanks for a character whose second half is changed from there on. Returns where the change begins."""
        if not 0 < column < len(self.cells) or self.cells[column]:
            return column
        start = end = self._start(column)
        end += 1
        while end < len(self.cells) and not self.cells[end]:
            end += 1
        self.cells[start:end] = [b" "] * (end - start)
        return start


def width_of(character: bytes, column: int) -> int:
    """How many columns a character takes there."""
    if character == b"\t":
        return _TAB_COLUMNS - column % _TAB_COLUMNS
    if character < b"\x80":
        return 1
    try:
        return letter_width(character.decode())
    except UnicodeDecodeError:
        return 1
