"""The number of a daemon's life: each daemon of a scope gets a greater one than every daemon before it.

Owns the file that the number is kept in. Event ids begin with it, so that they rise across restarts.
"""

from __future__ import annotations

import contextlib
import os


def next_epoch(path: str) -> int:
    """The number of this life, stored before it is used. A file that cannot be read counts as none. Raises OSError."""
    last = 0
    with contextlib.suppress(OSError, ValueError), open(path, encoding="ascii") as file:
        last = int(file.read(32))
    epoch = last + 1
    fresh = f"{path}.{os.getpid()}"
    with open(fresh, "w", encoding="ascii", opener=_private) as file:
        file.write(f"{epoch}\n")
    os.replace(fresh, path)
    return epoch


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
