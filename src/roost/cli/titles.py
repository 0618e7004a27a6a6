"""The title of the terminal that the attach client runs in: saved before a session sets its own, put back afterwards.

Owns our part of the terminal's stack of titles, and a count of what the session's program does to that stack. Pure.
Source: XTerm Control Sequences, "CSI Ps ; Ps ; Ps t", 22 and 23.
"""

from __future__ import annotations

#: How often the title is saved. A program that was started before we came takes off what it once laid on: an editor up
#: to three, one with the alternate screen, one each for window and icon. xterm holds ten.
_COPIES = 4
#: What is remembered of a program's own at most: more than any terminal holds.
_DEPTH = 32
_SAVE, _PUT_BACK = b"\x1b[22;0t", b"\x1b[23;0t"
#: Terminals that would print the sequence, or have no title.
_WITHOUT_TITLE = frozenset(("", "dumb", "linux"))


class Titles:
    """The stack of titles from where we found it upwards."""

    __slots__ = ("_above", "_copies")

    def __init__(self) -> None:
        self._copies = 0
        self._above: list[bytes] = []  # what the program has laid on ours: b"0" both titles, b"1" icon, b"2" window

    def save(self, term: str) -> bytes:
        """Bytes that save the title of a terminal of that TERM; none where that does nothing or would be seen."""
        if term in _WITHOUT_TITLE:
            return b""
        self._copies = _COPIES
        return _SAVE * _COPIES

    def note(self, *, saved: bool, kind: bytes) -> None:
        """Takes note that the program saved a title, or took one back."""
        if saved:
            self._above.append(kind)
            del self._above[:-_DEPTH]
        elif self._above:
            self._above.pop()
        else:
            self._copies = max(0, self._copies - 1)

    def put_back(self) -> bytes:
        """Bytes that show the saved title again and leave the stack as it was found; none if none was saved."""
        back = b"".join(b"\x1b[23;%bt" % kind for kind in reversed(self._above)) + _PUT_BACK * self._copies
        has_saved, self._copies, self._above = self._copies > 0, 0, []
        return back if has_saved else b""
