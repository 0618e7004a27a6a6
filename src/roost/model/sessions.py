"""Sessions and their clients: as they are, how they ended, what they wrote, which there were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from roost.model.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientInfo(Record):
    """One client attached to a session.

    mode: "exclusive", "share" or "view". offset: absolute offset up to which it was served, in bytes since the start of
    the stream. lag: bytes of the stream that it has not been given yet. term: its own TERM, for information only.
    local: it takes its output out of the ring itself.
    """

    id: str
    label: str = ""
    mode: str = "exclusive"
    lossless: bool = False
    tty: bool = False
    term: str = ""
    rows: int = 0
    cols: int = 0
    offset: int = 0
    lag: int = 0
    local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInfo(Record):
    """One session, as the daemon knows it.

    kind: "pty" or "pipe". state: "running" or "exited". Times: Unix seconds. exit_code: the code, minus the number for
    a signal, None while running or when it is unknown. outcome: None while running, else "natural", "soft" (ended by
    the first signal of a terminate), "hard" (killed) or "unknown". ring_bytes: capacity of the output ring;
    [start_offset, end_offset) is retained, in bytes since the start of the stream. terminal_held: exited, but somebody
    still has the terminal open. held_by: label of the lossless client for which reading has stopped. service: the name
    of the service whose run it is. recording: "recording", "failing" (its file cannot be written at the moment) or
    "failed" when it is or was being recorded, else None.
    shell: what a shell that marks its prompts has told (cwd, at_prompt, command,
    last_command, last_exit_code, last_duration_s), None without marks. activity: in what state it is (state, detail,
    source, confidence, since, age_s): starting, working, blocked, idle, done, exited or unknown.
    """

    id: str
    name: str = ""
    kind: str = "pty"
    state: str = "running"
    pid: int = 0
    exit_code: int | None = None
    signal: int | None = None
    created_at: float = 0.0
    exited_at: float | None = None
    command: str = ""
    argv: tuple[str, ...] = ()
    cwd: str = ""
    originator: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    attached: bool = False
    clients: tuple[ClientInfo, ...] = ()
    rows: int = 0
    cols: int = 0
    outcome: str | None = None
    term: str = ""
    title: str = ""
    size_policy: str = "latest"
    ring_bytes: int = 0
    start_offset: int = 0
    end_offset: int = 0
    terminal_held: bool = False
    held_by: str | None = None
    last_output_at: float | None = None
    spawn_id: str | None = None
    service: str | None = None
    recording: str | None = None
    shell: Mapping[str, Any] | None = None
    activity: Mapping[str, Any] | None = None

    @property
    def running(self) -> bool:
        """Whether its child has not ended yet."""
        return self.state == "running"

    @classmethod
    def _read(cls, key: str, value: Any) -> Any:
        if key == "clients":
            return tuple(ClientInfo.from_json(item) for item in value)
        return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitStatus(Record):
    """How a session ended. code: None when it is unknown or a signal ended it; at: Unix seconds, None when unknown."""

    code: int | None = None
    signal: int | None = None
    outcome: str = "unknown"
    at: float | None = None
    session_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateResult(Record):
    """What became of one session that was to be terminated.

    outcome: as in SessionInfo, None when it had not ended by the time of the answer. survivors: pids that are still
    there, with survivor_names in the same order. error: why it could not be done, None when it could.
    """

    session_id: str = ""
    name: str = ""
    outcome: str | None = None
    code: int | None = None
    signal: int | None = None
    survivors: tuple[int, ...] = ()
    survivor_names: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog(Record):
    """Retained output of one stream: `data` is [start_offset, next_offset), in bytes since the start of the stream.

    end_offset: where the stream ended at that moment. missed: bytes that were asked for and are no longer retained.
    exit_offset: where the child's output ends, None before its exit. closed: nothing will follow.
    """

    data: bytes = b""
    start_offset: int = 0
    next_offset: int = 0
    end_offset: int = 0
    missed: int = 0
    exited: bool = False
    exit_offset: int | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry(Record):
    """One session that ran, as the journal remembers it.

    Times: Unix seconds. outcome: None while it runs; as in SessionInfo, or "lost": its end was seen by nobody.
    purged_at: when its output was forgotten.
    """

    id: str
    name: str = ""
    originator: str = ""
    kind: str = ""
    argv: tuple[str, ...] = ()
    cwd: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    service: str | None = None
    pid: int = 0
    started_at: float = 0.0
    exited_at: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    outcome: str | None = None
    purged_at: float | None = None
