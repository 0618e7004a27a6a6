"""A screen at one moment, as data: lines of styled runs, the cursor, title and modes. Pure; every format is made of it.

Owns the types, the plain text of a line and the hash by which two screens are compared. Knows no emulator.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TypeAlias

#: None is the terminal's own, a number one of its 256, three numbers red, green and blue.
Colour: TypeAlias = int | tuple[int, int, int] | None

_HASH_BYTES = 12


@dataclass(frozen=True, slots=True)
class Style:
    """How characters look. underline: 0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed. link: where it leads."""

    foreground: Colour = None
    background: Colour = None
    underline_colour: Colour = None
    bold: bool = False
    faint: bool = False
    italic: bool = False
    blink: bool = False
    inverse: bool = False
    invisible: bool = False
    strikethrough: bool = False
    overline: bool = False
    underline: int = 0
    link: str = ""

    def set_fields(self) -> dict[str, object]:
        """What differs from plain text, by name."""
        given = ((item.name, getattr(self, item.name)) for item in fields(self))
        # Number 0 of the palette is a colour; underline 0 is none.
        return {
            name: value
            for name, value in given
            if value is not None and value is not False and value != "" and (value != 0 or name != "underline")
        }


PLAIN = Style()


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring cells of one style. column: of the first, from 0. cells: how many it takes. wide: each character
    takes two of them. Combining characters belong to the one before them."""

    column: int
    text: str
    cells: int
    style: Style = PLAIN
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One row. Unwritten cells at its end are left out, those between runs are spaces. wrapped: goes on in the next."""

    runs: tuple[Run, ...] = ()
    wrapped: bool = False

    @property
    def text(self) -> str:
        """What it says, without spaces at the end."""
        return "".join(run.text for run in self.runs).rstrip(" ")

    @property
    def cells(self) -> int:
        """How many cells from the left are taken."""
        return self.runs[-1].column + self.runs[-1].cells if self.runs else 0


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next character goes, from 0. pending_wrap: behind the last column. shape: block, underline, bar."""

    row: int = 0
    column: int = 0
    visible: bool = True
    shape: str = "block"
    blinking: bool = False
    pending_wrap: bool = False


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours that the program has changed: the terminal's own two, the cursor's, and numbered ones."""

    foreground: tuple[int, int, int] | None = None
    background: tuple[int, int, int] | None = None
    cursor: tuple[int, int, int] | None = None
    numbered: tuple[tuple[int, tuple[int, int, int]], ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A screen. offset: of the stream byte behind the last one that took part.

    lines: as many as `rows`. scrollback: what scrolled out of the top, oldest first, as far as it was asked for;
    scrollback_lines: how many there are. primary: the lines of the normal screen while the alternate one is shown, if
    asked for. history: the newest lines of scrollback as what writes them, in place of `scrollback`. pen: what sets the
    style that the next character will have. unfinished: the beginning of a sequence or character whose end is still to
    come. approximate: begun in the midst of the output, parts may be wrong or missing.
    modes: numbers that are not as in a fresh terminal; of private modes, and negative of ANSI ones. region: first and
    last row that scroll, from 1, if not all do; margins: the same of columns. kitty_flags, modify_keys: keyboard modes.
    """

    rows: int
    cols: int
    lines: tuple[Line, ...]
    cursor: Cursor = Cursor()
    title: str = ""
    offset: int = 0
    alternate: bool = False
    approximate: bool = False
    scrollback: tuple[Line, ...] = ()
    scrollback_lines: int = 0
    primary: Snapshot | None = None
    palette: Palette = Palette()
    history: bytes = b""
    pen: bytes = b""
    unfinished: bytes = b""
    modes: tuple[int, ...] = ()
    region: tuple[int, int] | None = None
    margins: tuple[int, int] | None = None
    kitty_flags: int = 0
    modify_keys: int = 0

    @property
    def hash(self) -> str:
        """Equal for screens that look the same: contents, styles, cursor, size, title. Offsets do not count."""
        import hashlib  # here: it brings OpenSSL along, and a daemon that shows no screen needs none

        digest = hashlib.blake2b(digest_size=_HASH_BYTES)
        seen = (self.rows, self.cols, self.alternate, self.title, self.cursor, self.palette)
        digest.update(repr(seen).encode())
        styles: dict[Style, bytes] = {}
        for line in self.lines:
            for run in line.runs:
                style = styles.get(run.style)
                if style is None:
                    style = styles[run.style] = repr(run.style).encode()
                digest.update(b"%d\0%s\0%s\0" % (run.column, run.text.encode(errors="surrogatepass"), style))
            digest.update(b"\n")
        return digest.hexdigest()


def unrolled(snapshot: Snapshot) -> Snapshot:
    """The same with its scrollback (as far as it was taken) as part of a taller screen: for pictures."""
    above = len(snapshot.scrollback)
    if not above:
        return snapshot
    cursor = replace(snapshot.cursor, row=snapshot.cursor.row + above)
    lines = (*snapshot.scrollback, *snapshot.lines)
    return replace(snapshot, rows=snapshot.rows + above, lines=lines, cursor=cursor, scrollback=())


def text_lines(snapshot: Snapshot, *, scrollback: bool = True) -> list[str]:
    """What the scrollback (as far as it was taken) and the screen say, line by line."""
    lines = (*snapshot.scrollback, *snapshot.lines) if scrollback else snapshot.lines
    return [line.text for line in lines]
