"""What retained output needs before it may be shown on somebody's terminal.

Owns the rules, pure and incremental. Colours stay (unless refused), and so do line ends, tabs, backspaces and carriage
returns; titles, modes, cursor motion, queries and device strings go: replayed out of their time they would leave the
reader's terminal changed, or make it type answers. Source of the grammar: ECMA-48, section 5.
"""

from __future__ import annotations

import re

_STRINGS = rb"\x1b[\]PX^_][^\x07\x18\x1a\x1b]*(?:\x07|\x1b\\|[\x18\x1a]|(?=\x1b[^\\])|\Z)"
_CSI = rb"\x1b\[[\x20-\x3f]*[\x40-\x7e]"
_ESCAPE = rb"\x1b[\x20-\x2f]*[\x30-\x7e]"
_SEQUENCES = re.compile(rb"|".join((_STRINGS, _CSI, _ESCAPE, rb"[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")))
_COLOUR = re.compile(rb"\x1b\[[0-9;:]*m")
#: What may be the beginning of a sequence that the next chunk completes.
_OPEN = re.compile(rb"\x1b(?:[\]PX^_][^\x07\x18\x1a\x1b]*\x1b?|\[[\x20-\x3f]*|[\x20-\x2f]*)\Z")
#: A string that does not end within this is no string of ours to wait for.
_OPEN_LIMIT_BYTES = 1 << 16

RESET_COLOUR = b"\x1b[0m"


class Sanitiser:
    """Takes output in pieces of any length and gives what may be shown."""

    __slots__ = ("_colour", "_open", "coloured")

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour
        self._open = b""
        #: Whether a colour was let through: the caller ends with RESET_COLOUR.
        self.coloured = False

    def feed(self, data: bytes) -> bytes:
        """What may be shown of these bytes; a sequence cut at their end is kept until the rest arrives."""
        data = self._open + data
        self._open = b""
        found = _OPEN.search(data)
        if found is not None and len(data) - found.start() <= _OPEN_LIMIT_BYTES:
            self._open = data[found.start() :]
            data = data[: found.start()]
        return _SEQUENCES.sub(self._shown, data)

    def _shown(self, found: re.Match[bytes]) -> bytes:
        sequence = found.group()
        if self._colour and _COLOUR.fullmatch(sequence):
            self.coloured = True
            return sequence
        return b""
