"""The one place where Linux shows. Everything else asks this package; another system gets a module beside `linux`."""

from __future__ import annotations

import sys

if sys.platform != "linux":  # pragma: no cover - the boundary for a port
    raise ImportError(f"roost runs on Linux; {sys.platform} has no platform module yet")

from roost.platform.linux import (
    become_subreaper,
    boot_id,
    clock_ticks,
    full_fence,
    interrupt_foreground,
    open_terminal,
    process_start_ticks,
    sealed_memory_file,
)

__all__ = [
    "become_subreaper",
    "boot_id",
    "clock_ticks",
    "full_fence",
    "interrupt_foreground",
    "open_terminal",
    "process_start_ticks",
    "sealed_memory_file",
]
