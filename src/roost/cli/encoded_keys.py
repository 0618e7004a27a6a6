"""Keys that a terminal sends as escape sequences, because the program in the session asked for that.

Owns how they are read back into the byte that the same key is otherwise. Pure; must not know what the key is for.

    ESC [ code ; modifiers u             the kitty keyboard protocol, and xterm with formatOtherKeys
    ESC [ 27 ; modifiers ; code ~        xterm with modifyOtherKeys, which vim turns on

In the first, `code` may bring alternatives (`93:125`), `modifiers` the kind of event (`5:3`, 3: let go), and the text
may follow. Modifiers are 1 plus bits: 1 shift, 2 alt, 4 ctrl, … 64 caps lock, 128 num lock. A sequence counts only
whole, in one piece, as terminals send it: one that is waited for could be the Escape key.
Source: sw.kovidgoyal.net/kitty/keyboard-protocol, xterm ctlseqs (modifyOtherKeys).
"""

from __future__ import annotations

import re

#: The pattern of a key, to be built into others; `read_key` takes the sequence.
KEY = rb"\x1b\[\d+[\d:]*(?:;[\d:]*){0,2}u|\x1b\[27;\d+;\d+~"

_KITTY = re.compile(rb"\x1b\[(\d+)[\d:]*(?:;(\d*)(?::(\d+))?[\d:]*(?:;[\d:]*)?)?u")
_XTERM = re.compile(rb"\x1b\[27;(\d+);(\d+)~")
_LOCKS = 64 | 128
_SHIFT, _CTRL = 1, 4
_LET_GO = b"3"
#: Shift, Ctrl and so on by themselves: 57441 to 57454, and caps, scroll and num lock.
_MODIFIER_KEYS = (range(57358, 57361), range(57441, 57455))


def read_key(sequence: bytes) -> bytes | None:
    """The byte of the key that was pressed; empty for one that was let go or only modifies; None for what has none."""
    if (xterm := _XTERM.fullmatch(sequence)) is not None:
        return _byte_of(int(xterm[2]), int(xterm[1]))
    kitty = _KITTY.fullmatch(sequence)
    if kitty is None:
        return None
    code = int(kitty[1])
    if kitty[3] == _LET_GO or any(code in keys for keys in _MODIFIER_KEYS):
        return b""
    return _byte_of(code, int(kitty[2] or 1))


def _byte_of(code: int, modifiers: int) -> bytes | None:
    held = max(0, modifiers - 1) & ~_LOCKS
    if code > 127:
        return None
    letter = chr(code).upper()
    if held == 0:
        return bytes([code])
    if held == _SHIFT and letter.isalpha():
        return letter.encode()
    if held == _CTRL:
        if letter == "?":
            return b"\x7f"
        if letter == " ":
            return b"\0"
        return bytes([ord(letter) & 0x1F]) if "@" <= letter <= "_" else None
    return None
