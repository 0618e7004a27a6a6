"""Terminal output as plain text, piece by piece: what waits and `expect` look for text in.

Owns what is left out and what stands in its place; pure, bounded, and the same however the output was cut:
- escape sequences and control characters other than tab and line ends are left out; CR before LF too;
- moving the cursor to the right is that many blanks (programs write blanks so), any other cursor movement to a place is
  a line end: text that is apart on the screen is not joined;
- so is a CR, but for one at the beginning of a line, where it moves nothing (shells write one before a command's
  output), and a line feed behind it is the same line end;
- with shell marks, what was typed at the prompt (between 133;B and 133;C) is left out.

As in the scanner an ESC ends whatever was under way. Offsets of the text lead back to offsets of the output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: A sequence whose end is still to come is kept up to this; of a longer one the rest is skipped.
MAX_UNFINISHED_BYTES = 4096
MAX_BLANKS = 512

_STRING_OPENERS = b"]PX^_"
_TOKEN = re.compile(
    rb"\x1b(?:"
    rb"\[(?P<parameters>[0-?]*)[ -/]*(?P<final>[@-~])"
    rb"|\](?P<osc>[^\x07\x18\x1a\x1b]*)(?:\x07|\x1b\\|[\x18\x1a]|(?=\x1b))"
    rb"|[PX^_][^\x18\x1a\x1b]*(?:\x1b\\|[\x18\x1a]|(?=\x1b))"
    rb"|[ -/]*[0-OQ-WYZ\\`-~]"
    rb"|(?:\[[0-?]*[ -/]*)?"
    rb")"
    rb"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]+"
    rb"|\r+(?=\n)"
)
_UNFINISHED = re.compile(
    rb"(?:\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x18\x1a\x1b]*\x1b?|[PX^_][^\x18\x1a\x1b]*\x1b?|[ -/]*)?|\r+)\Z"
)
_COLOURS = re.compile(rb"\x1b\[[0-9;]*+m")
_PLACED = re.compile(rb"\x1b\[[0-9;]*+[HfdEFABG`]")
_PARTS = re.compile(rb"\r+|[^\r]+")
_RETURNS = re.compile(rb"\r+")
_RETURNS_AND_FEED = re.compile(rb"\r+\n")
_RETURNS_AT_START = re.compile(rb"(?<=\n)\r+")
_CONTROLS = bytes(code for code in range(32) if code not in (9, 10, 13)) + b"\x7f"
_TO_A_PLACE = frozenset(b"HfdEFABG`")
_RIGHT = ord("C")
_MARKS = (b"A", b"B", b"C", b"D")


class Piece:
    """The text of a stretch of output. Where a byte of it stands is worked out only when somebody asks."""

    __slots__ = ("_before", "_raw", "offset", "text")

    def __init__(self, offset: int, raw: bytes, text: bytes, before: _Writing) -> None:
        self.offset = offset
        self.text = text
        self._raw = raw
        self._before = before

    @property
    def end_offset(self) -> int:
        """Where the stretch ends in the output."""
        return self.offset + len(self._raw)

    def locate(self, index: int) -> int:
        """The offset in the output of a byte of the text; of its end, that of what comes next in the text."""
        passed = 0
        for start, length, text in _runs(self._raw, self._before.copy()):
            if index < passed + len(text):
                return self.offset + start + min(index - passed, length)
            passed += len(text)
        return self.end_offset

    def locate_end(self, index: int) -> int:
        """The offset in the output behind the first `index` bytes of the text."""
        return self.locate(index - 1) + 1 if index else self.offset


class _Writing:
    """Where the text stands. typing: what comes is being typed at a prompt. at_start: of a line. returned: a CR has
    ended the line, and a line feed that follows is part of that."""

    __slots__ = ("at_start", "returned", "typing")

    def __init__(self, *, typing: bool, at_start: bool = True, returned: bool = False) -> None:
        self.typing = typing
        self.at_start = at_start
        self.returned = returned

    def copy(self) -> _Writing:
        """One that goes its own way."""
        return _Writing(typing=self.typing, at_start=self.at_start, returned=self.returned)

    def wrote(self, text: bytes) -> None:
        """Text without bare CR was added to the text."""
        if text:
            self.at_start, self.returned = text.endswith(b"\n"), False

    def end_line(self) -> bytes:
        """What a bare CR stands for."""
        if self.at_start:
            return b""
        self.at_start = self.returned = True
        return b"\n"

    def without_returns(self, text: bytes) -> bytes:
        """The text with line ends in the place of CR."""
        if self.returned:
            rest = text.lstrip(b"\r")
            if not rest:
                return b""
            text = rest[1:] if rest.startswith(b"\n") else rest
            self.returned = False
        if b"\r" in text:
            text = _RETURNS_AND_FEED.sub(b"\n", text)
            text = _RETURNS_AT_START.sub(b"", text.lstrip(b"\r") if self.at_start else text)
            bare = text.endswith(b"\r")
            text = _RETURNS.sub(b"\n", text)
            self.wrote(text)
            self.returned = bare
        else:
            self.wrote(text)
        return text


class PlainText:
    """Takes output in order, gives its text. `typing` says that the output is at a prompt, behind its mark."""

    def __init__(self, offset: int, *, typing: bool = False) -> None:
        self.offset = offset
        self._writing = _Writing(typing=typing)
        self._tail = b""
        self._skipping = False  # the rest of a string that was too long to keep

    @property
    def typing(self) -> bool:
        """Whether what comes next is typed at a prompt, as far as marks say."""
        return self._writing.typing

    def lapped(self, offset: int) -> None:
        """Output up to that offset was lost."""
        self.offset = offset
        self._tail = b""
        self._skipping = False

    def feed(self, data: bytes) -> Piece:
        """The text in the next bytes."""
        base = self.offset - len(self._tail)
        self.offset += len(data)
        data, self._tail = self._tail + data, b""
        start = self._skip(data) if self._skipping else 0
        raw = data[start : self._unfinished(data, start)]
        before = self._writing.copy()
        return Piece(base + start, raw, self._text(raw), before)

    def _skip(self, data: bytes) -> int:
        found = re.search(rb"[\x07\x18\x1a\x1b]", data)
        if found is None:
            return len(data)
        self._skipping = False
        return found.start() if found[0] == b"\x1b" else found.end()

    def _unfinished(self, data: bytes, start: int) -> int:
        """Where the sequence begins whose end is still to come; it is kept for the next piece."""
        if data.endswith(b"\r"):  # perhaps before a line feed
            at = max(len(data.rstrip(b"\r")), len(data) - MAX_UNFINISHED_BYTES, start)
        else:
            at = data.rfind(b"\x1b")
        if at > start and data[at:] == b"\x1b":  # perhaps the first half of a string's terminator
            opened = data.rfind(b"\x1b", start, at)
            if opened >= start and data[opened + 1] in _STRING_OPENERS and _UNFINISHED.match(data, opened):
                at = opened
        found = _UNFINISHED.search(data, at) if at >= start else None
        if found is None:
            return len(data)
        if len(data) - found.start() <= MAX_UNFINISHED_BYTES:
            self._tail = data[found.start() :]
        else:
            self._skipping = True
        return found.start()

    def _text(self, raw: bytes) -> bytes:
        if self._writing.typing or b"133;" in raw or b"633;" in raw:
            return b"".join([text for _start, _length, text in _runs(raw, self._writing)])
        return self._writing.without_returns(_without_sequences(raw))


def _without_sequences(raw: bytes) -> bytes:
    """The text of output without marks; bare CR are still in it. In the order of how common things are: each step is
    many times faster than the general one."""
    if b"\x1b" in raw:
        raw = _PLACED.sub(b"\n", _COLOURS.sub(b"\x18", raw))  # not nothing: it ends what was under way
        if b"\x1b" in raw:
            return _TOKEN.sub(_meaning, raw)
    if b"\r\r" in raw:
        return _TOKEN.sub(b"", raw)
    return raw.replace(b"\r\n", b"\n").translate(None, _CONTROLS)


def _runs(raw: bytes, writing: _Writing) -> Iterator[tuple[int, int, bytes]]:
    """Start and length of stretches of output, and the text that each stands for."""
    at = 0
    for found in _TOKEN.finditer(raw):
        if found.start() > at and not writing.typing:
            yield from _plain_runs(raw, at, found.start(), writing)
        at = found.end()
        osc = found["osc"]
        if osc and osc[:4] in (b"133;", b"633;") and osc[4:5] in _MARKS:
            writing.typing = osc[4:5] == b"B"
        elif (stands := _meaning(found)) and not writing.typing and (text := writing.without_returns(stands)):
            yield found.start(), at - found.start(), text
    if len(raw) > at and not writing.typing:
        yield from _plain_runs(raw, at, len(raw), writing)


def _plain_runs(raw: bytes, start: int, end: int, writing: _Writing) -> Iterator[tuple[int, int, bytes]]:
    """The same of a stretch without sequences."""
    for found in _PARTS.finditer(raw, start, end):
        at, part = found.start(), found[0]
        if part.startswith(b"\r"):
            if text := writing.end_line():
                yield at, len(part), text
            continue
        if writing.returned and part.startswith(b"\n"):
            at, part, writing.returned = at + 1, part[1:], False
        writing.wrote(part)
        if part:
            yield at, len(part), part


def _meaning(found: re.Match[bytes]) -> bytes:
    """What stands in the place of a sequence."""
    final = found["final"]
    if not final:
        return b""
    if final[0] == _RIGHT:
        parameters = found["parameters"]
        count = int(parameters) if parameters.isdigit() and len(parameters) < 5 else 1
        return b" " * min(max(count, 1), MAX_BLANKS)
    return b"\n" if final[0] in _TO_A_PLACE else b""
