"""How much memory a process has resident. Source: proc(5), statm."""

from __future__ import annotations

import os

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
#: More than seven numbers need.
_STATM_BYTES = 256


def resident_bytes(pid: int) -> int | None:
    """Its resident memory; None where that is not told (it has ended, or this is no Linux)."""
    try:
        fd = os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return int(os.read(fd, _STATM_BYTES).split()[1]) * _PAGE_BYTES
        finally:
            os.close(fd)
    except (OSError, ValueError, IndexError):
        return None
