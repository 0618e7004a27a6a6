"""Styles as control sequences, and lines made of them. Pure; what is painted for a terminal is built of this."""

from __future__ import annotations

from roost.screen.snapshot import PLAIN, Colour, Line, Run, Style

#: Categories of code points that belong to the character before them: accents, joiners, variation selectors.
_JOINING = frozenset(("Mn", "Me", "Mc", "Cf"))
_FLAGS = (
    ("bold", "1"),
    ("faint", "2"),
    ("italic", "3"),
    ("blink", "5"),
    ("inverse", "7"),
    ("invisible", "8"),
    ("strikethrough", "9"),
    ("overline", "53"),
)


def sgr(style: Style) -> str:
    """What switches to that style, whatever the one before."""
    parts = ["0", *(code for name, code in _FLAGS if getattr(style, name))]
    if style.underline:
        parts.append("4" if style.underline == 1 else f"4:{style.underline}")
    parts += _colour(style.foreground, 30, 38) + _colour(style.background, 40, 48)
    if style.underline_colour is not None:
        colour = style.underline_colour
        parts.append(f"58:5:{colour}" if isinstance(colour, int) else "58:2::{}:{}:{}".format(*colour))
    return f"\x1b[{';'.join(parts)}m"


def _colour(colour: Colour, low: int, extended: int) -> list[str]:
    if colour is None:
        return []
    if isinstance(colour, tuple):
        return [f"{extended};2;{colour[0]};{colour[1]};{colour[2]}"]
    if colour < 8:
        return [str(low + colour)]
    return [str(low + 52 + colour)] if colour < 16 else [f"{extended};5;{colour}"]


def paint_line(line: Line, cols: int) -> str:
    """A line with its styles, cut to so many columns; ends in the plain style. Gaps are left out by moving over them:
    what was there has to be blank."""
    parts: list[str] = []
    column, style = 0, PLAIN
    for run in line.runs:
        if run.column >= cols:
            break
        if run.column > column:
            parts.append(f"\x1b[{run.column - column}C")
        if run.style != style:
            parts.append(_link(style, run.style) + sgr(run.style))
            style = run.style
        parts.append(run.text if run.column + run.cells <= cols else cut(run, cols - run.column))
        column = run.column + run.cells
    if style != PLAIN:
        parts.append(_link(style, PLAIN) + "\x1b[m")
    return "".join(parts)


def _link(before: Style, after: Style) -> str:
    return "" if before.link == after.link else f"\x1b]8;;{after.link}\x1b\\"


def cut(run: Run, cells: int) -> str:
    """The beginning of a run that fits into so many cells."""
    clusters = characters(run)
    return "".join(clusters[: cells // (2 if run.wide else 1)])


def characters(run: Run) -> list[str]:
    """The characters of a run, one a position; combining ones with the one before them."""
    positions = run.cells // (2 if run.wide else 1)
    if len(run.text) == positions:
        return list(run.text)
    import unicodedata

    found: list[str] = []
    for char in run.text:
        if found and (unicodedata.category(char) in _JOINING or "\U0001f3fb" <= char <= "\U0001f3ff"):
            found[-1] += char
        else:
            found.append(char)
    return found
