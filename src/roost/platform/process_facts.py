"""More of what /proc says about one process: since when it runs, what it was started with, whether it is there at all.

A process is still named by pid and start ticks (`roost.platform.processes`); the times here are for people and for
comparing with times that other programs wrote down.
"""

from __future__ import annotations

import os
import time

from roost.platform.processes import Process

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def boot_time() -> float:
    """When this machine booted, in Unix seconds by the clock as it is set now."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def started_at(process: Process, booted_at: float) -> float:
    """When a process started, in Unix seconds. Source: proc_pid_stat(5), starttime."""
    return booted_at + process.start_ticks / _TICKS_PER_S


def command_line(pid: int) -> list[str]:
    """The argv of a process; empty when it has none (a kernel thread, a zombie) or it cannot be read."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            raw = file.read()
    except OSError:
        return []
    return [arg.decode("utf-8", "replace") for arg in raw.removesuffix(b"\0").split(b"\0")] if raw else []


def exists(pid: int) -> bool:
    """Whether a process has that pid, also where /proc hides it. Source: pidfd_open(2)."""
    try:
        os.close(os.pidfd_open(pid))
    except (OSError, OverflowError):
        return False
    return True
