"""Fonts for pictures: the monospaced one of this system with its bold and slanted sisters; others for what it lacks.

Owns where fonts are found and which has which character. Pillow does not say what a font has: a character that looks
like one that no font has is missing.
"""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

from roost.errors import InvalidError

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_PLACES = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/dejavu-sans-mono-fonts/DejaVuSansMono.ttf",
    "/usr/share/fonts/TTF/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationMono-Regular.ttf",
    "/usr/share/fonts/liberation-mono/LiberationMono-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansMono-Regular.ttf",
)
_FORMATS = (".ttf", ".otf", ".ttc")
#: No font has it.
_MISSING = "\U0010ffff"
#: How long the system may take in all to name other fonts, for one picture or film.
_ASK_TIMEOUT_S = 1.0


class Fonts:
    """The fonts of one picture or film."""

    def __init__(self, file: str, size_px: int) -> None:
        """`file`: the plain one; the system's if none is given. Raises InvalidError for what is no font."""
        self._file = file or _system_font()
        self._size_px = size_px
        self.plain = self._open(self._file)
        self._styles: dict[tuple[bool, bool], FreeTypeFont] = {(False, False): self.plain}
        self._others: dict[str, FreeTypeFont] = {}
        self._known: dict[tuple[str, bool, bool], FreeTypeFont] = {}
        self._blanks: dict[int, bytes] = {}
        self._left_s = _ASK_TIMEOUT_S

    def of(self, character: str, *, bold: bool, italic: bool) -> FreeTypeFont:
        """The font for a character in a style; the plain one if none has it."""
        key = (character, bold, italic)
        font = self._known.get(key)
        if font is None:
            font = self._known[key] = self._find(character[0], bold=bold, italic=italic)
        return font

    def _find(self, character: str, *, bold: bool, italic: bool) -> FreeTypeFont:
        styled = self._styled(bold=bold, italic=italic)
        if character.isascii() or self._has(styled, character):
            return styled
        others = (font for font in (self.plain, *self._others.values()) if self._has(font, character))
        return next(others, None) or self._other(character) or styled

    def _styled(self, *, bold: bool, italic: bool) -> FreeTypeFont:
        font = self._styles.get((bold, italic))
        if font is None:
            file = _sister(self._file, bold=bold, italic=italic)
            font = self._styles[bold, italic] = self.plain if file == self._file else self._open(file)
        return font

    def _other(self, character: str) -> FreeTypeFont | None:
        if self._left_s <= 0:
            return None
        began = time.monotonic()
        file = _ask_system(f":charset={ord(character):x}", self._left_s)
        self._left_s -= time.monotonic() - began
        if not file or file in self._others or file == self._file:
            return None
        try:
            font = self._open(file)
        except InvalidError:  # of one size only, as fonts of coloured pictures are
            return None
        self._others[file] = font
        return font if self._has(font, character) else None

    def _has(self, font: FreeTypeFont, character: str) -> bool:
        blank = self._blanks.get(id(font))
        if blank is None:
            blank = self._blanks[id(font)] = bytes(font.getmask(_MISSING))
        return bytes(font.getmask(character)) != blank

    def _open(self, file: str) -> FreeTypeFont:
        from PIL import ImageFont

        if not file:
            found = ImageFont.load_default(self._size_px)
            assert isinstance(found, ImageFont.FreeTypeFont)
            return found
        try:
            return ImageFont.truetype(file, self._size_px)
        except OSError as error:
            raise InvalidError(f"{file} cannot be used as a font: {error}") from error


def _system_font() -> str:
    """The monospaced font of this system, "" if none is found."""
    return next((place for place in _PLACES if os.path.exists(place)), "") or _ask_system("monospace")


def _ask_system(pattern: str, timeout_s: float = _ASK_TIMEOUT_S) -> str:
    try:
        asked = subprocess.run(
            ["fc-match", "-f", "%{file}", pattern],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout if asked.stdout.endswith(_FORMATS) else ""


def _sister(file: str, *, bold: bool, italic: bool) -> str:
    """A font in another style, the font itself if there is none."""
    stem, extension = os.path.splitext(file)
    stem = stem.removesuffix("-Regular")
    weight = "Bold" if bold else ""
    slants = ("Oblique", "Italic", "") if italic else ("",)
    names = (f"{stem}-{weight}{slant}{extension}" for slant in slants if weight or slant)
    return next((name for name in names if os.path.exists(name)), file)
