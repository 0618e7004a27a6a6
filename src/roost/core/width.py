"""How many columns of a terminal letters take. Pure."""

from __future__ import annotations


def letter_width(letter: str) -> int:
    """Columns of one letter: 0 for what combines with the one before it, 2 for wide ones. Source: Unicode UAX #11."""
    import unicodedata  # only where there are other letters than ASCII's

    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def text_width(text: str) -> int:
    """Columns of a text of printable letters."""
    return len(text) if text.isascii() else sum(map(letter_width, text))
