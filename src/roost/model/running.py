"""Programs besides sessions: the registry of processes, and services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from roost.model.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessInfo(Record):
    """One entry of the process registry; no session. Times in Unix seconds.

    state: "alive", "zombie", "gone", "reused" (another process has the pid by now) or "unknown". parent_pid: whose end
    makes it an orphan, None when nobody's does. created_at: as registered, None when not told.
    """

    pid: int
    state: str
    command: str = ""
    kind: str = ""
    cwd: str = ""
    originator: str = ""
    containment: str = ""
    parent_alive: bool = True
    orphaned: bool = False
    parent_pid: int | None = None
    created_at: float | None = None
    registered_at: float = 0.0
    uptime_seconds: float = 0.0
    last_validated_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ZombieInfo(Record):
    """A registry entry that stands for nothing any more. killed: its process is certainly no more."""

    pid: int
    command: str = ""
    reason: str = ""
    killed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceInfo(Record):
    """A service: a program that is kept running. Times in Unix seconds, None for what has not happened.

    state: "online", "waiting" (to be started again, at `restart_at`), "starting", "stopping", "restarting", "stopped"
    (on request), "exited" (by itself, and not to be restarted) or "errored" (`reason` says why). pid: 0 when it does
    not run. restarts: since somebody started it; crashes: in a row. exit_code: of the last exit, minus n for signal n,
    None when there was none or it is unknown. health: "starting", "healthy" or "unhealthy", None without checks.
    """

    name: str
    id: int
    state: str
    pid: int = 0
    session_id: str | None = None
    restarts: int = 0
    crashes: int = 0
    started_at: float | None = None
    exited_at: float | None = None
    exit_code: int | None = None
    restart_at: float | None = None
    reason: str = ""
    health: str | None = None
    health_detail: str = ""
    out_log: str = ""
    err_log: str = ""
    definition: Mapping[str, Any] = field(default_factory=dict)
