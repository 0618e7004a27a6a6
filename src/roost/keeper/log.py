"""The keeper's log: a few lines, turned over at 1 MiB, never a reason to fail."""

from __future__ import annotations

import os
import time

_LIMIT_BYTES = 1 << 20


class Log:
    """Appends lines to a file. Every failure is swallowed: the keeper's work matters more than its diary."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def write(self, text: str) -> None:
        """Append one line with the time and our pid."""
        if not self.path:
            return
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime())
        line = f"{stamp} keeper[{os.getpid()}] {text}\n".encode("utf-8", "backslashreplace")
        try:
            # Opened anew each time: the state directory may have been replaced, and an idle keeper holds one less.
            fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            return
        try:
            os.write(fd, line)
            if os.fstat(fd).st_size > _LIMIT_BYTES:
                os.replace(self.path, self.path + ".1")
        except OSError:
            pass
        finally:
            os.close(fd)
