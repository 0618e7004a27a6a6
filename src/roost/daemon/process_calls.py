"""Roost's own calls about processes: `processes.list`, `processes.tree`, `processes.kill_tree`, `processes.zombies`.

Owns their parameters and answers; the work is the registry's.
"""

from __future__ import annotations

import time
from typing import Any

from roost.daemon.calls import Calls, Method, Params, Result, check_duration
from roost.daemon.processes import KILL_DEFAULT_S, Processes, Tracked


class ProcessListParams(Params, frozen=True):
    """Which entries to list: with `originator` those whose originator begins with it and a colon."""

    originator: str = ""


class TreeParams(Params, frozen=True):
    """The root of a tree; without one everything that is roost's."""

    pid: int | None = None


class KillTreeParams(Params, frozen=True):
    """The root of a tree, and how long to go on killing it."""

    pid: int
    timeout_s: float = KILL_DEFAULT_S


class ZombieParams(Params, frozen=True):
    """Whether only to look."""

    dry_run: bool = False


class ProcessCalls:
    """Carries them out."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def methods(self) -> dict[str, Method[Any]]:
        """By name."""
        return {
            "processes.list": Method(ProcessListParams, self._list),
            "processes.tree": Method(TreeParams, self._tree),
            "processes.kill_tree": Method(KillTreeParams, self._kill_tree),
            "processes.zombies": Method(ZombieParams, self._zombies),
        }

    async def _list(self, _calls: Calls, p: ProcessListParams, _data: bytes) -> Result:
        return {"processes": [_info(t) for t in await self._processes.tracked(p.originator or None)]}, b""

    async def _tree(self, _calls: Calls, p: TreeParams, _data: bytes) -> Result:
        tree = await (self._processes.forest() if p.pid is None else self._processes.tree(p.pid))
        return {"tree": tree}, b""

    async def _kill_tree(self, _calls: Calls, p: KillTreeParams, _data: bytes) -> Result:
        return {"killed": await self._processes.kill_tree(p.pid, check_duration(p.timeout_s))}, b""

    async def _zombies(self, _calls: Calls, p: ZombieParams, _data: bytes) -> Result:
        found = await self._processes.zombies(dry_run=p.dry_run)
        zombies = [
            {"pid": z.entry.pid, "command": z.entry.command, "reason": z.reason, "killed": z.killed} for z in found
        ]
        return {"zombies": zombies}, b""


def _info(tracked: Tracked) -> dict[str, Any]:
    """One entry. Times in Unix seconds; `created_at` is null when nobody told it."""
    entry, verdict = tracked.entry, tracked.verdict
    return {
        "pid": entry.pid,
        "state": verdict.state,
        "parent_alive": verdict.parent_alive,
        "orphaned": verdict.orphaned,
        "parent_pid": entry.parent_pid or None,
        "created_at": entry.created_at or None,
        "registered_at": entry.registered_at,
        "uptime_seconds": max(0.0, time.time() - entry.registered_at),
        "last_validated_at": tracked.validated_at,
        "kind": entry.kind,
        "command": entry.command,
        "cwd": entry.cwd,
        "originator": entry.originator,
        "containment": entry.containment,
    }
