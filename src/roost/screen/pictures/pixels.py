"""Screens as pixels, by Pillow.

Owns cells and how they are filled. Pillow is the extra `picture`; without it the error says how to get it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from roost.errors import InvalidError, UnavailableError
from roost.screen.formats.sgr import characters
from roost.screen.pictures.fonts import Fonts
from roost.screen.pictures.theme import DARK, Colours, Rgb, Theme
from roost.screen.snapshot import Run, Snapshot

if TYPE_CHECKING:
    from PIL import Image

FONT_PX = 16
PADDING = 10
#: Cells of the largest picture: more would take seconds, in a process that shows the other screens too.
MOST_CELLS = 30_000


class Painter:
    """Paints screens of up to a certain size."""

    def __init__(self, rows: int, cols: int, theme: Theme = DARK, *, font: str = "", font_px: int = FONT_PX) -> None:
        """`font`: a file; the system's monospaced one if none is given. Raises UnavailableError without Pillow,
        InvalidError for what is no font and for a screen that is too large."""
        if rows * cols > MOST_CELLS:
            raise InvalidError(
                f"{rows} rows of {cols} columns are too many for a picture of pixels (at most {MOST_CELLS} cells); "
                "show fewer lines, or use svg"
            )
        self._pillow = _pillow()
        self._theme = theme
        self._fonts = Fonts(font, font_px)
        self.cell_w = max(1, round(self._fonts.plain.getlength("M")))
        self.cell_h = max(1, round(font_px * 1.25))
        self._size = (cols * self.cell_w + 2 * PADDING, rows * self.cell_h + 2 * PADDING)

    def paint(self, screen: Snapshot) -> Image.Image:
        """The screen."""
        colours = Colours(self._theme, screen.palette)
        image: Image.Image = self._pillow.Image.new("RGB", self._size, colours.background)
        draw = self._pillow.ImageDraw.Draw(image)
        for row, line in enumerate(screen.lines):
            top = PADDING + row * self.cell_h
            for run in line.runs:
                self._background(draw, run, top, colours)
            for run in line.runs:
                self._run(draw, run, top, colours)
        if screen.cursor.visible:
            self._cursor(draw, screen, colours)
        return image

    def _background(self, draw: Any, run: Run, top: int, colours: Colours) -> None:
        background = colours.look(run.style).background
        if background is not None:
            left = PADDING + run.column * self.cell_w
            right = left + run.cells * self.cell_w - 1
            draw.rectangle((left, top, right, top + self.cell_h - 1), fill=background)

    def _run(self, draw: Any, run: Run, top: int, colours: Colours) -> None:
        style = run.style
        colour = colours.look(style).foreground
        step = self.cell_w * (2 if run.wide else 1)
        left = PADDING + run.column * self.cell_w
        if not style.invisible:
            for number, character in enumerate(characters(run)):
                if character.strip():
                    font = self._fonts.of(character, bold=style.bold, italic=style.italic)
                    draw.text((left + number * step, top), character, font=font, fill=colour)
        right = left + run.cells * self.cell_w - 1
        if style.underline:
            self._underline(draw, left, right, top, style.underline, colours.rgb(style.underline_colour, colour))
        if style.strikethrough:
            draw.line((left, top + self.cell_h // 2, right, top + self.cell_h // 2), fill=colour)
        if style.overline:
            draw.line((left, top, right, top), fill=colour)

    def _underline(self, draw: Any, left: int, right: int, top: int, kind: int, colour: Rgb) -> None:
        bottom = top + self.cell_h - 2
        if kind in (4, 5):
            dash = 2 if kind == 4 else 4
            for at in range(left, right, 2 * dash):
                draw.line((at, bottom, min(at + dash - 1, right), bottom), fill=colour)
        elif kind == 3:
            points = [(at, bottom - (at // 2) % 2) for at in range(left, right + 1)]
            draw.line(points, fill=colour)
        else:
            draw.line((left, bottom, right, bottom), fill=colour)
            if kind == 2:
                draw.line((left, bottom - 2, right, bottom - 2), fill=colour)

    def _cursor(self, draw: Any, screen: Snapshot, colours: Colours) -> None:
        cursor = screen.cursor
        left = PADDING + min(cursor.column, screen.cols - 1) * self.cell_w
        top = PADDING + cursor.row * self.cell_h
        right, bottom = left + self.cell_w - 1, top + self.cell_h - 1
        if cursor.shape == "bar":
            draw.rectangle((left, top, left + 1, bottom), fill=colours.cursor)
        elif cursor.shape == "underline":
            draw.rectangle((left, bottom - 1, right, bottom), fill=colours.cursor)
        else:
            draw.rectangle((left, top, right, bottom), outline=colours.cursor)


def png(screen: Snapshot, theme: Theme = DARK, *, font: str = "") -> bytes:
    """One screen as a PNG."""
    out = io.BytesIO()
    Painter(screen.rows, screen.cols, theme, font=font).paint(screen).save(out, "PNG", compress_level=3)
    return out.getvalue()


def _pillow() -> Any:
    try:
        import PIL.Image
        import PIL.ImageDraw
    except ImportError as error:
        raise UnavailableError("pictures need Pillow: pip install 'roost[picture]' (svg and txt do not)") from error
    return PIL
