"""What callers get back: frozen types for sessions, clients, statuses and the events of an attachment.

Owns the fields and their units. Must not know how they travel: `from_json` takes a decoded JSON object and ignores keys
it does not know, so that a newer daemon may say more; `to_json` gives what `--json` prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeAlias


class Record:
    """A dataclass that is read from and written to a JSON object."""

    __slots__ = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The record in a decoded JSON object; unknown keys are ignored, lists become tuples.

        Raises TypeError when a field without a default is missing.
        """
        known = {item.name for item in fields(cls)}  # type: ignore[arg-type]
        return cls(**{key: cls._read(key, value) for key, value in data.items() if key in known})

    @classmethod
    def _read(cls, key: str, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    def to_json(self) -> dict[str, Any]:
        """The JSON object of this record, every field included."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


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
class Check(Record):
    """One finding of the doctor. advice: what to do, empty when `ok`."""

    name: str
    ok: bool
    detail: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeeInfo(Record):
    """A copy of a session's stream in a file. Bytes are those of the stream; markers are not counted.

    state: "open", "closed" (the stream has ended and is in the file) or "disconnected" (error says why: what follows is
    missed). uncertain: a daemon was killed with input on its way into the file, or somebody else changed the file while
    no daemon ran.
    """

    session_id: str
    name: str
    handle: int
    stream: str
    path: str
    state: str
    error: str = ""
    written_bytes: int = 0
    missed_bytes: int = 0
    uncertain: bool = False
    append: bool = True
    block: bool = False
    markers: bool = True
    rotate_bytes: int = 0
    keep: int = 0


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
class RecordingInfo(Record):
    """A recording of a session in a file. Bytes and offsets are those of the stream.

    state: "recording", "failing" (the file cannot be written at the moment; it is tried again), "failed" (for good) or
    "closed"; error says why. offset: up to there everything is in the file but the missed bytes. dropped_events: input
    and markers that are not in it. rules: how many, the built-in ones (redact_common) not counted. uncertain: a daemon
    was killed that may have taken input with it.
    """

    session_id: str
    name: str
    handle: int
    path: str
    state: str
    stream: str = "stdout"
    error: str = ""
    begin_offset: int = 0
    offset: int = 0
    missed_bytes: int = 0
    dropped_events: int = 0
    input: bool = False
    hold: bool = False
    rules: int = 0
    redact_common: bool = False
    events: tuple[str, ...] = ()
    uncertain: bool = False

    @property
    def recorded_bytes(self) -> int:
        """Bytes of the stream that are in the file."""
        return self.offset - self.begin_offset - self.missed_bytes


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


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes of the child; `offset` is that of the first one, absolute."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """The bytes [start, end) had left the ring before this client took them."""

    start: int
    end: int

    @property
    def missed_bytes(self) -> int:
        """How many bytes that is."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Resized:
    """The terminal of the session has a new size."""

    rows: int
    cols: int


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The daemon was away and the attachment goes on where it was; so many typed bytes may not have arrived."""

    input_bytes_in_doubt: int


@dataclass(frozen=True, slots=True)
class Exited:
    """The child ended; the last event. code: None when unknown or ended by a signal. at: Unix seconds, None unknown."""

    code: int | None
    signal: int | None
    outcome: str
    at: float | None


@dataclass(frozen=True, slots=True)
class Detached:
    """The session runs on without this client; the last event."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stolen:
    """Another client, named by its label, took the session over; the last event."""

    by: str


AttachmentEvent: TypeAlias = Output | Gap | Resized | Reconnected | Exited | Detached | Stolen


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
