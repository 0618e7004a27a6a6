"""What tests want to know of the screen worker."""

from __future__ import annotations

from pathlib import Path

from support.instance import Instance


def worker_of(instance: Instance) -> int:
    """The pid of the screen worker; 0 without one."""
    daemon = instance.status()["pid"]
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            if parent == daemon and b"roost.screen.worker" in (path.parent / "cmdline").read_bytes():
                return int(path.parent.name)
        except OSError:
            continue
    return 0
