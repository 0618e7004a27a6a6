"""Linux calls that have no portable form. Stdlib only; imported by the keeper, so it stays small."""

from __future__ import annotations

import _thread
import fcntl
import os
import sys
import time

_PR_SET_CHILD_SUBREAPER = 36
# asm-generic; the same on x86-64 and arm64
_TIOCSIG = 0x40045436
_TIOCSPTLCK = 0x40045431
_TIOCGPTN = 0x80045430
_TIOCGPTPEER = 0x5441
_TIOCSWINSZ = 0x5414
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")

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


def open_terminal(rows: int, cols: int) -> tuple[int, int, str]:
    """A new PTY of that size: master (non-blocking), slave, and the slave's path. Source: pts(4), ioctl_tty(2).

    Not os.openpty: that sets close-on-exec in a second step, and a child spawned in between would inherit the master.
    """
    master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        fcntl.ioctl(master, _TIOCSPTLCK, bytes(4))
        number = int.from_bytes(fcntl.ioctl(master, _TIOCGPTN, bytes(4)), sys.byteorder)
        slave = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        size = rows.to_bytes(2, sys.byteorder) + cols.to_bytes(2, sys.byteorder) + bytes(4)
        fcntl.ioctl(master, _TIOCSWINSZ, size)
    except BaseException:
        os.close(master)
        raise
    return master, slave, f"/dev/pts/{number}"


def boot_id() -> str:
    """Identity of this boot: a pid and a start time mean something only together with it."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def clock_ticks() -> int:
    """Now, in the unit and from the origin of `process_start_ticks`. Source: proc(5), field 22; time_namespaces(7)."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // _TICK_NS


def process_start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (field 22 of /proc/pid/stat); None when there is none."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            stat = os.read(fd, 4096)
        finally:
            os.close(fd)
    except OSError:
        return None
    # The command name may contain blanks and parentheses: count from the last one.
    return int(stat.rpartition(b")")[2].split()[19])
