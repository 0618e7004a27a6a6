"""Descriptors 0, 1 and 2 of a process that was started without some of them.

Left as they are, the next file or socket takes such a number, and what is printed ends up in there.
"""

from __future__ import annotations

import os
import sys

#: How each is opened: nothing to read; writing what somebody asked for fails; what is said besides goes nowhere.
_FLAGS = (os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)


def open_missing() -> None:
    """Put /dev/null in the place of every closed standard descriptor. To be called before anything is opened."""
    if sys.stdin and sys.stdout and sys.stderr:  # Python leaves those None whose descriptors are closed
        return
    for fd, flags in enumerate(_FLAGS):
        try:
            os.fstat(fd)
        except OSError:
            os.set_inheritable(os.open(os.devnull, flags), True)  # the lowest that is free: this one
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
