"""The modes of a terminal that outlive the bytes which set them, and the bytes that undo or repeat them.

Owns which modes are followed, what their fresh state is, and the order in which they are undone. Knows nothing of
chunks and escape parsing: `scanner` finds the sequences and calls the methods here.

Sources: xterm's ctlseqs, the kitty keyboard protocol, DEC STD 070. Where terminals differ, xterm decides:
- mouse reports (9, 1000-1003) exclude each other, and switching any of them off ends them all;
- mouse encodings (1005, 1006, 1015, 1016) exclude each other, and only the one in force can be switched off;
- the alternate screen (47, 1047, 1049) is one, whichever number entered it;
- the kitty stacks are two, one a screen.
"""

from __future__ import annotations

from roost.core.kitty import KittyKeys

#: Private modes with two states: number, whether it is on in a fresh terminal.
SWITCHES = {
    1: False,  # cursor keys send application codes
    5: False,  # reverse video
    6: False,  # origin
    7: True,  # wrap around
    12: False,  # blinking cursor
    25: True,  # cursor shown
    45: False,  # reverse wrap
    66: False,  # keypad sends application codes
    69: False,  # left and right margins
    1004: False,  # focus reports
    2004: False,  # bracketed paste
    2026: False,  # output is held back until the frame is complete
    2031: False,  # reports of a changed colour scheme
    2048: False,  # reports of a changed size
    # ANSI modes, written without the question mark, carry a minus sign here.
    -4: False,  # insert
    -20: False,  # line feed implies carriage return
}
MOUSE = frozenset((9, 1000, 1001, 1002, 1003))
ENCODINGS = frozenset((1005, 1006, 1015, 1016))
SCREENS = frozenset((47, 1047, 1049))

FRESH_CHARSETS = (b"B", b"B", b"B", b"B")
_SLOTS = b"()*+"
_SOFT_RESET = frozenset((1, 6, 7, 25, 45, 66, 69, -4))
#: Written first when undone: input modes whose reports would end up in the shell as typed text.
_INPUT_SWITCHES = (1004, 2004, 2048, 2031, 1, 66)
#: Written last when undone; the cursor is shown when everything else is in place.
_DISPLAY_SWITCHES = (5, 7, 12, 45, -4, -20, 25)
_SAVE_CURSOR, _RESTORE_CURSOR = b"\x1b7", b"\x1b8"
_TO_BOTTOM = b"\x1b[999;1H"


def _switch(number: int, on: bool) -> bytes:
    if number == 66:  # as keypad_xmit and keypad_local are written everywhere
        return b"\x1b=" if on else b"\x1b>"
    return b"\x1b[%s%d%s" % (b"" if number < 0 else b"?", abs(number), b"h" if on else b"l")


class TerminalModes:
    """Modes as a program has left them. A fresh instance is a fresh terminal."""

    __slots__ = (
        "alternate",
        "alternate_at",
        "changed",
        "charsets",
        "coloured",
        "cursor_shape",
        "encoding",
        "kitty",
        "kitty_alternate",
        "modify_keys",
        "mouse",
        "not_utf8",
        "region",
        "region_stands",
        "rows",
        "shift",
    )

    def __init__(self) -> None:
        #: Rows of the session's terminal, 0 when nobody said.
        self.rows = 0
        self.full_reset()

    def full_reset(self) -> None:
        """ESC c: everything is as in a fresh terminal."""
        #: Switches that are not in their fresh state.
        self.changed: set[int] = set()
        self.mouse = 0
        self.encoding = 0
        #: Number of the mode that entered the alternate screen, 0 on the normal one; and the offset where it did.
        self.alternate = 0
        self.alternate_at = 0
        self.kitty = KittyKeys()
        self.kitty_alternate = KittyKeys()
        self.not_utf8 = False
        self._reset_presentation()

    def soft_reset(self) -> None:
        """CSI ! p (DECSTR): what xterm resets then; mouse, screen and paste modes stay."""
        self.changed -= _SOFT_RESET
        self._reset_presentation()

    def _reset_presentation(self) -> None:
        #: modifyOtherKeys, 0 to 3.
        self.modify_keys = 0
        #: DECSCUSR: 0 is the user's own shape.
        self.cursor_shape = 0
        self.charsets: tuple[bytes, ...] = FRESH_CHARSETS
        #: Which of the four charsets is in use.
        self.shift = 0
        #: Whether colours or attributes may be on.
        self.coloured = False
        #: Scroll region as (top, bottom), bottom 0 for the last row; None for the whole screen.
        self.region: tuple[int, int] | None = None
        #: False once the terminal was resized: terminals drop their margins then, only an undo is still due.
        self.region_stands = True

    # --- what programs do -----------------------------------------------------------------------------------------

    def switch(self, number: int, on: bool, offset: int = 0) -> None:
        """Switches a mode; private ones by number, ANSI ones by minus the number. Others are ignored."""
        fresh = SWITCHES.get(number)
        if fresh is not None:
            if on is fresh:
                self.changed.discard(number)
            else:
                self.changed.add(number)
        elif number in MOUSE:
            self.mouse = number if on else 0
        elif number in ENCODINGS:
            if on:
                self.encoding = number
            elif self.encoding == number:
                self.encoding = 0
        elif number in SCREENS and bool(self.alternate) is not on:
            self.alternate = number if on else 0
            self.alternate_at = offset

    def is_set(self, number: int) -> bool | None:
        """Whether a mode is on; None for a mode that is not followed."""
        if number in SWITCHES:
            return SWITCHES[number] is not (number in self.changed)
        if number in MOUSE:
            return self.mouse == number
        if number in ENCODINGS:
            return self.encoding == number
        return bool(self.alternate) if number in SCREENS else None

    @property
    def kitty_keys(self) -> KittyKeys:
        """The keyboard stack of the screen in use."""
        return self.kitty_alternate if self.alternate else self.kitty

    def set_charset(self, slot: int, charset: bytes) -> None:
        """Designates a charset; slot is one of the bytes `(`, `)`, `*`, `+`."""
        place = _SLOTS.index(slot)
        self.charsets = (*self.charsets[:place], charset, *self.charsets[place + 1 :])

    def set_region(self, top: int, bottom: int) -> None:
        """DECSTBM; zeros mean the first and the last row."""
        self.region = (top or 1, bottom) if top > 1 or bottom else None
        self.region_stands = True

    def resize(self, rows: int) -> None:
        """The session's terminal has so many rows now (0: unknown); terminals drop their margins then."""
        if rows == 0 or (self.rows and rows != self.rows):
            self.region_stands = False
        self.rows = rows

    # --- undoing --------------------------------------------------------------------------------------------------

    def undo(self, *, everything: bool = False) -> bytes:
        """What puts a terminal in these modes back into the fresh state; empty when it is in it.

        With `everything` also what is not known to be set is undone. Neither clears the screen or the scrollback.
        """
        changed = set(SWITCHES) if everything else self.changed
        parts = [_switch(2026, False)] if 2026 in changed else []
        parts.append(self.kitty_keys.undo())
        if self.modify_keys or everything:
            parts.append(b"\x1b[>4;0m")
        parts += self._undo_mouse(everything)
        parts += [_switch(number, SWITCHES[number]) for number in _INPUT_SWITCHES if number in changed]
        parts += self._undo_margins(changed, everything)
        parts += self._leave_alternate(everything)
        if self.charsets != FRESH_CHARSETS or self.shift or everything:
            parts.append(b"\x0f\x1b(B\x1b)B\x1b*B\x1b+B")
        if self.not_utf8 or everything:
            parts.append(b"\x1b%G")
        if self.coloured or everything:
            parts.append(b"\x1b[m")
        if self.cursor_shape or everything:
            parts.append(b"\x1b[0 q")
        parts += [_switch(number, SWITCHES[number]) for number in _DISPLAY_SWITCHES if number in changed]
        return b"".join(parts)

    def _undo_mouse(self, everything: bool) -> list[bytes]:
        # Terminals that keep the reports apart may have more than the last one on.
        numbers = {1000, 1002, 1003, self.mouse or 1000} if self.mouse or everything else set()
        numbers |= ENCODINGS if everything else {self.encoding} if self.encoding else set()
        return [_switch(number, False) for number in sorted(numbers, reverse=True)]

    def _undo_margins(self, changed: set[int], everything: bool) -> list[bytes]:
        """Margins and origin mode; setting them moves the cursor home, which would overwrite the normal screen."""
        parts = [_switch(69, False)] if 69 in changed else []
        origin = 6 in self.changed  # without margins it is harmless: not undone on suspicion
        if origin:
            parts.append(_switch(6, False))
        if self.region is None and not origin and not everything:
            return parts
        if self.alternate:  # leaving it puts the cursor back
            return [*parts, b"\x1b[r"]
        if origin:  # a saved cursor would bring origin mode back
            return [*parts, b"\x1b[r", _TO_BOTTOM]
        return [*parts, _SAVE_CURSOR, b"\x1b[r", _RESTORE_CURSOR]

    def _leave_alternate(self, everything: bool) -> list[bytes]:
        if self.alternate:
            return [_switch(self.alternate, False), self.kitty.undo()]
        # 1047 is without effect on the normal screen; 1049 would move its cursor.
        return [_switch(1047, False), b"\x1b[=0u"] if everything else []

    # --- repeating ------------------------------------------------------------------------------------------------

    def repeat(self, before: int | None = None) -> bytes:
        """What puts a fresh terminal into these modes; empty when they are the fresh ones.

        before: output from that offset on will be written next. Switches are repeated all the same, a second time does
        no harm; entering the alternate screen and keyboard pushes only if they stand before it. Held-back output
        (2026) is not repeated: the frame it belongs to may be over, and the terminal would freeze.
        """
        parts = [_switch(number, not SWITCHES[number]) for number in SWITCHES if number in self.changed - {2026, 6}]
        parts += [_switch(number, True) for number in (self.mouse, self.encoding) if number]
        if self.modify_keys:
            parts.append(b"\x1b[>4;%dm" % self.modify_keys)
        parts.append(self.kitty.repeat(before))
        if self.alternate and (before is None or self.alternate_at < before):
            parts.append(_switch(self.alternate, True))
            parts.append(self.kitty_alternate.repeat(before))
        parts += self._repeat_margins()
        parts += [b"\x1b%c%s" % (_SLOTS[i], name) for i, name in enumerate(self.charsets) if name != b"B"]
        if self.not_utf8:
            parts.append(b"\x1b%@")
        if self.shift:
            parts.append((b"\x0f", b"\x0e", b"\x1bn", b"\x1bo")[self.shift])
        if self.cursor_shape:
            parts.append(b"\x1b[%d q" % self.cursor_shape)
        return b"".join(parts)

    def _repeat_margins(self) -> list[bytes]:
        parts = []
        # Full-screen programs leave margins of the whole screen behind; on a larger terminal they would be wrong.
        whole = self.region is not None and self.region[0] == 1 and not 0 < self.region[1] < self.rows
        if self.region is not None and self.region_stands and not whole:
            top, bottom = self.region
            margins = b"\x1b[%d;%dr" % (top, bottom) if bottom else b"\x1b[%dr" % top
            parts += [_SAVE_CURSOR, margins, _RESTORE_CURSOR]
        return [*parts, _switch(6, True)] if 6 in self.changed else parts
