"""Linux calls that have no portable form. Stdlib only; imported by the keeper, so it stays small."""

from __future__ import annotations

import _thread
import fcntl
import os

_PR_SET_CHILD_SUBREAPER = 36
_TIOCSIG = 0x40045436  # asm-generic; the same on x86-64 and arm64

_fence_lock = _thread.allocate_lock()


def full_fence() -> None:
    """Order every store before it against every load after it, across processes.

    Taking and releasing a lock are locked instructions on x86-64; on arm64 the release followed by the next acquire
    orders them. About 50 ns; nothing in the standard library is cheaper.
    """
    _fence_lock.acquire()
    _fence_lock.release()
    if _WEAK:
        _fence_lock.acquire()
        _fence_lock.release()


_WEAK = os.uname().machine not in ("x86_64", "i686")


def sealed_memory_file(name: str, size_bytes: int) -> int:
    """An anonymous memory file of that size, sealed against resizing. Source: memfd_create(2)."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(fd, size_bytes)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    except BaseException:
        os.close(fd)
        raise
    return fd


def become_subreaper() -> None:
    """Adopt orphaned descendants; survives exec, is not inherited by children. Source: prctl(2)."""
    import ctypes  # 2 MB: only the launcher pays for it, not the keeper that it becomes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def interrupt_foreground(master: int, signal_number: int) -> None:
    """Send a signal to the foreground process group of a PTY, whatever its mode. Source: tty_ioctl(4), TIOCSIG."""
    fcntl.ioctl(master, _TIOCSIG, signal_number)


def boot_id() -> str:
    """Identity of this boot: a pid and a start time mean something only together with it."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def process_start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (field 22 of /proc/pid/stat); None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        return None
    # The command name may contain blanks and parentheses: count from the last one.
    return int(stat.rpartition(b")")[2].split()[19])
