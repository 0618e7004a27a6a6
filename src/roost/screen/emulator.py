"""The interface of a terminal emulator, and which one there is.

Owns the limits of a screen's size: emulators fail at sizes that no person uses, so that a smaller terminal is emulated
as a larger one and cut when it is shown.
"""

from __future__ import annotations

from typing import Protocol

from roost.screen.snapshot import Snapshot

#: No emulator is given a smaller or larger screen than this.
MIN_ROWS, MIN_COLS = 5, 20
MAX_ROWS, MAX_COLS = 500, 1000
#: Lines that are kept of what scrolls out of the top.
SCROLLBACK_LINES = 5000


class Emulator(Protocol):
    """A terminal without a window."""

    rows: int
    cols: int

    def feed(self, data: bytes) -> None:
        """Show output; cut anywhere."""

    def resize(self, rows: int, cols: int) -> None:
        """Have another size; the normal screen is wrapped anew."""

    def snapshot(self, *, scrollback: int = 0, primary: bool = False) -> Snapshot:
        """The screen, and up to so many lines of scrollback; with `primary` also what the alternate screen hides."""

    def clone(self) -> Emulator:
        """Another in the same state, without the scrollback."""

    def history(self, lines: int) -> bytes:
        """The newest lines of scrollback as what writes them, each ended; cheaper than in a snapshot."""

    def cursor(self) -> tuple[int, int]:
        """Row and column of the cursor, from 0."""

    def text(self) -> list[str]:
        """What the screen says, line by line: cheaper than a snapshot."""

    def scrolled(self) -> int:
        """How many lines of scrollback there are."""

    def close(self) -> None:
        """Give its memory back; safe to repeat."""


def clamp(rows: int, cols: int) -> tuple[int, int]:
    """The size to emulate for a terminal of that size."""
    return min(max(rows, MIN_ROWS), MAX_ROWS), min(max(cols, MIN_COLS), MAX_COLS)


def make_emulator(rows: int, cols: int, *, scrollback: int = SCROLLBACK_LINES) -> Emulator:
    """A fresh emulator of (about) that size. Raises RoostError (unavailable) where none is installed."""
    from roost.screen.ghostty import GhosttyEmulator

    return GhosttyEmulator(*clamp(rows, cols), scrollback=scrollback)
