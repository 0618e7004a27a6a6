"""The number of a daemon's life: each daemon of a scope gets a greater one than every daemon before it.

Owns the file that the number is kept in. Event ids begin with it, so that they rise across restarts.
"""

from __future__ import annotations

import contextlib
import logging
import os

log = logging.getLogger(__name__)


def next_epoch(path: str) -> int:
    """The number of this life, stored before it is used. A file that cannot be read counts as none.

    A full disk keeps no daemon from its sessions: the number is then written over the one that is there, which takes no
    room. Where not even that can be done, ids of the next life may repeat those of this one; the log says so.
    """
    last = 0
    with contextlib.suppress(OSError, ValueError), open(path, encoding="ascii") as file:
        last = int(file.read(32))
    epoch = last + 1
    try:
        _store(path, epoch)
    except OSError as error:
        log.error("%s cannot be written (%s): ids of events may be given again; free some space", path, error.strerror)
    return epoch


def _store(path: str, epoch: int) -> None:
    fresh = f"{path}.{os.getpid()}"
    try:
        with open(fresh, "w", encoding="ascii", opener=_private) as file:
            file.write(f"{epoch}\n")
        os.replace(fresh, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        with open(path, "r+", encoding="ascii") as file:
            file.write(f"{epoch}\n")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
