"""Colours of a picture: the terminal's own two, its 256, and what a style makes of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from roost.screen.snapshot import Colour, Palette, Style

Rgb: TypeAlias = tuple[int, int, int]

_SIXTEEN: tuple[Rgb, ...] = (
    (0x45, 0x4A, 0x5A),
    (0xE0, 0x5A, 0x5A),
    (0x5F, 0xB8, 0x6A),
    (0xD9, 0xB2, 0x4C),
    (0x5A, 0x8F, 0xE0),
    (0xB5, 0x74, 0xD0),
    (0x4C, 0xB5, 0xBE),
    (0xC8, 0xCC, 0xD4),
    (0x6B, 0x70, 0x80),
    (0xF2, 0x80, 0x80),
    (0x86, 0xD6, 0x90),
    (0xF0, 0xCF, 0x74),
    (0x85, 0xB0, 0xF2),
    (0xD0, 0x9C, 0xE8),
    (0x7A, 0xD4, 0xDC),
    (0xF4, 0xF6, 0xFA),
)
_CUBE = (0, 95, 135, 175, 215, 255)


@dataclass(frozen=True, slots=True)
class Theme:
    """foreground and background: of plain text."""

    foreground: Rgb = (0xD6, 0xDA, 0xE2)
    background: Rgb = (0x16, 0x18, 0x20)
    sixteen: tuple[Rgb, ...] = _SIXTEEN


DARK = Theme()
LIGHT = Theme(foreground=(0x24, 0x29, 0x33), background=(0xFB, 0xFB, 0xFD))
THEMES = {"dark": DARK, "light": LIGHT}


@dataclass(frozen=True, slots=True)
class Look:
    """What a cell's colours come to. background: None where it is the screen's own."""

    foreground: Rgb
    background: Rgb | None


class Colours:
    """A theme with what the program changed of it."""

    def __init__(self, theme: Theme, palette: Palette) -> None:
        self._theme = theme
        self._changed = dict(palette.numbered)
        self.foreground = palette.foreground or theme.foreground
        self.background = palette.background or theme.background
        self.cursor = palette.cursor or self.foreground
        self._looks: dict[Style, Look] = {}

    def rgb(self, colour: Colour, default: Rgb) -> Rgb:
        """A colour as red, green and blue."""
        if colour is None:
            return default
        if isinstance(colour, tuple):
            return colour
        return self._changed.get(colour) or numbered(colour, self._theme)

    def look(self, style: Style) -> Look:
        """The colours of a style: bold makes the eight dark ones bright, faint is half way to the background."""
        known = self._looks.get(style)
        if known is None:
            known = self._looks[style] = self._make(style)
        return known

    def _make(self, style: Style) -> Look:
        front = style.foreground
        if style.bold and isinstance(front, int) and front < 8:
            front += 8
        foreground = self.rgb(front, self.foreground)
        background = None if style.background is None else self.rgb(style.background, self.background)
        if style.inverse:
            foreground, background = background or self.background, foreground
        behind = background or self.background
        if style.faint:
            foreground = _between(foreground, behind)
        return Look(behind if style.invisible else foreground, background)


def numbered(number: int, theme: Theme = DARK) -> Rgb:
    """One of the 256 colours. Source: xterm's ctlseqs, 256-colour table."""
    if number < 16:
        return theme.sixteen[number]
    if number < 232:
        place = number - 16
        return _CUBE[place // 36], _CUBE[place // 6 % 6], _CUBE[place % 6]
    grey = 8 + 10 * (number - 232)
    return grey, grey, grey


def _between(one: Rgb, other: Rgb) -> Rgb:
    return (one[0] + other[0]) // 2, (one[1] + other[1]) // 2, (one[2] + other[2]) // 2


def hexed(colour: Rgb) -> str:
    """#rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
