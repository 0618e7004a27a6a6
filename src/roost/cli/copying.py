"""Writing bytes to a descriptor, all of them. Light: the short way imports it."""

from __future__ import annotations

import os

_NAMES = {1: "standard output", 2: "standard error"}


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Writes every byte, waiting where the other end is slow or was made non-blocking by somebody else."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            import select

            select.select((), (fd,), ())
        except BrokenPipeError:
            raise
        except OSError as error:
            error.filename = _NAMES.get(fd, f"descriptor {fd}")
            raise
