"""A screen as what paints it: on a cleared terminal of any size, self-contained.

Two uses: `render` shows a screen, and leaves the terminal in its plain modes; `restore` makes a terminal go on where
the session's is (contents of both screens, modes, margins, pen, title, cursor, even the beginning of a sequence that is
not complete), so that the output behind the snapshot's offset can follow directly.
"""

from __future__ import annotations

from itertools import pairwise

from roost.core.modes import SWITCHES
from roost.screen.formats.sgr import characters, paint_line, sgr
from roost.screen.snapshot import PLAIN, Line, Snapshot

_SHAPES = {"block": 2, "underline": 4, "bar": 6}
#: Held-back output is not repeated: the frame it belongs to may be over, and the terminal would freeze.
_NOT_REPEATED = frozenset((2026, 6, 69, 12))


def render(snapshot: Snapshot) -> bytes:
    """The scrollback as far as it was taken, then the screen, the cursor in its place."""
    parts = ["\x1b[m", _paint(snapshot, snapshot.rows, snapshot.cols), _cursor(snapshot, snapshot.rows, snapshot.cols)]
    parts.append("\x1b[?25h" if snapshot.cursor.visible else "\x1b[?25l")
    if snapshot.title:
        parts.append(f"\x1b]2;{snapshot.title}\x1b\\")
    return "".join(parts).encode(errors="replace")


def restore(snapshot: Snapshot, rows: int = 0, cols: int = 0) -> bytes:
    """What lets a fresh terminal of that size (0: as large as the screen) go on where the snapshot was taken.

    A smaller terminal gets the part around the cursor of the normal screen, the upper left of the alternate one.
    """
    rows, cols = rows or snapshot.rows, cols or snapshot.cols
    under = snapshot.primary
    parts: list[str] = []
    if under is not None:
        parts += [_paint(under, rows, cols), _cursor(under, rows, cols), _keyboard(under)]
        parts.append(under.pen.decode(errors="replace"))
    if snapshot.alternate:
        parts.append("\x1b[?1049h\x1b[m")
    parts += [_paint(snapshot, rows, cols), *_margins(snapshot, rows), _cursor(snapshot, rows, cols)]
    parts += [*_wrap(snapshot, cols), _keyboard(snapshot), snapshot.pen.decode(errors="replace")]
    parts += [_switch(number) for number in snapshot.modes if number not in _NOT_REPEATED]
    shape = _shape(snapshot)
    if shape:
        parts.append(f"\x1b[{shape} q")
    if snapshot.modify_keys:
        parts.append(f"\x1b[>4;{snapshot.modify_keys}m")
    if snapshot.title:
        parts.append(f"\x1b]2;{snapshot.title}\x1b\\")
    return "".join(parts).encode(errors="replace") + snapshot.unfinished


def _paint(snapshot: Snapshot, rows: int, cols: int) -> str:
    """The screen from the upper left on a terminal of that size. On the normal screen, what the terminal showed before
    and the scrollback go out at the top, into the terminal's own scrollback."""
    first = _first_row(snapshot, rows)
    if snapshot.alternate:
        shown = snapshot.lines[:rows]
        return "\x1b[H\x1b[2J" + "".join(f"\x1b[{y + 1}H{paint_line(x, cols)}" for y, x in enumerate(shown) if x.runs)
    lines = [*snapshot.scrollback, *snapshot.lines[: first + rows]]
    parts = [f"\x1b[{rows};1H", "\n" * rows, "\x1b[H", snapshot.history.decode(errors="replace")]
    wrapped = False
    for line, following in pairwise([*lines, Line()]):
        pushed = _pushes(line, following, cols)
        parts.append(paint_line(line, cols - pushed))
        if wrapped and line.cells < cols:
            parts.append("\x1b[K")  # a row that was begun by wrapping has the background of its first character
        wrapped = pushed or (line.wrapped and bool(following.runs) and line.cells == cols)
        parts.append("" if wrapped else "\r\n")
    return "".join(parts[:-1])


def _pushes(line: Line, following: Line, cols: int) -> bool:
    """Whether the row goes on in the next because a wide character did not fit into its last cell: the terminal does
    the same again, if that cell is left out. It fills the cell in the style of that character: where the cell looks
    otherwise, it is painted, and the rows belong together no more."""
    if not (line.wrapped and following.runs and following.runs[0].wide and line.runs):
        return False
    if line.cells == cols - 1:
        return following.runs[0].style == PLAIN
    last = line.runs[-1]
    return line.cells == cols and last.text.endswith(" ") and last.style == following.runs[0].style


def _first_row(snapshot: Snapshot, rows: int) -> int:
    """The first row that is shown in a terminal of so many."""
    return 0 if snapshot.alternate else max(0, min(snapshot.cursor.row - rows + 1, snapshot.rows - rows))


def _cursor(snapshot: Snapshot, rows: int, cols: int) -> str:
    row = min(max(0, snapshot.cursor.row - _first_row(snapshot, rows)), rows - 1)
    column = min(snapshot.cursor.column, cols - 1)
    if 6 in snapshot.modes:  # then rows and columns count from the margins
        row -= (snapshot.region or (1, 0))[0] - 1
        column -= (snapshot.margins or (1, 0))[0] - 1
    return f"\x1b[{max(row, 0) + 1};{max(column, 0) + 1}H"


def _margins(snapshot: Snapshot, rows: int) -> list[str]:
    parts = []
    if snapshot.region is not None and snapshot.region[1] <= rows:
        parts.append("\x1b[{};{}r".format(*snapshot.region))
    if 69 in snapshot.modes:
        parts.append("\x1b[?69h")
        if snapshot.margins is not None:
            parts.append("\x1b[{};{}s".format(*snapshot.margins))
    if 6 in snapshot.modes:
        parts.append("\x1b[?6h")
    return parts


def _wrap(snapshot: Snapshot, cols: int) -> list[str]:
    """A cursor that stands behind the last column gets there only by writing the last character again."""
    if not snapshot.cursor.pending_wrap or cols != snapshot.cols or snapshot.cursor.row >= len(snapshot.lines):
        return []
    line = snapshot.lines[snapshot.cursor.row]
    if line.cells < snapshot.cols:  # what was written there has been moved away
        return [" "]
    last = line.runs[-1]
    return ["\x1b[D" if last.wide else "", sgr(last.style), characters(last)[-1], "\x1b[m"]


def _keyboard(snapshot: Snapshot) -> str:
    return f"\x1b[>{snapshot.kitty_flags}u" if snapshot.kitty_flags else ""


def _shape(snapshot: Snapshot) -> int:
    cursor = snapshot.cursor
    plain = cursor.shape == "block" and not cursor.blinking
    return 0 if plain else _SHAPES[cursor.shape] - cursor.blinking


def _switch(number: int) -> str:
    on = not SWITCHES.get(number, False)
    if number == 66:  # as programs write it
        return "\x1b=" if on else "\x1b>"
    return f"\x1b[{'?' if number >= 0 else ''}{abs(number)}{'h' if on else 'l'}"
