"""`roost.toml`: which services a project has and what they depend on. Pure: text in, a plan or an InvalidError out.

Owns the keys. Every error names file, line and key; what is not known here is an error, never ignored.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from roost.core import supervision as sv
from roost.core.durations import parse_bytes, parse_duration
from roost.core.service import CONDITIONS, Definition, Health
from roost.core.toml_lines import KeyPath, find_lines, line_of
from roost.errors import InvalidError

T = TypeVar("T")

_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_MOST_S = (1 << 32) / 1000


@dataclass(frozen=True, slots=True)
class Dependency:
    """Another service, and what must be true of it first: started, healthy or exited (with code 0)."""

    service: str
    condition: str
    path: KeyPath = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """A service of the file."""

    definition: Definition
    depends_on: tuple[Dependency, ...]
    path: KeyPath

    @property
    def name(self) -> str:
        """Its name."""
        return self.definition.name


class Source:
    """A parsed file that knows where its keys stand."""

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        try:
            self.values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            at = _AT.search(str(error))
            line = int(at[1]) if at and at[1] else text.count("\n") + 1
            raise InvalidError(f"{file}:{line}: no TOML: {_AT.sub('', str(error))}") from error
        self._lines = find_lines(text)

    def line(self, path: KeyPath) -> int:
        """The line of a key."""
        return line_of(self._lines, path)

    def error(self, path: KeyPath, text: str) -> InvalidError:
        """What is wrong with a key, and where it is."""
        key = ".".join(str(part) for part in path if isinstance(part, str))
        return InvalidError(f"{self._file}:{self.line(path)}: {key}: {text}" if key else f"{self._file}: {text}")


class Table:
    """One table of the file: keys are taken out by what they must be; what is left at the end is unknown."""

    def __init__(self, source: Source, path: KeyPath, values: dict[str, Any]) -> None:
        self.source = source
        self.path = path
        self._left = dict(values)
        self._known: list[str] = []

    def take(self, key: str, read: Callable[[Any], T], default: T) -> T:
        """The key's value as `read` makes it; `default` without one. `read` raises InvalidError for what it is not."""
        self._known.append(key)
        if key not in self._left:
            return default
        try:
            return read(self._left.pop(key))
        except InvalidError as error:
            raise self.source.error((*self.path, key), error.message) from error

    def table(self, key: str) -> Table | None:
        """A table within this one."""
        found = self.take(key, _a(dict, "a table, as in { … }"), None)
        return None if found is None else Table(self.source, (*self.path, key), found)

    def need(self, key: str) -> None:
        """Refuse the table without that key."""
        if key not in self._left:
            raise self.source.error(self.path, f"the key {key!r} is missing")

    def close(self) -> None:
        """Refuse what nobody took."""
        for key in self._left:
            raise self.source.error((*self.path, key), f"unknown key; known are {', '.join(self._known)}")


def read_plan(text: str, file: str, directory: str) -> list[Planned]:
    """The services of a file, each after those that it depends on. Relative directories count from `directory`."""
    source = Source(text, file)
    top = Table(source, (), source.values)
    nothing: list[dict[str, Any]] = []
    tables = top.take("service", _services, nothing)
    top.close()
    plan = [_planned(Table(source, ("service", at), table), directory) for at, table in enumerate(tables)]
    if not plan:
        raise source.error((), "there is no [[service]] in this file")
    _check_names(source, plan)
    _check_dependencies(source, plan)
    return _in_order(source, plan)


def choose(plan: Sequence[Planned], names: Iterable[str]) -> list[Planned]:
    """The named services and all that they depend on, in the plan's order; everything without names."""
    by_name = {planned.name: planned for planned in plan}
    pending = list(names) or list(by_name)
    wanted: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in by_name:
            raise InvalidError(f"there is no service {name!r} in the file; it has {', '.join(by_name)}")
        if name not in wanted:
            wanted.add(name)
            pending += [dependency.service for dependency in by_name[name].depends_on]
    return [planned for planned in plan if planned.name in wanted]


# --- one service --------------------------------------------------------------------------------------------------


def _planned(table: Table, directory: str) -> Planned:
    table.need("name")
    table.need("cmd")
    definition = Definition(
        name=table.take("name", _text, ""),
        cmd=table.take("cmd", _command, ()),
        cwd=os.path.normpath(os.path.join(directory, table.take("cwd", _text, ""))),
        env=table.take("env", _environment, {}),
        restart=table.take("restart", _one_of(sv.RESTARTS), sv.ALWAYS),
        max_restarts=table.take("max_restarts", _count, 0),
        restart_delay_ms=table.take("restart_delay", _milliseconds, 0),
        kill_timeout_ms=table.take("kill_timeout", _milliseconds, 0),
        min_uptime_ms=table.take("min_uptime", _milliseconds, 0),
        log_bytes=table.take("log_size", _size, 0),
        log_keep=table.take("log_keep", _positive, 0),
        health=_health(table.table("health")),
    )
    depends_on = _dependencies(table)
    table.close()
    try:
        definition.check()
    except InvalidError as error:
        raise table.source.error(table.path, error.message) from error
    return Planned(definition, depends_on, table.path)


def _health(table: Table | None) -> Health | None:
    if table is None:
        return None
    default = Health()
    health = Health(
        command=table.take("command", _command, ()),
        tcp=table.take("tcp", _text, ""),
        http=table.take("http", _text, ""),
        interval_s=table.take("interval", _seconds, default.interval_s),
        timeout_s=table.take("timeout", _seconds, default.timeout_s),
        retries=table.take("retries", _positive, default.retries),
        start_period_s=table.take("start_period", _seconds, default.start_period_s),
    )
    table.close()
    try:
        health.check()
    except InvalidError as error:
        raise table.source.error(table.path, error.message) from error
    return health


def _dependencies(table: Table) -> tuple[Dependency, ...]:
    found = []
    listed: list[Any] = table.take("depends_on", _a(list, "a list of names or { service = … }"), [])
    for at, given in enumerate(listed):
        path = (*table.path, "depends_on", at)
        if isinstance(given, str):
            found.append(Dependency(given, "started", path))
        elif isinstance(given, dict):
            one = Table(table.source, path, given)
            one.need("service")
            service = one.take("service", _text, "")
            found.append(Dependency(service, one.take("condition", _one_of(CONDITIONS), "started"), path))
            one.close()
        else:
            raise table.source.error(path, f"must be names or {{ service = … }}, not {_said(given)}")
    return tuple(found)


# --- all together -------------------------------------------------------------------------------------------------


def _check_names(source: Source, plan: list[Planned]) -> None:
    seen: dict[str, Planned] = {}
    for planned in plan:
        if planned.name in seen:
            line = source.line((*seen[planned.name].path, "name"))
            raise source.error((*planned.path, "name"), f"{planned.name!r} is defined in line {line} already")
        seen[planned.name] = planned


def _check_dependencies(source: Source, plan: list[Planned]) -> None:
    by_name = {planned.name: planned for planned in plan}
    for planned in plan:
        for dependency in planned.depends_on:
            on = by_name.get(dependency.service)
            if on is None:
                raise source.error(dependency.path, f"there is no service {dependency.service!r} in this file")
            if dependency.condition == "healthy" and on.definition.health is None:
                raise source.error(dependency.path, f"{on.name!r} has no health check, so it will never be healthy")
            if dependency.condition == "exited" and on.definition.restart == sv.ALWAYS:
                raise source.error(
                    dependency.path,
                    f'{on.name!r} is always restarted, so it will not have exited; give it restart = "{sv.ON_FAILURE}"',
                )


def _in_order(source: Source, plan: list[Planned]) -> list[Planned]:
    """Each after what it depends on, otherwise as in the file."""
    by_name = {planned.name: planned for planned in plan}
    done: dict[str, Planned] = {}

    def visit(planned: Planned, way: tuple[str, ...]) -> None:
        if planned.name in done:
            return
        for dependency in planned.depends_on:
            if dependency.service in (*way, planned.name):
                circle = (*way, planned.name)
                circle = (*circle[circle.index(dependency.service) :], dependency.service)
                raise source.error(dependency.path, f"services depend on each other in a circle: {' → '.join(circle)}")
            visit(by_name[dependency.service], (*way, planned.name))
        done[planned.name] = planned

    for planned in plan:
        visit(planned, ())
    return list(done.values())


# --- values -------------------------------------------------------------------------------------------------------


def _said(value: Any) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "a table"}
    return kinds.get(type(value), "a date or time")


def _a(kind: type, words: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise InvalidError(f"must be {words}, not {_said(value)}")
        return value

    return read


_text: Callable[[Any], str] = _a(str, "a string")
_whole: Callable[[Any], int] = _a(int, "a whole number")


def _services(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InvalidError("must be tables: write [[service]] with two brackets")
    return value


def _command(value: Any) -> tuple[str, ...]:
    """A list is an argv; a string is for the shell."""
    if isinstance(value, str):
        if not value.strip():
            raise InvalidError("must not be empty")
        return ("/bin/sh", "-c", value)
    words = _a(list, "a string or a list of strings")(value)
    if not words or not all(isinstance(word, str) for word in words):
        raise InvalidError("must be a string or a list of strings, and not empty")
    return tuple(words)


def _environment(value: Any) -> dict[str, str]:
    pairs: dict[str, str] = _a(dict, "a table")(value)
    for key, text in pairs.items():
        if not isinstance(text, str):
            raise InvalidError(f"{key} must be a string, not {_said(text)}: put it in quotes")
    return pairs


def _one_of(words: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            raise InvalidError(f"must be {', '.join(map(repr, words[:-1]))} or {words[-1]!r}, not {value!r}")
        return str(value)

    return read


def _count(value: Any) -> int:
    if _whole(value) < 0:
        raise InvalidError("must be 0 or more")
    return int(value)


def _positive(value: Any) -> int:
    if _whole(value) < 1:
        raise InvalidError("must be 1 or more")
    return int(value)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidError(f'must be seconds or a duration like "500ms", not {_said(value)}')
    seconds = parse_duration(value) if isinstance(value, str) else float(value)
    if not 0 <= seconds < _MOST_S:
        raise InvalidError(f"must be from 0 to {int(_MOST_S)} seconds")
    return seconds


def _milliseconds(value: Any) -> int:
    milliseconds = round(_seconds(value) * 1000)
    if milliseconds < 1:
        raise InvalidError("must be 1ms or more")
    return milliseconds


def _size(value: Any) -> int:
    size = parse_bytes(value) if isinstance(value, str) else _positive(value)
    if size < 1:
        raise InvalidError("must be 1 byte or more")
    return size
