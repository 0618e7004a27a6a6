"""What people type for times, sizes in bytes and sizes of terminals. Pure parsing; InvalidError shows what is right."""

from __future__ import annotations

import re

from roost.core.sizing import Winsize, check_size
from roost.errors import InvalidError

_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ms|[smhdw])")
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,9})?")
_UNIT_BYTES = {
    "": 1,
    "b": 1,
    "k": 1 << 10,
    "kib": 1 << 10,
    "kb": 1000,
    "m": 1 << 20,
    "mib": 1 << 20,
    "mb": 1000**2,
    "g": 1 << 30,
    "gib": 1 << 30,
    "gb": 1000**3,
}
_BYTES = re.compile(r"(\d{1,15})\s?([a-z]{0,3})")
_SIZE = re.compile(r"(\d{1,9})[xX](\d{1,9})")


def parse_duration(text: str) -> float:
    """Seconds in "2s", "500ms", "1h30m", "1d" or a plain number of seconds."""
    stripped = text.strip()
    if _NUMBER.fullmatch(stripped):
        return float(stripped)
    position, seconds = 0, 0.0
    while part := _DURATION.match(stripped, position):
        seconds += float(part[1]) * _UNIT_S[part[2]]
        position = part.end()
    if not position or position != len(stripped):
        raise InvalidError(f"{text!r} is not a duration; write 500ms, 2s, 5m, 1h30m or 1d")
    return seconds


def parse_bytes(text: str) -> int:
    """Bytes in "4096", "64K", "64M", "1MiB" (powers of 1024) or "64MB" (of 1000)."""
    found = _BYTES.fullmatch(text.strip().lower())
    if found is None or found[2] not in _UNIT_BYTES:
        raise InvalidError(f"{text!r} is not a number of bytes; write 4096, 512K, 64M or 1GiB")
    return int(found[1]) * _UNIT_BYTES[found[2]]


def parse_winsize(text: str) -> Winsize:
    """Rows and columns in "40x120"; zero is left as it is ("keep"). InvalidError also for what no terminal can have."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise InvalidError(f"{text!r} is not a terminal size; write rows and columns as in 40x120")
    return check_size(int(found[1]), int(found[2]), Winsize(0, 0))
