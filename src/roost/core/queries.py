"""What a terminal answers when a program asks it something, and where such questions stand in output. Pure.

Owns the words of the answers. They are those of a plain, capable terminal: a VT220 with colours, light on dark; colours
that the program has set are told back as they were when it asked. Where the cursor stands is for a screen to know.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from roost.core.colours import DYNAMIC
from roost.core.modes import TerminalModes
from roost.core.questions import Query
from roost.core.scanner import Scanner
from roost.version import __version__

FOREGROUND, BACKGROUND, CURSOR = (0xE5, 0xE5, 0xE5), (0x00, 0x00, 0x00), (0xE5, 0xE5, 0xE5)
_BASE = (
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
)
_LEVELS = (0, 95, 135, 175, 215, 255)
_DYNAMIC = {DYNAMIC + 10: FOREGROUND, DYNAMIC + 11: BACKGROUND, DYNAMIC + 12: CURSOR}
_COLOURS = frozenset(("osc4", "osc10", "osc11", "osc12"))
_MODE = re.compile(rb"\[(\??)(\d+)\$p")
#: Kinds that are answered; the others (sizes in pixels, capabilities) are left without an answer, as by many terminals.
ANSWERED = frozenset(("da1", "da2", "dsr", "cpr", "decrqm", "xtversion", *_COLOURS))
_STRINGS = frozenset(("xtgettcap", "decrqss"))


def palette_colour(number: int) -> tuple[int, int, int]:
    """A colour of the 256 as xterm has them: red, green, blue."""
    if number < 16:
        return _BASE[number]
    if number < 232:
        number -= 16
        return _LEVELS[number // 36], _LEVELS[number // 6 % 6], _LEVELS[number % 6]
    level = 8 + 10 * (number - 232)
    return level, level, level


def answer(query: Query, modes: TerminalModes, terminator: bytes = b"\x1b\\") -> bytes:
    """The answer to anything but a question for the cursor; empty where there is none. Strings end as the question."""
    kind = query.kind
    if kind == "da1":
        return b"\x1b[?62;22c"
    if kind == "da2":
        return b"\x1b[>1;10;0c"
    if kind == "dsr":
        return b"\x1b[0n"
    if kind == "xtversion":
        return b"\x1bP>|roost(%s)\x1b\\" % __version__.encode()
    if kind == "decrqm":
        return _mode_report(query.detail, modes)
    return _colour_reports(query, terminator) if kind in _COLOURS else b""


def cursor_report(row: int, column: int) -> bytes:
    """Where the cursor stands; both count from 0 here."""
    return b"\x1b[%d;%dR" % (row + 1, column + 1)


def _mode_report(detail: bytes, modes: TerminalModes) -> bytes:
    found = _MODE.match(detail)
    if found is None:
        return b""
    private, number = found[1], min(int(found[2]), 65535)
    on = modes.is_set(number if private else -number)
    return b"\x1b[%s%d;%d$y" % (private, number, 0 if on is None else 1 if on else 2)


def _colour_reports(query: Query, terminator: bytes) -> bytes:
    """The answers for every colour that an OSC 4, 10, 11 or 12 asks for."""
    name, *parts = query.detail[1:].split(b";")
    first = int(name)
    if first == 4:
        asked = [
            (b"4;%d" % int(number), int(number))
            for number, what in zip(parts[::2], parts[1::2], strict=False)
            if what == b"?" and number.isdigit() and len(number) < 4
        ]
    else:
        asked = [(b"%d" % n, DYNAMIC + n) for n, what in enumerate(parts, first) if what == b"?"]
    colours = {**_DYNAMIC, **query.colours}
    return b"".join(
        b"\x1b]%s;%s%s" % (name, _rgb(colours[n] if n in colours else palette_colour(n)), terminator)
        for name, n in asked
        if n in colours or n < DYNAMIC
    )


def _rgb(colour: tuple[int, int, int]) -> bytes:
    return b"rgb:" + b"/".join(b"%02x%02x" % (part, part) for part in colour)


def query_spans(data: bytes, offset: int) -> list[tuple[int, int]]:
    """Where questions stand in output that begins at that offset: [start, end) of each, its terminator included."""
    scanner = Scanner()
    scanner.offset = offset
    scanner.most_queries = len(data)
    scanner.feed(data, offset)
    return [(query.offset, _end_of(query, data, offset)) for query in scanner.take_queries()]


def _end_of(query: Query, data: bytes, offset: int) -> int:
    end = query.offset + 1 + len(query.detail)
    if query.kind.startswith("osc") or query.kind in _STRINGS:
        end += 1 if data[end - offset : end - offset + 1] == b"\x07" else 2
    return end


def blanked(data: bytes, offset: int, spans: Sequence[tuple[int, int]]) -> bytes:
    """The same output with NUL bytes, which terminals ignore, in place of those spans: offsets stay what they are."""
    if not any(start < offset + len(data) and end > offset for start, end in spans):
        return data
    changed = bytearray(data)
    for start, end in spans:
        first, last = max(start - offset, 0), min(end - offset, len(data))
        if first < last:
            changed[first:last] = bytes(last - first)
    return bytes(changed)
