"""Colours that a program has given its terminal: numbered ones, the text's, the ground's and the cursor's. Pure.

Owns what OSC 4, 10, 11 and 12 set and 104, 110, 111 and 112 take back. Names of colours ("red") are those of a list
that terminals differ in; they are left alone.
Source: xterm's ctlseqs, XParseColor(3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

RGB = tuple[int, int, int]
#: Under which number the text's, the ground's and the cursor's colour are kept: these and the OSC's own, as 10 is 266.
DYNAMIC = 256
#: OSCs that are about colours, as they are written.
COLOURED_BY = {b"%d" % number: number for number in (4, 10, 11, 12, 104, 110, 111, 112)}
#: So many are followed; of more the newest.
MAX_COLOURS = 64

_LAST_DYNAMIC = 12
_RGB = re.compile(rb"rgb:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")
_HEX = re.compile(rb"#((?:[0-9a-fA-F]{3}){1,4})")
_ENTRY_BYTES = 5


class Colours:
    """What was set and not taken back, by number."""

    __slots__ = ("_set",)

    def __init__(self, packed: bytes = b"") -> None:
        self._set: Mapping[int, RGB] = {
            int.from_bytes(packed[at : at + 2], "big"): (packed[at + 2], packed[at + 3], packed[at + 4])
            for at in range(0, len(packed) - _ENTRY_BYTES + 1, _ENTRY_BYTES)
        }

    def packed(self) -> bytes:
        """All of them, for a `Colours` to come."""
        return b"".join(number.to_bytes(2, "big") + bytes(colour) for number, colour in self._set.items())

    @property
    def now(self) -> Mapping[int, RGB]:
        """All of them as they are now; never changed later."""
        return self._set

    def apply(self, number: int, text: bytes) -> bool:
        """What an OSC of that number says. Returns whether it asks for a colour, too."""
        parts = text.split(b";")
        if number == 4:
            wanted = list(zip(map(_number, parts[::2]), parts[1::2], strict=False))
        elif number < 100:
            wanted = [(DYNAMIC + n, part) for n, part in enumerate(parts, number) if n <= _LAST_DYNAMIC]
        else:
            self._take_back(number, parts)
            return False
        parsed = {n: colour for n, what in wanted if n is not None and (colour := parse_colour(what)) is not None}
        if parsed:
            kept = {n: colour for n, colour in self._set.items() if n not in parsed} | parsed
            self._set = dict(list(kept.items())[-MAX_COLOURS:])
        return any(what == b"?" for _n, what in wanted)

    def _take_back(self, number: int, parts: list[bytes]) -> None:
        if number > 104:
            gone = {DYNAMIC + number - 100}
        elif parts == [b""]:
            gone = set(range(DYNAMIC))
        else:
            gone = {n for n in map(_number, parts) if n is not None}
        if gone & self._set.keys():
            self._set = {n: colour for n, colour in self._set.items() if n not in gone}


def parse_colour(text: bytes) -> RGB | None:
    """Red, green and blue of a colour as programs write it; None for one that is not known."""
    if found := _RGB.fullmatch(text):
        red, green, blue = (int(part, 16) * 255 // (16 ** len(part) - 1) for part in found.groups())
        return red, green, blue
    if found := _HEX.fullmatch(text):
        digits = len(found[1]) // 3
        red, green, blue = (int((found[1][at : at + digits] + b"0")[:2], 16) for at in range(0, 3 * digits, digits))
        return red, green, blue
    return None


def _number(text: bytes) -> int | None:
    return int(text) if text.isdigit() and len(text) < 4 and int(text) < DYNAMIC else None
