"""Who is below whom, from /proc, as often as somebody looks: for kernels that tell nothing by themselves.

Owns the look at one process: its children and what it runs. What began and ended between two looks was not seen.
"""

from __future__ import annotations

import os

from roost.platform.linux import process_start_ticks


def children(pid: int) -> list[int]:
    """The children of a process. Source: proc_pid_task_tid_children(5), needs CONFIG_PROC_CHILDREN.

    Raises FileNotFoundError when the process is gone, or this kernel has no such file (`has_children_files`).
    """
    found: list[int] = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found.extend(int(word) for word in file.read().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def has_children_files() -> bool:
    """Whether this kernel tells children at all."""
    return os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def identity(pid: int) -> tuple[int, bytes] | None:
    """(start ticks, raw command line) of a process: the second changes with an exec. None when it is gone."""
    ticks = process_start_ticks(pid)
    if ticks is None:
        return None
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return ticks, file.read(1 << 16)
    except OSError:
        return None


def is_zombie(pid: int) -> bool:
    """Whether a process has ended and waits for its parent; also true of none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in b"ZX"
    except OSError:
        return True
