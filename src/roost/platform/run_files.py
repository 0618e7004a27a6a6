"""Files of one directory, each written whole or not at all, and the question whether a process is still that one.

Owns the writing by temporary file and rename. Knows nothing of what the files say.
"""

from __future__ import annotations

import contextlib
import os

from roost.platform.linux import boot_id
from roost.platform.processes import read_process

#: What a file under way is called; readers pass it over.
TEMPORARY = ".tmp"


def write_whole(path: str, data: bytes) -> None:
    """Put a file there that readers see whole or not at all, mode 0600. Raises OSError."""
    temporary = f"{path}.{os.getpid()}{TEMPORARY}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(fd, rest) :]
        finally:
            os.close(fd)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def runs_still(pid: int, start_ticks: int, boot: str) -> bool:
    """Whether the process of that boot, pid and start is there and has not ended."""
    if boot != boot_id():
        return False
    process = read_process(pid)
    return process is not None and process.start_ticks == start_ticks and process.state not in "ZX"
