"""Terminal output as plain text, piece by piece: what waits and `expect` look for text in.

Owns what is left out and what stands in its place; pure, bounded, and the same however the output was cut:
- escape sequences and control characters other than tab and line ends are left out; CR before LF too;
- moving the cursor to a place is a line end: text that is apart on the screen is not joined;
- what goes back into a line (backspaces, cursor movements, erasing, inserting) changes the line, as
  `roost.core.edited_line` tells; the changed line is a line of its own. A CR alone is a line end once something is
  written behind it; at the beginning of a line it is nothing;
- moving the cursor to the right behind the end of the line is that many blanks (programs write blanks so);
- with shell marks, what was typed at the prompt (between 133;B and 133;C) is left out.

As in the scanner an ESC ends whatever was under way. Offsets of the text lead back to offsets of the output.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from roost.core.edited_line import Run
from roost.core.line_cells import UNFINISHED_CHARACTER
from roost.core.plain_reading import STRING_OPENERS, Reading, first_edit, reduced, runs, without_sequences

#: A sequence whose end is still to come is kept up to this; of a longer one the rest is skipped.
MAX_UNFINISHED_BYTES = 4096

_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x18\x1a\x1b]*\x1b?|[PX^_][^\x18\x1a\x1b]*\x1b?|[ -/]*)?\Z")


class Piece:
    """The text of a stretch of output. Where a byte of it stands is worked out only when somebody asks.

    rest: what stands on the line behind the text as long as nothing more comes. copies: stretches of both that only
    repeat what stood there before: what is found wholly in one was found before.
    """

    __slots__ = ("_before", "copies", "offset", "raw", "rest", "text")

    def __init__(self, offset: int, raw: bytes, before: Reading) -> None:
        self.offset = offset
        self.text = b""
        self.rest = b""
        self.copies: list[tuple[int, int]] = []
        self.raw = raw
        self._before = before

    @property
    def end_offset(self) -> int:
        """Where the stretch ends in the output."""
        return self.offset + len(self.raw)

    def locate(self, index: int) -> int:
        """The offset in the output of a byte of the text; of its end, that of what comes next in the text."""
        passed = 0
        for run in runs(self.raw, self.offset, self._before_copy()):
            if index < passed + len(run.text):
                return run.start + (index - passed if len(run.text) == run.length else 0)
            passed += len(run.text)
        return self.end_offset

    def locate_end(self, index: int) -> int:
        """The offset in the output behind the first `index` bytes of the text."""
        passed = 0
        for run in runs(self.raw, self.offset, self._before_copy()):
            if passed < index <= passed + len(run.text):
                return run.start + (index - passed if len(run.text) == run.length else run.length)
            passed += len(run.text)
        return self.end_offset if index else self.offset

    def resume(self, index: int) -> PlainText:
        """What reads on behind the first `index` bytes of the text (and of the rest)."""
        offset = self.locate_end(index)
        plain = PlainText(offset)
        plain.reading = reading = self._before_copy()
        for run in runs(self.raw[: offset - self.offset], self.offset, reading):
            index -= len(run.text)
        if index > 0 and self.rest and offset == self.end_offset:
            reading.line.settle(offset)
        elif index > 0:  # the line end of a carriage return, which comes with what is behind it
            for _run in reading.line.write(b"", offset):
                pass
        reading.close()
        return plain

    def _before_copy(self) -> Reading:
        reading = self._before.copy()
        reading.open()
        return reading


class PlainText:
    """Takes output in order, gives its text. `typing` says that the output is at a prompt, behind its mark."""

    def __init__(self, offset: int, *, typing: bool = False) -> None:
        self.offset = offset
        self.reading = Reading(typing=typing)
        self._tail = b""
        self._skipping = False  # the rest of a string that was too long to keep

    def copy(self) -> PlainText:
        """One that goes its own way."""
        plain = PlainText(self.offset)
        plain.reading, plain._tail, plain._skipping = self.reading.copy(), self._tail, self._skipping
        return plain

    @property
    def typing(self) -> bool:
        """Whether what comes next is typed at a prompt, as far as marks say."""
        return self.reading.typing

    def lapped(self, offset: int) -> None:
        """Output up to that offset was lost."""
        at_start, typing = self.reading.at_start and not self.reading.returned, self.typing
        self.offset = offset
        self.reading = Reading(typing=typing)
        self.reading.at_start = self.reading.line.at_start = at_start
        self._tail = b""
        self._skipping = False

    def feed(self, data: bytes) -> Piece:
        """The text in the next bytes."""
        base = self.offset - len(self._tail)
        self.offset += len(data)
        data, self._tail = self._tail + data, b""
        start = self._skip(data) if self._skipping else 0
        raw = data[start : self._unfinished(data, start)]
        piece = Piece(base + start, raw, self.reading.copy())
        if b"\x1b" in raw or b"\x08" in raw or self.reading.typing or self.reading.line.edited:
            self._read(piece, raw)
        else:
            piece.text = self.reading.without_returns(without_sequences(raw))
            self.reading.passed(raw, raw)
        return piece

    def _skip(self, data: bytes) -> int:
        found = re.search(rb"[\x07\x18\x1a\x1b]", data)
        if found is None:
            return len(data)
        self._skipping = False
        return found.start() if found[0] == b"\x1b" else found.end()

    def _unfinished(self, data: bytes, start: int) -> int:
        """Where the sequence begins whose end is still to come; it is kept for the next piece."""
        at = data.rfind(b"\x1b")
        if at > start and data[at:] == b"\x1b":  # perhaps the first half of a string's terminator
            opened = data.rfind(b"\x1b", start, at)
            if opened >= start and data[opened + 1] in STRING_OPENERS and _UNFINISHED.match(data, opened):
                at = opened
        found = _UNFINISHED.match(data, at) if at >= start else None
        if found is None:
            return len(data)
        if len(data) - found.start() <= MAX_UNFINISHED_BYTES:
            self._tail = data[found.start() :]
        else:
            self._skipping = True
        return found.start()

    def _whole_characters(self, raw: bytes) -> bytes:
        """The output up to where the last character begins of which not all is there: its columns may count."""
        begun = UNFINISHED_CHARACTER.search(raw) if raw[-1:] >= b"\x80" else None
        if begun is None or self._tail or self._skipping:
            return raw
        self._tail = begun[0]
        return raw[: begun.start()]

    def _read(self, piece: Piece, raw: bytes) -> None:
        """The text of output, with the way that each line of it needs."""
        reading, written, at = self.reading, _Written(), 0
        marked = reading.typing or b"133;" in raw or b"633;" in raw
        simple = reduced(raw)
        edit = reading.edits(simple)
        if not marked and edit is None and not reading.line.edited:
            piece.text = reading.without_returns(without_sequences(simple))
            reading.passed(raw, simple)
            return
        piece.raw = raw = self._whole_characters(raw)
        if marked:
            reading.open()
            written.take(runs(raw, piece.offset, reading))
            reading.close()
        else:
            while at < len(raw):
                if not reading.line.edited:
                    first = len(raw) if edit is None else first_edit(edit, raw, at)
                    if first > at:
                        simple = reduced(raw[at:first])
                        written.add(reading.without_returns(without_sequences(simple)))
                        reading.passed(raw[at:first], simple)
                    if first == len(raw):
                        break
                    at = first
                reading.open()
                at = written.take_line(raw, piece.offset, reading, at)
                reading.close()
        piece.text, piece.copies = written.text(), written.copies
        if reading.line.edited:
            piece.rest, again = reading.line.rest()
            if again:
                piece.copies.append((len(piece.text), len(piece.text) + again))


class _Written:
    """The text of a piece as it grows."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0
        self.copies: list[tuple[int, int]] = []

    def text(self) -> bytes:
        """All of it."""
        return b"".join(self._parts)

    def add(self, text: bytes, copied: int = 0) -> None:
        """More."""
        if copied:
            self.copies.append((self._length, self._length + copied))
        self._parts.append(text)
        self._length += len(text)

    def take(self, runs: Iterable[Run]) -> None:
        """All of these."""
        for run in runs:
            self.add(run.text, run.copied)

    def take_line(self, raw: bytes, base: int, reading: Reading, at: int) -> int:
        """The rest of the line that was gone back into. Returns where what is behind it begins."""
        for run in runs(raw, base, reading, at):
            self.add(run.text, run.copied)
            if not reading.line.edited and run.text.endswith(b"\n"):
                return run.start + run.length - base
        return len(raw)
