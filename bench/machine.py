"""Facts about the machine and its processes, read from /proc. Starts and ends nothing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_PRESENT = 1 << 63
_FRAME_MASK = (1 << 55) - 1


def facts() -> dict[str, str]:
    """What a reader must know to compare the numbers with others."""
    model = next((line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if "model name" in line), "unknown")
    memory = next((line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0")
    return {
        "cores": str(os.cpu_count()),
        "cpu": model,
        "kernel": platform.release(),
        "memory": f"{int(memory) // 1024} MB",
        "python": sys.version.split()[0],
        "load": f"{os.getloadavg()[0]:.2f} at start",
        "dtach": _version("dtach", "--version"),
        "tmux": _version("tmux", "-V"),
        "screen": _version("screen", "--version"),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def _version(program: str, option: str) -> str:
    if not shutil.which(program):
        return "missing"
    done = subprocess.run([program, option], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).splitlines()[0].strip()


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def parent(pid: int) -> int:
    """Whose child a process is; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def carrying(text: str) -> list[int]:
    """Processes, other than this one, that have a text in their command line or environment."""
    wanted = text.encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if any(wanted in (entry / part).read_bytes() for part in ("cmdline", "environ")):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def resident_bytes(pid: int) -> int:
    """Resident memory of one process, shared pages included."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE


def resident_once_bytes(pids: Iterable[int]) -> int:
    """Resident memory of several processes, each physical page counted once however many of them map it.

    Exact by page frames where /proc/PID/pagemap shows them (root); else the sum of proportional set sizes, which is
    lower wherever a page is shared with a process that was not asked about.
    """
    pids = list(pids)
    frames: set[int] = set()
    for pid in pids:
        frames |= _frames(pid)
    if len(frames) > 1:
        return len(frames) * _PAGE
    return sum(proportional_bytes(pid) for pid in pids)


def _frames(pid: int) -> set[int]:
    frames: set[int] = set()
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        for line in _lines(f"/proc/{pid}/maps"):
            low, high = (int(part, 16) for part in line.split()[0].split("-"))
            if low >= 1 << 47:
                continue  # the kernel's own page of system calls
            pagemap.seek(low // _PAGE * 8)
            entries = memoryview(pagemap.read((high - low) // _PAGE * 8)).cast("Q")
            frames.update(entry & _FRAME_MASK for entry in entries if entry & _PRESENT)
    return frames


def proportional_bytes(pid: int) -> int:
    """Proportional set size of one process: shared pages divided by the number of sharers."""
    line = next(line for line in _lines(f"/proc/{pid}/smaps_rollup") if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024


def cpu_ns(pid: int) -> int:
    """Time on a processor of all threads of a process, in nanoseconds."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return total
