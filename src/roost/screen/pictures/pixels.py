"""Screens as pixels, by Pillow.

Owns fonts and cells. Pillow is the extra `picture`; without it the error says how to get it.
"""

from __future__ import annotations

import io
import os
import subprocess
from typing import TYPE_CHECKING, Any

from roost.errors import InvalidError, UnavailableError
from roost.screen.formats.sgr import characters
from roost.screen.pictures.theme import DARK, Colours, Rgb, Theme
from roost.screen.snapshot import Run, Snapshot

if TYPE_CHECKING:
    from PIL import Image, ImageFont

FONT_PX = 16
PADDING = 10
_PLACES = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/dejavu-sans-mono-fonts/DejaVuSansMono.ttf",
    "/usr/share/fonts/TTF/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationMono-Regular.ttf",
    "/usr/share/fonts/liberation-mono/LiberationMono-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansMono-Regular.ttf",
)


class Painter:
    """Paints screens of up to a certain size."""

    def __init__(self, rows: int, cols: int, theme: Theme = DARK, *, font: str = "", font_px: int = FONT_PX) -> None:
        """`font`: a file; the system's monospaced one if none is given. Raises UnavailableError without Pillow."""
        self._pillow = _pillow()
        self._theme = theme
        self._plain = self._open(font or _system_font(), font_px)
        self._bold = self._open(_bold_of(font or _system_font()), font_px)
        self.cell_w = max(1, round(self._plain.getlength("M")))
        self.cell_h = max(1, round(font_px * 1.25))
        self._size = (cols * self.cell_w + 2 * PADDING, rows * self.cell_h + 2 * PADDING)

    def _open(self, file: str, size: int) -> ImageFont.FreeTypeFont:
        from PIL import ImageFont

        if not file:
            found = ImageFont.load_default(size)
            assert isinstance(found, ImageFont.FreeTypeFont)
            return found
        try:
            return ImageFont.truetype(file, size)
        except OSError as error:
            raise InvalidError(f"{file} cannot be used as a font: {error}") from error

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
        font = self._bold if style.bold else self._plain
        step = self.cell_w * (2 if run.wide else 1)
        left = PADDING + run.column * self.cell_w
        if not style.invisible:
            for number, character in enumerate(characters(run)):
                if character.strip():
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
    Painter(screen.rows, screen.cols, theme, font=font).paint(screen).save(out, "PNG", optimize=True)
    return out.getvalue()


def _pillow() -> Any:
    try:
        import PIL.Image
        import PIL.ImageDraw
    except ImportError as error:
        raise UnavailableError("pictures need Pillow: pip install 'roost[picture]' (svg and txt do not)") from error
    return PIL


def _system_font() -> str:
    """The monospaced font of this system, "" if none is found."""
    found = next((place for place in _PLACES if os.path.exists(place)), "")
    if found:
        return found
    try:
        asked = subprocess.run(
            ["fc-match", "-f", "%{file}", "monospace"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout if asked.stdout.endswith((".ttf", ".otf", ".ttc")) else ""


def _bold_of(file: str) -> str:
    """The bold sister of a font, the font itself if there is none."""
    stem, extension = os.path.splitext(file)
    stem = stem.removesuffix("-Regular")
    bold = f"{stem}-Bold{extension}"
    return bold if os.path.exists(bold) else file
