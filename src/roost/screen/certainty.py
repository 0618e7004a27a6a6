"""How much of a screen is known when its emulation began in the midst of the output. Pure.

What was on the screen before the beginning is not known: it counts as approximate until a full clear, a full reset, or
until as many lines were scrolled as the screen has. Entering the alternate screen clears that one; the normal screen
that it hides stays as uncertain as it was.
"""

from __future__ import annotations

import re

#: ESC c; clears of the whole screen with a cursor whose place is known; the alternate screen entered or left.
_TELLING = re.compile(
    rb"\x1bc|\x1b\[(?:1?(?:;1?)?)[Hf](?:\x1b\[[0-9;:]*m)*\x1b\[[02]?J|\x1b\[2J(?:\x1b\[[0-9;:]*m)*\x1b\[[0-9;]*[Hf]"
    rb"|\x1b\[\?(?:1049|1047|47)[hl]"
)
_OVERLAP_BYTES = 64


class Certainty:
    """What is known of a screen's contents."""

    def __init__(self, *, exact: bool, alternate: bool = False) -> None:
        """`alternate`: the screen on which the emulation begins."""
        self._known = {False: exact, True: exact}
        self._alternate = alternate
        self._tail = b""

    @property
    def approximate(self) -> bool:
        """Whether parts of what is shown may be wrong or missing."""
        return not self._known[self._alternate]

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to find out: feeding is no longer needed."""
        return self._known[False] and self._known[True]

    def feed(self, data: bytes) -> None:
        """Look at output, cut anywhere. A sequence is never seen twice: what was matched is not kept."""
        if self.complete:
            return
        data = self._tail + data
        end = 0
        for found in _TELLING.finditer(data):
            end = found.end()
            self._note(found[0])
        self._tail = data[max(end, len(data) - _OVERLAP_BYTES) :]

    def _note(self, sequence: bytes) -> None:
        if sequence == b"\x1bc":
            self._known = {False: True, True: True}
            self._alternate = False
        elif sequence[2:3] == b"?":
            self._alternate = sequence.endswith(b"h")
            # 1049 clears when it is entered, 1047 when it is left: either way what it shows next is its own.
            self._known[True] = True
        else:
            self._known[self._alternate] = True

    def scrolled(self, lines: int, rows: int) -> None:
        """So many lines went out at the top of the normal screen since the beginning."""
        if lines >= rows:
            self._known[False] = True
