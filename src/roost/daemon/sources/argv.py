"""A command line as it is told in events: bounded, and read in the short time in which it can be.

Owns the bound. Knows nothing of who asks.
"""

from __future__ import annotations

from typing import Any

#: Of one command line, in bytes; builds pass tens of kilobytes to a linker.
_MOST_BYTES = 8192


def read_argv(pid: int) -> list[str] | None:
    """The argv of a process; None when it is too late: it has ended, or is a zombie."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb", buffering=0) as file:
            raw = file.read(_MOST_BYTES + 1)
    except OSError:
        return None
    return split_argv(raw)


def split_argv(raw: bytes | None) -> list[str] | None:
    """Words of a raw command line; None of an empty one."""
    if not raw:
        return None
    words = raw[:_MOST_BYTES].removesuffix(b"\0").split(b"\0")
    if len(raw) > _MOST_BYTES:
        words.append("…".encode())
    return [word.decode("utf-8", "replace") for word in words]


def ending(status: int) -> dict[str, Any]:
    """Code or signal of a wait status. Source: wait(2)."""
    signal_number = status & 0x7F
    return {"code": None if signal_number else status >> 8 & 0xFF, "signal": signal_number or None}
