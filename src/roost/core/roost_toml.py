"""`roost.toml`: which services a project has and what they depend on. Pure: text in, a plan or an InvalidError out.

Owns the keys. Every error names file, line and key; what is not known here is an error, never ignored.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from roost.core import supervision as sv
from roost.core import toml_values as tv
from roost.core.service import CONDITIONS, Definition, Health
from roost.core.toml_lines import KeyPath, line_of
from roost.errors import InvalidError

T = TypeVar("T")


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
        self.values, self._lines = tv.parse_toml(text, file)

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
        found = self.take(key, tv.a_kind(dict, "a table, as in { … }"), None)
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
        name=table.take("name", tv.text, ""),
        cmd=table.take("cmd", _command, ()),
        cwd=os.path.normpath(os.path.join(directory, table.take("cwd", tv.text, ""))),
        env=table.take("env", _environment, {}),
        restart=table.take("restart", tv.one_of(sv.RESTARTS), sv.ALWAYS),
        max_restarts=table.take("max_restarts", tv.count, 0),
        restart_delay_ms=table.take("restart_delay", tv.milliseconds, 0),
        kill_timeout_ms=table.take("kill_timeout", tv.milliseconds, 0),
        min_uptime_ms=table.take("min_uptime", tv.milliseconds, 0),
        log_bytes=table.take("log_size", tv.size, 0),
        log_keep=table.take("log_keep", tv.positive, 0),
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
        tcp=table.take("tcp", tv.text, ""),
        http=table.take("http", tv.text, ""),
        interval_s=table.take("interval", tv.seconds, default.interval_s),
        timeout_s=table.take("timeout", tv.seconds, default.timeout_s),
        retries=table.take("retries", tv.positive, default.retries),
        start_period_s=table.take("start_period", tv.seconds, default.start_period_s),
    )
    table.close()
    try:
        health.check()
    except InvalidError as error:
        raise table.source.error(table.path, error.message) from error
    return health


def _dependencies(table: Table) -> tuple[Dependency, ...]:
    found = []
    listed: list[Any] = table.take("depends_on", tv.a_kind(list, "a list of names or { service = … }"), [])
    for at, given in enumerate(listed):
        path = (*table.path, "depends_on", at)
        if isinstance(given, str):
            found.append(Dependency(given, "started", path))
        elif isinstance(given, dict):
            one = Table(table.source, path, given)
            one.need("service")
            service = one.take("service", tv.text, "")
            found.append(Dependency(service, one.take("condition", tv.one_of(CONDITIONS), "started"), path))
            one.close()
        else:
            raise table.source.error(path, f"must be names or {{ service = … }}, not {tv.said(given)}")
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
    words = tv.a_kind(list, "a string or a list of strings")(value)
    if not words or not all(isinstance(word, str) for word in words):
        raise InvalidError("must be a string or a list of strings, and not empty")
    return tuple(words)


def _environment(value: Any) -> dict[str, str]:
    pairs: dict[str, str] = tv.a_kind(dict, "a table")(value)
    for key, text in pairs.items():
        if not isinstance(text, str):
            raise InvalidError(f"{key} must be a string, not {tv.said(text)}: put it in quotes")
    return pairs
