"""What a recording needs of the daemon around it, and its clock. Knows nothing of sessions and files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from roost.daemon.writer_pool import WriterPool


@dataclass(frozen=True, slots=True)
class RecorderShell:
    """What a recording needs of the daemon. `announce(failing)` says that writing began to fail, or works again."""

    loop: asyncio.AbstractEventLoop
    pool: WriterPool
    save: Callable[[], None]
    announce: Callable[[bool], None]


def now_us() -> int:
    """The clock of recordings: it goes on from daemon to daemon, and stands still while the machine sleeps."""
    return time.monotonic_ns() // 1000
