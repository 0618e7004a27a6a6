"""The table `[hooks]`: the short form, the list of sinks and the commands; all become one list of sinks. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from roost.core import toml_values as tv
from roost.core.config_reading import Table
from roost.core.config_sinks import (
    Command,
    Jsonl,
    Options,
    SinkConfig,
    Stdout,
    UnixListener,
    UnixSocket,
    Webhook,
    check_url,
    client_path,
    listener_path,
    patterns,
    read_choice,
    read_sink,
    socket_path,
)
from roost.core.toml_lines import KeyPath

SHORT_TYPES = ("stdout", "jsonl", "webhook", "unix-socket", "unix-listener")
#: Keys of the short form: each belongs to one sink, and a variable of the daemon's environment may overrule it.
SHORT_KEYS = {
    "jsonl_path": "jsonl",
    "webhook_url": "webhook",
    "socket_path": "unix-socket",
    "listener_path": "unix-listener",
}


@dataclass(frozen=True, slots=True)
class HooksConfig:
    """Every sink, by unique names, commands included."""

    sinks: tuple[SinkConfig, ...] = ()


def read_hooks(table: Table) -> HooksConfig:
    """The table, checked as a whole too."""
    found = [((*table.path, "sink"), sink) for sink in _short(table)]
    for one in table.tables("sinks"):
        if (sink := read_sink(one)) is not None:
            found.append((one.path, sink))
    found += [(one.path, _on_event(one)) for one in table.tables("on_event")]
    table.close()
    _check_files(table, found)
    return HooksConfig(_named(table, found))


def _short(table: Table) -> list[SinkConfig]:
    nothing: tuple[str, ...] = ()
    wrong = len(table.reading.problems)
    types = table.take("sink", _short_types, nothing, env="ROOST_HOOKS_SINK")
    if len(table.reading.problems) > wrong:
        types = SHORT_TYPES  # so that its keys are not told to be of no use
    table.know(*SHORT_KEYS)
    home = table.around.home
    made: dict[str, Options] = {
        "stdout": Stdout(),
        "jsonl": Jsonl(
            _short_key(table, "jsonl_path", types, tv.absolute_path(home), f"{table.around.state_dir}/events.jsonl")
        ),
        "webhook": Webhook(_short_key(table, "webhook_url", types, check_url, "")),
        "unix-socket": UnixSocket(_short_key(table, "socket_path", types, socket_path(home), client_path(table))),
        "unix-listener": UnixListener(
            _short_key(table, "listener_path", types, socket_path(home), listener_path(table))
        ),
    }
    return [SinkConfig("", type, made[type]) for type in types]


def _short_key(table: Table, key: str, types: tuple[str, ...], read: Callable[[Any], str], default: str) -> str:
    sink = SHORT_KEYS[key]
    if sink not in types:
        if table.has(key):
            table.wrong(key, f"belongs to the sink {sink!r}, which `sink` does not name")
            table.drop(key)
        return default
    env = f"ROOST_HOOKS_{key.upper()}"
    if key == "webhook_url" and types is not SHORT_TYPES and not table.around.environ.get(env):
        table.need(key, f": the sink {sink!r} has to be told where to send to")
    return table.take(key, read, default, env=env)


def _short_types(value: Any) -> tuple[str, ...]:
    """One type or a list of them; in the environment separated by commas."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    return tuple(dict.fromkeys(tv.each(tv.one_of(SHORT_TYPES))(value)))


def _on_event(table: Table) -> SinkConfig:
    default = Command("")
    table.need("event")
    table.need("command")
    name = table.take("name", tv.filled, "")
    nothing: tuple[str, ...] = ()
    event = table.take("event", patterns, nothing)
    command = Command(
        command=table.take("command", tv.filled, ""),
        timeout_s=table.take("timeout", tv.some_seconds, default.timeout_s),
        max_concurrent=table.take("max_concurrent", tv.between(1, 1000), default.max_concurrent),
    )
    _, sessions, queue = read_choice(table, events=False)
    table.close({"events": "[[hooks.sinks]]; here it is `event`"})
    return SinkConfig(name, "command", command, event, sessions, queue=queue)


# --- all together -----------------------------------------------------------------------------------------------------


def _named(table: Table, found: list[tuple[KeyPath, SinkConfig]]) -> tuple[SinkConfig, ...]:
    """Give those without a name one that says what they are and stays the same when others come and go."""
    given: dict[str, KeyPath] = {}
    for path, sink in found:
        if sink.name and sink.name in given:
            table.reading.wrong((*path, "name"), f"{sink.name!r} is the name of another sink already")
        elif sink.name:
            given[sink.name] = path
    taken = set(given)
    named = []
    for _path, sink in found:
        name, number = sink.name or _own_name(sink), 1
        while not sink.name and name in taken:
            number += 1
            name = f"{_own_name(sink)}#{number}"
        taken.add(name)
        named.append(replace(sink, name=name))
    return tuple(named)


def _own_name(sink: SinkConfig) -> str:
    """What a sink is called by what it is: nothing of a URL but its host, since a path may be a secret."""
    match sink.options:
        case Webhook(url=url):
            from urllib.parse import urlsplit  # here, since few configurations have a URL

            return f"webhook:{urlsplit(url).hostname}"
        case Jsonl(path=path) | UnixSocket(path=path) | UnixListener(path=path):
            return f"{sink.type}:{path}"
        case Command():
            return f"on_event:{','.join(sink.events)}"
    return sink.type


def _check_files(table: Table, found: list[tuple[KeyPath, SinkConfig]]) -> None:
    """No two sinks may write to one file or listen at one place."""
    seen: dict[tuple[str, str], KeyPath] = {}
    for path, sink in found:
        if table.reading.is_wrong(path) or table.reading.is_wrong((*path, "path")):
            continue  # it has a default that nobody wrote
        if isinstance(sink.options, Jsonl | UnixListener):
            other = seen.setdefault((sink.type, sink.options.path), path)
            if other is not path:
                line = table.reading.line(other)
                text = f"{sink.options.path} is that of the sink in line {line} already; give each its own"
                table.reading.wrong((*path, "path"), text)
