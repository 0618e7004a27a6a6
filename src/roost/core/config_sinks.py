"""The sinks of `config.toml`: what each type may be told. Pure.

Owns the types, their keys, defaults and limits. What a sink does with them is `roost.hooks`' business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from roost.core import toml_values as tv
from roost.core.config_reading import Table
from roost.core.event_choice import SESSION_KEYS, check_pattern
from roost.errors import InvalidError
from roost.paths import check_socket_path

FORMATS = ("envelope", "cloudevents")
FSYNC = ("never", "rotate", "always")
QUEUE_EVENTS = 10_000


@dataclass(frozen=True, slots=True)
class Stdout:
    """Standard output of a daemon in the foreground."""


@dataclass(frozen=True, slots=True)
class Jsonl:
    """A file of lines. rotate_age_s: 0 for never. fsync: after every write, before rotation, or never."""

    path: str
    rotate_bytes: int = 64 << 20
    rotate_age_s: float = 0.0
    keep: int = 5
    fsync: str = "never"


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint that gets each event by POST.

    attempts, retry_for_s: what comes first makes a dead letter. stored_events: how many may wait on disk.
    """

    url: str
    secret_env: str = ""
    timeout_s: float = 10.0
    attempts: int = 16
    retry_for_s: float = 3 * 86400.0
    stored_events: int = 100_000
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class UnixSocket:
    """A socket at which somebody else listens."""

    path: str
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class UnixListener:
    """A socket at which monitors connect."""

    path: str
    max_monitors: int = 64
    monitor_bytes: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the user's shell for every event."""

    command: str
    timeout_s: float = 30.0
    max_concurrent: int = 4


@dataclass(frozen=True, slots=True)
class Foreign:
    """A sink that was installed beside roost, with its own options."""

    options: Mapping[str, Any] = field(default_factory=dict)


Options = Stdout | Jsonl | Webhook | UnixSocket | UnixListener | Command | Foreign


@dataclass(frozen=True, slots=True)
class SinkConfig:
    """One sink: what it is told, and which events it gets.

    events: patterns, none for all. sessions: globs by key. queue: how many events may wait for it in memory.
    """

    name: str
    type: str
    options: Options
    events: tuple[str, ...] = ()
    sessions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    format: str = "envelope"
    queue: int = QUEUE_EVENTS


def read_sink(table: Table) -> SinkConfig | None:
    """One of `[[hooks.sinks]]`; None when its type is not known."""
    table.need("type", f"; known types are {', '.join(sink_types(table))}")
    if not table.has("type"):
        return None
    known = sink_types(table)
    type = table.take("type", tv.one_of(known), "")
    if not type:
        return None
    name = table.take("name", tv.filled, "")
    events, sessions, queue = read_choice(table)
    format = table.take("format", tv.one_of(FORMATS), "envelope")
    options = _READERS[type](table) if type in _READERS else _foreign(table, type)
    table.close({key: f"the sink '{other}', this one is {type!r}" for key, other in _KEYS.items()})
    return SinkConfig(name, type, options, events, sessions, format, queue)


def read_choice(table: Table, *, events: bool = True) -> tuple[tuple[str, ...], Mapping[str, tuple[str, ...]], int]:
    """What every sink has: which events (unless they have a key of their own), of which sessions, how many may wait."""
    nothing: tuple[str, ...] = ()
    chosen = table.take("events", patterns, nothing) if events else nothing
    sessions: dict[str, tuple[str, ...]] = {}
    if (within := table.table("sessions")) is not None:
        sessions = {key: globs for key in SESSION_KEYS if (globs := within.take(key, tv.texts, nothing))}
        within.close()
    return chosen, sessions, table.take("queue", tv.between(1, 1_000_000), QUEUE_EVENTS)


#: Reads patterns of events.
patterns = tv.each(check_pattern)


def sink_types(table: Table) -> tuple[str, ...]:
    """Every type there is, ours first."""
    return (*_READERS, *sorted(set(table.around.sinks) - set(_READERS)))


def check_url(value: Any) -> str:
    """An address that a webhook may have. Raises InvalidError."""
    from urllib.parse import urlsplit  # here, since few configurations have a URL

    url = tv.filled(value)
    try:
        parts = urlsplit(url)
        port_ok = parts.port != 0
    except ValueError as error:
        raise InvalidError(f"is no URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
        raise InvalidError("must be an http:// or https:// URL with a host")
    if parts.username is not None or parts.password is not None:
        raise InvalidError("must not contain a user or password: the receiver checks the signature, see secret_env")
    return url


# --- the keys of each type --------------------------------------------------------------------------------------------


def _stdout(_table: Table) -> Stdout:
    return Stdout()


def _jsonl(table: Table) -> Jsonl:
    default = Jsonl(f"{table.around.state_dir}/events.jsonl")
    return Jsonl(
        path=table.take("path", tv.absolute_path(table.around.home), default.path),
        rotate_bytes=table.take("rotate_size", tv.size, default.rotate_bytes),
        rotate_age_s=table.take("rotate_age", tv.seconds, default.rotate_age_s),
        keep=table.take("keep", tv.between(1, 1000), default.keep),
        fsync=table.take("fsync", tv.one_of(FSYNC), default.fsync),
    )


def _webhook(table: Table) -> Webhook:
    default = Webhook("")
    table.need("url")
    return Webhook(
        url=table.take("url", check_url, ""),
        secret_env=table.take("secret_env", tv.filled, ""),
        timeout_s=table.take("timeout", tv.some_seconds, default.timeout_s),
        attempts=table.take("attempts", tv.between(1, 1000), default.attempts),
        retry_for_s=table.take("retry_for", tv.seconds, default.retry_for_s),
        stored_events=table.take("stored_events", tv.between(1, 10_000_000), default.stored_events),
        allow_private=table.take("allow_private", tv.flag, default.allow_private),
    )


def _unix_socket(table: Table) -> UnixSocket:
    default = UnixSocket(client_path(table))
    return UnixSocket(
        path=table.take("path", socket_path(table.around.home), default.path),
        timeout_s=table.take("timeout", tv.some_seconds, default.timeout_s),
    )


def _unix_listener(table: Table) -> UnixListener:
    default = UnixListener(listener_path(table))
    return UnixListener(
        path=table.take("path", socket_path(table.around.home), default.path),
        max_monitors=table.take("max_monitors", tv.between(1, 1000), default.max_monitors),
        monitor_bytes=table.take("monitor_buffer", tv.size, default.monitor_bytes),
    )


def socket_path(home: str) -> Callable[[Any], str]:
    """An absolute path that fits into a socket's address."""
    read = tv.absolute_path(home)
    return lambda value: check_socket_path(read(value))


def client_path(table: Table) -> str:
    """Where a listener is looked for unless told otherwise: in the private runtime directory."""
    return f"{table.around.runtime_dir}/hooks.sock"


def listener_path(table: Table) -> str:
    """Where monitors connect unless told otherwise: in the private runtime directory."""
    return f"{table.around.runtime_dir}/monitor.sock"


def _foreign(table: Table, type: str) -> Foreign:
    try:
        form = table.around.sinks[type]()
    except InvalidError as error:
        table.wrong("type", error.message)
        return Foreign()
    table.know(*form.options)
    for name in sorted(form.needed):
        table.need(name)
    given = {name: table.take(name, _of_type(kind), None) for name, kind in form.options.items() if table.has(name)}
    return Foreign({name: value for name, value in given.items() if value is not None})


def _of_type(kind: type) -> Callable[[Any], Any]:
    words = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", list: "a list"}

    def read(value: Any) -> Any:
        if kind is float and type(value) is int:
            return float(value)
        return tv.a_kind(kind, words[kind])(value) if kind in words else value

    return read


_READERS: dict[str, Callable[[Table], Options]] = {
    "stdout": _stdout,
    "jsonl": _jsonl,
    "webhook": _webhook,
    "unix-socket": _unix_socket,
    "unix-listener": _unix_listener,
}
#: Keys that not every type has, to say where a misplaced one belongs.
_KEYS = {
    "path": "jsonl', 'unix-socket' or 'unix-listener",
    "timeout": "webhook' or 'unix-socket",
    "rotate_size": "jsonl",
    "rotate_age": "jsonl",
    "keep": "jsonl",
    "fsync": "jsonl",
    "url": "webhook",
    "secret_env": "webhook",
    "attempts": "webhook",
    "retry_for": "webhook",
    "stored_events": "webhook",
    "allow_private": "webhook",
    "max_monitors": "unix-listener",
    "monitor_buffer": "unix-listener",
}
