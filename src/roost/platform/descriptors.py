"""How many descriptors this process may still open.

Owns the count. What is kept back for what, and what is said when they run out, is the caller's.
"""

from __future__ import annotations

import fcntl
import os
import resource


def descriptors_left() -> int:
    """How many more descriptors may be opened now; on kernels before 6.2 perhaps fewer than that."""
    try:
        used = os.stat("/proc/self/fd").st_size  # their number since Linux 6.2, 0 before. Source: proc_pid_fd(5)
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0] - (used or _lowest_free())
    except OSError:
        return 0


def _lowest_free() -> int:
    """The number that the next descriptor would get: the kernel gives the lowest."""
    with open(os.devnull, "rb", buffering=0) as file:
        fd = fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, 0)
        os.close(fd)
        return fd
