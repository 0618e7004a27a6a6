"""How terminal output is read as text: sequence by sequence where lines are changed, else in a few steps for all of it.

Owns the sequences, what each means for the line, and where the text stands between two pieces. Pure. Both ways give the
same text; the first knows where each byte of it stands in the output, and is many times slower.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from roost.core.edited_line import EditedLine, Run
from roost.core.line_cells import MAX_LINE_CELLS

#: One movement or insertion counts for so many columns.
MAX_COLUMNS = 512

STRING_OPENERS = b"]PX^_"
_OSC = rb"\](?P<osc>[^\x07\x18\x1a\x1b]*)(?:\x07|\x1b\\|[\x18\x1a]|(?=\x1b))"
_OTHER_STRING = rb"[PX^_][^\x18\x1a\x1b]*(?:\x1b\\|[\x18\x1a]|(?=\x1b))"
_TOKEN = re.compile(
    rb"\x1b(?:"
    rb"\[(?P<parameters>[0-?]*)[ -/]*(?P<final>[@-~])"
    rb"|" + _OSC + rb"|" + _OTHER_STRING + rb"|[ -/]*[0-OQ-WYZ\\`-~]"
    rb"|(?:\[[0-?]*[ -/]*)?"
    rb")"
    rb"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]+"
)
_COLOURS = re.compile(rb"\x1b\[(?:[0-9;]*+m|K)")  # and erasing behind the end of a line
_PLACED = re.compile(rb"\x1b\[[0-9;]*+[HfdEFAB]")
_STRINGS = rb"|\x1b(?:" + _OSC.replace(b"?P<osc>", b"?:") + rb"|" + _OTHER_STRING + rb")"
#: What goes back into a line; and, in lines that a CR went back in, what moves over what is there.
_GOES_BACK = re.compile(rb"\x1b\[(?:[0-9;]*+[DGP@X`]|[12][JK])")
_GOES_BACK_OR_RIGHT = re.compile(rb"\x1b\[(?:[0-9;]*+[CDGP@X`]|[12][JK])")
_EDIT = re.compile(rb"(?P<edit>\x08|" + _GOES_BACK.pattern + rb")" + _STRINGS)
_EDIT_OR_RIGHT = re.compile(rb"(?P<edit>\x08|" + _GOES_BACK_OR_RIGHT.pattern + rb")" + _STRINGS)
_LINE_END = re.compile(rb"(?P<end>\n)" + _STRINGS)
_STRING = re.compile(rb"\x1b[]PX^_]")
_PARTS = re.compile(rb"\r+|\n|[^\r\n]+")
_RETURNS = re.compile(rb"\r+")
_BARE_RETURN = re.compile(rb"\r(?!\n)")
_RETURNS_AND_FEED = re.compile(rb"\r+\n")
_RETURNS_AT_START = re.compile(rb"(?<=\n)\r+")
_CONTROLS = bytes(code for code in range(32) if code not in (9, 10, 13)) + b"\x7f"
_TO_A_PLACE = b"HfdEFAB"
_MARKS = (b"A", b"B", b"C", b"D")


class Reading:
    """Where the text stands. typing: what comes is being typed at a prompt. `line` is never changed once `behind` or a
    piece refers to it: it is the line as it was before `behind`, which came since and has not been followed yet."""

    __slots__ = ("at_start", "behind", "line", "returned", "typing")

    def __init__(self, *, typing: bool) -> None:
        self.typing = typing
        self.line = EditedLine()
        self.behind = b""
        # Of the line with `behind`: whether it is empty so far, and whether the cursor was returned to its beginning.
        self.at_start = True
        self.returned = False

    def copy(self) -> Reading:
        """One that goes its own way."""
        reading = Reading.__new__(Reading)
        reading.typing, reading.line, reading.behind = self.typing, self.line, self.behind
        reading.at_start, reading.returned = self.at_start, self.returned
        return reading

    def open(self) -> EditedLine:
        """The line as it is now, to be changed."""
        self.line = self.line.copy()
        behind, self.behind = self.behind, b""
        if behind:
            for _run in runs(behind, 0, self):
                pass
            self.line.at_start, self.line.returned = self.at_start, self.returned
        return self.line

    def close(self) -> None:
        """The line was changed."""
        self.at_start, self.returned = self.line.at_start, self.line.returned

    def passed(self, raw: bytes, simple: bytes) -> None:
        """Output came in which nothing goes back into a line; `simple`, reduced."""
        last = raw.rfind(b"\n")
        if last >= 0:
            if b"\x1b" in simple and _STRING.search(simple):
                ends = [found.start() for found in _LINE_END.finditer(raw) if found["end"]]
                last = ends[-1] if ends else -1
            if last >= 0:
                self.line, self.behind, raw = EditedLine(), b"", raw[last + 1 :]
        self.behind = (self.behind + raw)[-MAX_LINE_CELLS:]

    def without_returns(self, text: bytes) -> bytes:
        """The text with line ends in the place of CR."""
        if b"\r" in text or self.returned:
            if self.returned:
                text = b"\r" + text
            text = _RETURNS_AND_FEED.sub(b"\n", text)
            text = _RETURNS_AT_START.sub(b"", text.lstrip(b"\r") if self.at_start else text)
            rest = text.rstrip(b"\r")
            self.returned = len(rest) < len(text)
            text = _RETURNS.sub(b"\n", rest)
        if text:
            self.at_start = text.endswith(b"\n")
        return text

    def edits(self, raw: bytes) -> re.Pattern[bytes] | None:
        """What finds the places that go back into a line, if there seem to be any."""
        returned = b"\r" in self.behind or (b"\r" in raw and _BARE_RETURN.search(raw))
        sequence, edit = (_GOES_BACK_OR_RIGHT, _EDIT_OR_RIGHT) if returned else (_GOES_BACK, _EDIT)
        return edit if b"\x08" in raw or sequence.search(raw) else None


def first_edit(edit: re.Pattern[bytes], raw: bytes, at: int) -> int:
    """Where something first goes back into a line."""
    return next((found.start() for found in edit.finditer(raw, at) if found["edit"]), len(raw))


def reduced(raw: bytes) -> bytes:
    """Output without colours and with line ends for places: in few steps what is most of most output."""
    return _PLACED.sub(b"\n", _COLOURS.sub(b"\x18", raw)) if b"\x1b" in raw else raw  # an ESC ends what was under way


def without_sequences(raw: bytes) -> bytes:
    """The text of such output in which nothing goes back into a line; CR are still in it."""
    if b"\x1b" in raw:
        return _TOKEN.sub(_meaning, raw)
    return raw.replace(b"\r\n", b"\n").translate(None, _CONTROLS)


def _meaning(found: re.Match[bytes]) -> bytes:
    """What stands in the place of a sequence, at the end of a line."""
    final = found["final"]
    if final == b"C":
        return b"" if _is_odd(found) else b" " * _count(found)
    return b"\n" if final and final[0] in _TO_A_PLACE and not _is_odd(found) else b""


def _is_odd(found: re.Match[bytes]) -> bool:
    """Whether a sequence has something besides numbers in it: then it is another one than its end tells."""
    return bool(found[0][2:-1].translate(None, b"0123456789;"))


def _count(found: re.Match[bytes]) -> int:
    first = found["parameters"]
    if b";" in first:
        first = first.partition(b";")[0]
    count = int(first) if first.isdigit() and len(first) < 5 else 1
    return MAX_COLUMNS if count > MAX_COLUMNS else count or 1


def runs(raw: bytes, base: int, reading: Reading, at: int = 0) -> Iterator[Run]:
    """The text of output from a place in it on, in the order in which it is given away."""
    for found in _TOKEN.finditer(raw, at):
        if found.start() > at and not reading.typing:
            yield from _written_runs(raw, base, (at, found.start()), reading.line)
        at = found.end()
        osc = found["osc"]
        if osc and osc[:4] in (b"133;", b"633;") and osc[4:5] in _MARKS:
            reading.typing = osc[4:5] == b"B"
        elif not reading.typing:
            text, copied = _moved(found, base + found.start(), reading.line)
            if text:
                yield Run(base + found.start(), at - found.start(), text, copied)
    if len(raw) > at and not reading.typing:
        yield from _written_runs(raw, base, (at, len(raw)), reading.line)


def _written_runs(raw: bytes, base: int, stretch: tuple[int, int], line: EditedLine) -> Iterator[Run]:
    """The same of a stretch without sequences."""
    for found in _PARTS.finditer(raw, *stretch):
        at, part = base + found.start(), found[0]
        if part[0] not in b"\r\n":
            yield from line.write(part, at)
            continue
        text, copied = line.end(at) if part == b"\n" else line.carriage_return(at)
        if text:
            yield Run(at, len(part), text, copied)


def _moved(found: re.Match[bytes], at: int, line: EditedLine) -> tuple[bytes, int]:
    """What a sequence or some control characters do to the line, and what that gives away."""
    whole, final = found[0], found["final"]
    if whole[0] != 0x1B:
        if count := whole.count(b"\b"):
            line.left(count)
    elif final and not _is_odd(found):
        if final[0] in _TO_A_PLACE or (line.placed and final in b"G`"):
            return line.end(at, placed=True)
        if final == b"C":
            return line.right(_count(found))
        if final in b"G`":
            column = _count(found)
            if column == 1:
                return line.carriage_return(at)
            line.to_column(column - 1)
        elif final in b"JK":
            _erase(found["parameters"], line)
        elif final in b"D@PX":
            change = {b"D": line.left, b"@": line.insert, b"P": line.delete, b"X": line.erase_some}[final]
            change(_count(found))
    return b"", 0


def _erase(parameters: bytes, line: EditedLine) -> None:
    if parameters in (b"", b"0"):
        line.erase_behind()
    elif parameters == b"1":
        line.erase_before()
    elif parameters == b"2":
        line.erase_all()
