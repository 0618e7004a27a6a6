"""How numbers are told to people. Pure and light."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """`1 session`, `12,345 bytes`: the noun is given in the singular and takes an s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def show_duration(seconds: float) -> str:
    """The largest two units of a duration: `45s`, `3m 20s`, `2h 5m`, `6d 1h`."""
    whole = int(seconds)
    for unit_s, name, smaller_s, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= unit_s:
            rest = whole % unit_s // smaller_s
            return f"{whole // unit_s}{name} {rest}{smaller}" if rest else f"{whole // unit_s}{name}"
    return f"{whole}s"
