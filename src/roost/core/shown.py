"""How things are shown to people in lines of text: ages, names that cannot move a cursor, aligned columns. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from roost.core.width import text_width


def age(seconds: float) -> str:
    """A length of time as people say it: 5s, 12m, 3h, 2d."""
    whole = max(0, int(seconds))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def printable(text: str) -> str:
    """The text without anything that could move a terminal's cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """The rows as lines with aligned columns, wide letters counted as two; the last column is as long as it likes."""
    plain = "".join(map("".join, rows)).isascii()
    measure, pad = (len, str.ljust) if plain else (text_width, _pad)
    widths = [max(measure(row[at]) for row in rows) for at in range(len(rows[0]) - 1)]
    lines = []
    for row in rows:
        cells = [pad(cell, width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines) + "\n"


def _pad(cell: str, width: int) -> str:
    return cell + " " * (width - text_width(cell))
