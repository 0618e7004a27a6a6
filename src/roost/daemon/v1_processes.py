"""The process requests of protocol v1 (10 to 12, 20 to 22, 30, 31): what each asks of the registry, and its answer.

Owns v1's defaults and field meanings for processes; the work itself is the registry's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any

from roost.daemon.process_identity import ALIVE, UNKNOWN, ZOMBIE
from roost.daemon.process_spawn import DetachedSpec
from roost.daemon.processes import Processes, Tracked
from roost.daemon.v1 import Ask, Handlers
from roost.wire import daemon_v1_pb2 as pb

_STATES = {
    ALIVE: pb.PROCESS_STATE_ALIVE,
    ZOMBIE: pb.PROCESS_STATE_ZOMBIE,
    UNKNOWN: pb.PROCESS_STATE_UNKNOWN,
}


class V1Processes:
    """The registry, trees, zombies and detached commands."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def handlers(self) -> Handlers:
        """By request type."""
        return {
            pb.REQUEST_TYPE_REGISTER: self._register,
            pb.REQUEST_TYPE_UNREGISTER: self._unregister,
            pb.REQUEST_TYPE_SPAWN_DAEMON: self._spawn_daemon,
            pb.REQUEST_TYPE_LIST_ACTIVE: self._list_active,
            pb.REQUEST_TYPE_LIST_BY_ORIGINATOR: self._list_by_originator,
            pb.REQUEST_TYPE_GET_PROCESS_TREE: self._tree,
            pb.REQUEST_TYPE_KILL_ZOMBIES: self._kill_zombies,
            pb.REQUEST_TYPE_KILL_TREE: self._kill_tree,
        }

    async def _register(self, ask: Ask) -> None:
        p = ask.payload
        await self._processes.register(
            p.pid,
            p.command,
            created_at=p.created_at,
            kind=p.kind,
            cwd=p.cwd,
            originator=p.originator,
            containment=p.containment,
        )
        ask.response.register.SetInParent()

    async def _unregister(self, ask: Ask) -> None:
        await self._processes.unregister(ask.payload.pid)
        ask.response.unregister.SetInParent()

    async def _spawn_daemon(self, ask: Ask) -> None:
        p = ask.payload
        originator = p.originator if p.originator.strip() else ask.request.client_name
        spec = DetachedSpec(
            command=p.command.strip(),
            cwd=p.cwd,
            entries=[(os.fsencode(e.key), os.fsencode(e.value)) for e in p.env],
            policy=p.environment_policy,
            clear=p.clear_inherited_env,
            originator=originator,
            client_pid=ask.connection.peer_pid,
        )
        entry = await self._processes.spawn_detached(spec)
        answer = ask.response.spawn_daemon
        answer.pid = entry.pid
        answer.created_at = entry.created_at
        answer.command = entry.command
        answer.cwd = entry.cwd
        answer.originator = entry.originator
        answer.containment = entry.containment

    async def _list_active(self, ask: Ask) -> None:
        tracked = await self._processes.tracked()
        ask.response.list_active.SetInParent()
        _fill(ask.response.list_active.processes, tracked)

    async def _list_by_originator(self, ask: Ask) -> None:
        tracked = await self._processes.tracked(ask.payload.tool)
        ask.response.list_by_originator.SetInParent()
        _fill(ask.response.list_by_originator.processes, tracked)

    async def _tree(self, ask: Ask) -> None:
        ask.response.get_process_tree.tree_display = await self._processes.tree(ask.payload.pid)

    async def _kill_zombies(self, ask: Ask) -> None:
        zombies = await self._processes.zombies(dry_run=ask.payload.dry_run)
        ask.response.kill_zombies.SetInParent()
        for zombie in zombies:
            ask.response.kill_zombies.zombies.add(
                pid=zombie.entry.pid, command=zombie.entry.command, reason=zombie.reason, killed=zombie.killed
            )

    async def _kill_tree(self, ask: Ask) -> None:
        killed = await self._processes.kill_tree(ask.payload.pid, ask.payload.timeout_seconds)
        ask.response.kill_tree.SetInParent()
        ask.response.kill_tree.processes_killed = killed


def _fill(into: Any, entries: Iterable[Tracked]) -> None:
    now = time.time()
    for tracked in entries:
        entry = tracked.entry
        into.add(
            pid=entry.pid,
            created_at=entry.created_at,
            kind=entry.kind,
            command=entry.command,
            cwd=entry.cwd,
            originator=entry.originator,
            containment=entry.containment,
            registered_at=entry.registered_at,
            uptime_seconds=max(0.0, now - entry.registered_at),
            parent_alive=tracked.verdict.parent_alive,
            state=_STATES.get(tracked.verdict.state, pb.PROCESS_STATE_DEAD),
            last_validated_at=tracked.validated_at,
        )
