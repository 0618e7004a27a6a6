"""Screens as SVG. Pure.

Owns how a line, a cursor and a whole screen are drawn, and the document around them. Lines that look alike are drawn
once and used wherever they are seen, in one screen or in many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from roost.screen.formats.sgr import characters
from roost.screen.pictures.theme import DARK, Colours, Theme, hexed
from roost.screen.snapshot import Line, Run, Snapshot, Style

CELL_W, CELL_H = 8.4, 18
FONT_PX = 14
PADDING = 12
_BASELINE = 13.5
_FONTS = "ui-monospace, 'JetBrains Mono', 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
_UNDERLINES = {1: "", 2: " double", 3: " wavy", 4: " dotted", 5: " dashed"}


def still(screen: Snapshot, theme: Theme = DARK) -> str:
    """One screen."""
    strip = Strip(theme)
    body = strip.frame(screen)
    return document(screen.rows, screen.cols, theme, strip.definitions(), body)


def document(rows: int, cols: int, theme: Theme, definitions: str, body: str, style: str = "") -> str:
    """The whole file: `body` in a window of that many cells. `definitions`: the lines that it uses."""
    width, height = width_of(cols), rows * CELL_H
    outer_w, outer_h = width + 2 * PADDING, height + 2 * PADDING
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(outer_w)} {number(outer_h)}" '
        f'width="{number(outer_w)}" height="{number(outer_h)}">'
        f"<style>text{{font-family:{_FONTS};font-size:{FONT_PX}px;white-space:pre;direction:ltr;unicode-bidi:bidi-override}}{style}</style>"
        f'<rect width="100%" height="100%" rx="8" fill="{hexed(theme.background)}"/>'
        f"<defs>{definitions}</defs>"
        f'<svg x="{PADDING}" y="{PADDING}" width="{number(width)}" height="{number(height)}">{body}</svg>'
        "</svg>\n"
    )


class Strip:
    """Frames that share their lines."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._lines: dict[tuple[Line, object], str] = {}
        self._drawn: list[str] = []

    def frame(self, screen: Snapshot) -> str:
        """One frame: its background, its lines, its cursor."""
        colours = Colours(self._theme, screen.palette)
        parts = []
        if colours.background != self._theme.background:
            size = f'width="{number(width_of(screen.cols))}" height="{screen.rows * CELL_H}"'
            parts.append(f'<rect {size} fill="{hexed(colours.background)}"/>')
        for row, line in enumerate(screen.lines):
            if line.runs:
                parts.append(f'<use href="#{self._line(line, screen, colours)}" y="{row * CELL_H}"/>')
        if screen.cursor.visible:
            parts.append(_cursor(screen, colours))
        return "".join(parts)

    def _line(self, line: Line, screen: Snapshot, colours: Colours) -> str:
        key = (line, screen.palette)
        name = self._lines.get(key)
        if name is None:
            name = self._lines[key] = f"l{len(self._lines)}"
            drawn = _backgrounds(line.runs, colours) + "".join(_text(run, colours) for run in line.runs)
            self._drawn.append(f'<g id="{name}">{drawn}</g>')
        return name

    def definitions(self) -> str:
        """The lines that were used so far."""
        return "".join(self._drawn)


def _backgrounds(runs: Sequence[Run], colours: Colours) -> str:
    parts = []
    for run in runs:
        background = colours.look(run.style).background
        if background is not None:
            place = f'x="{number(run.column * CELL_W)}" width="{number(run.cells * CELL_W)}" height="{CELL_H}"'
            parts.append(f'<rect {place} fill="{hexed(background)}"/>')
    return "".join(parts)


def _text(run: Run, colours: Colours) -> str:
    style = run.style
    if (not run.text.strip() and not _has_lines(style)) or style.invisible:
        return ""
    attributes = f' y="{_BASELINE}" lengthAdjust="spacingAndGlyphs" fill="{hexed(colours.look(style).foreground)}"'
    if style.bold:
        attributes += ' font-weight="bold"'
    if style.italic:
        attributes += ' font-style="italic"'
    lines = decoration(style, colours)
    if lines:
        attributes += f' style="text-decoration:{lines}"'
    return "".join(
        f'<text x="{number(piece.column * CELL_W)}" textLength="{number(piece.cells * CELL_W)}"{attributes}>'
        f"{escaped(piece.text)}</text>"
        for piece in _pieces(run)
    )


def _pieces(run: Run) -> Sequence[Run]:
    """What is drawn as one text: a run, but characters of several code points each by itself in its cells, because what
    draws them may make one glyph of several."""
    width = 2 if run.wide else 1
    if len(run.text) * width == run.cells:
        return (run,)
    placed = enumerate(characters(run))
    return [replace(run, column=run.column + n * width, text=text, cells=width) for n, text in placed]


def _has_lines(style: Style) -> bool:
    return bool(style.underline or style.strikethrough or style.overline)


def decoration(style: Style, colours: Colours) -> str:
    """The lines of a style, in the words of CSS; empty without any."""
    names = [
        name
        for name, there in (
            ("underline", style.underline),
            ("line-through", style.strikethrough),
            ("overline", style.overline),
        )
        if there
    ]
    if not names:
        return ""
    colour = "" if style.underline_colour is None else f" {hexed(colours.rgb(style.underline_colour, (0, 0, 0)))}"
    return " ".join(names) + _UNDERLINES.get(style.underline, "") + colour


def _cursor(screen: Snapshot, colours: Colours) -> str:
    cursor = screen.cursor
    left, top = min(cursor.column, screen.cols - 1) * CELL_W, cursor.row * CELL_H
    width, height = CELL_W, float(CELL_H)
    if cursor.shape == "bar":
        width = 2.0
    elif cursor.shape == "underline":
        top, height = top + CELL_H - 2, 2.0
    place = f'x="{number(left)}" y="{number(top)}" width="{number(width)}" height="{number(height)}"'
    opacity = ' opacity="0.6"' if cursor.shape == "block" else ""
    return f'<rect {place} fill="{hexed(colours.cursor)}"{opacity}/>'


def width_of(cols: int) -> float:
    """How wide so many columns are."""
    return cols * CELL_W


def number(value: float, digits: int = 2) -> str:
    """A number as short as it can be written."""
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def escaped(text: str) -> str:
    """Text for XML, without the characters that it cannot have. Source: XML 1.0, production 2."""
    kept = "".join(
        char if char >= " " and char not in "\ufffe\uffff" and not "\ud800" <= char <= "\udfff" else "\ufffd"
        for char in text
    )
    return kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
