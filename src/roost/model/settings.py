"""The daemon itself: how it is, how it is configured, to whom it tells events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from roost.model.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonStatus(Record):
    """The daemon and its keeper. uptime_s: seconds; clients: open connections; attached: attached clients.

    memory_bytes, keeper_memory_bytes: what they have resident, None where the system does not tell.
    """

    version: str = ""
    pid: int = 0
    keeper_pid: int = 0
    keeper_version: int = 0
    socket: str = ""
    scope: str = ""
    uptime_s: float = 0.0
    sessions: int = 0
    running: int = 0
    exited: int = 0
    clients: int = 0
    attached: int = 0
    ring_bytes: int = 0
    memory_bytes: int | None = None
    keeper_memory_bytes: int | None = None
    log_path: str = ""
    state_dir: str = ""
    runtime_dir: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Record):
    """One finding of the doctor. advice: what to do, empty when `ok`."""

    name: str
    ok: bool
    detail: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingInfo(Record):
    """A value of the configuration. origin: "default", "line N" of the file, or "env NAME"."""

    key: str
    value: Any = None
    origin: str = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigInfo(Record):
    """The configuration in force.

    origin: "file", "defaults" (there is no file) or "kept" (the file is broken, so the last good one counts).
    problems: what is wrong with the file as it was last read.
    """

    file: str
    origin: str
    settings: tuple[SettingInfo, ...] = ()
    problems: tuple[str, ...] = ()

    @classmethod
    def _read(cls, key: str, value: Any) -> Any:
        if key == "settings":
            return tuple(SettingInfo.from_json(item) for item in value)
        return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkInfo(Record):
    """A sink of events and its counters, of events. Times in Unix seconds.

    state: "ok", "failing" (last_error says why) or "idle" (nobody listens, nothing is kept for it). queued: waiting, in
    memory or on disk. dead: given up and kept, see `retry_hooks`. lag_s: the age of the oldest event that it does not
    have yet. reached: the id up to which nothing is missing but what was counted. session_id: of whose commands.
    since: when its counters began. gaps: how often events that it still had to get were not in the journal any more.
    gone: a webhook's receiver wants nothing any more.
    """

    name: str
    type: str
    state: str
    since: float = 0.0
    events: tuple[str, ...] = ()
    sessions: Mapping[str, Any] = field(default_factory=dict)
    delivered: int = 0
    retried: int = 0
    dropped: int = 0
    gaps: int = 0
    queued: int = 0
    dead: int = 0
    gone: bool = False
    failed: int = 0
    lag_s: float = 0.0
    last_error: str = ""
    last_error_at: float = 0.0
    reached: str = ""
    session_id: str = ""
    path: str = ""
    note: str = ""
    command: str = ""
    running: int = 0
    connected: bool = False
    monitors: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserverInfo(Record):
    """One observer of a session: delivered + missed + buffered = emitted, since its registration.

    policy: "drop_oldest" or "block". connected: somebody reads it now; disconnected: who read it is gone.
    """

    id: str
    session_id: str = ""
    session_name: str = ""
    categories: tuple[str, ...] = ()
    capacity: int = 0
    policy: str = "drop_oldest"
    emitted: int = 0
    delivered: int = 0
    missed: int = 0
    buffered: int = 0
    connected: bool = False
    disconnected: bool = False
