"""What this machine lets the sources do, found out by trying: for `roost doctor`.

Owns the trials, each of which leaves nothing behind. Imported for that only; runs in a thread, since a kernel that does
not answer is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from roost.daemon.sources.file_fanotify import FANOTIFY
from roost.daemon.sources.network import TRACE
from roost.daemon.sources.process import CONNECTOR
from roost.platform.fanotify import Fanotify
from roost.platform.proc_connector import open_connector
from roost.platform.ptrace import why_not_ours
from roost.platform.socket_trace import SocketTrace


@dataclass(frozen=True, slots=True)
class _Way:
    """A category's best mechanism and what stands in for it."""

    category: str
    source: str
    promise: str
    instead: str
    attempt: Callable[[], None]


def available(without: Collection[str], directory: str) -> list[dict[str, object]]:
    """A line for each category: what will be used, and why nothing better. `directory`: whose file system is tried."""
    ways = (
        _Way("process", CONNECTOR, "exact", "proc-sampling, sampled", lambda: open_connector().close()),
        _Way("file", FANOTIFY, "attributed to processes", "inotify, not attributed", lambda: _try_files(directory)),
        _Way("network", TRACE, "exact for TCP", "sock-diag, sampled", lambda: SocketTrace().close()),
    )
    lines = []
    for way in ways:
        refused = "not to be used ([observe] without)" if way.source in without else _why_not(way.attempt)
        detail = f"{way.instead} ({way.source}: {refused})" if refused else f"{way.source}, {way.promise}"
        if way.category == "process":
            detail += "; --exact by " + (f"nothing better ({why})" if (why := why_not_ours()) else "ptrace")
        lines.append({"name": f"{way.category} events", "ok": True, "detail": detail, "advice": ""})
    return lines


def _why_not(attempt: Callable[[], None]) -> str:
    try:
        attempt()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _try_files(directory: str) -> None:
    watch = Fanotify()
    try:
        watch.mark(directory.encode())
    finally:
        watch.close()
