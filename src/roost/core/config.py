"""`config.toml`: one text in, typed frozen tables out, or every mistake in it at once. Pure.

Owns the registry of tables. A part of roost that wants a table of its own writes a module with a frozen class and a
reader `(Table) -> that class`, and enters the reader in `TABLES`; it is called with an empty table when the file has
none, so defaults live in one place. Everything that a reader takes is shown by `roost config show`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from roost.core import toml_values as tv
from roost.core.config_events import read_events
from roost.core.config_hooks import read_hooks
from roost.core.config_http import read_http
from roost.core.config_observe import read_observe
from roost.core.config_reading import ConfigError, Problem, Reading, Setting, Surroundings, Table
from roost.core.config_record import read_record
from roost.errors import InvalidError

T = TypeVar("T")

#: Table → its reader, in the order in which they are shown.
TABLES: dict[str, Callable[[Table], Any]] = {
    "hooks": read_hooks,
    "record": read_record,
    "events": read_events,
    "http": read_http,
    "observe": read_observe,
}


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration that can be used. `file` is where it is looked for, whether it is there or not."""

    file: str
    tables: Mapping[str, Any]
    settings: tuple[Setting, ...] = ()

    def of(self, kind: type[T]) -> T:
        """The table that is read as this class."""
        for table in self.tables.values():
            if isinstance(table, kind):
                return table
        raise LookupError(f"no table of config.toml is read as {kind.__name__}")


def read_config(text: str, file: str, around: Surroundings) -> Config:
    """The configuration in that text, "" for a file that is not there. Raises ConfigError with all mistakes."""
    try:
        values, lines = tv.parse_toml(text, file)
    except InvalidError as error:
        raise ConfigError([_problem_of(error.message, file)]) from error
    reading = Reading(file, lines, around)
    top = Table(reading, (), values)
    tables = {}
    for name, read in TABLES.items():
        table = top.table(name) or Table(reading, (name,), {})
        tables[name] = read(table)
    top.close()
    if reading.problems:
        raise ConfigError(sorted(reading.problems, key=lambda problem: problem.line))
    return Config(file, tables, tuple(reading.settings))


def config_path(environ: Mapping[str, str], home: str) -> str:
    """Where the file is: ROOST_CONFIG, else `roost/config.toml` in XDG_CONFIG_HOME or ~/.config."""
    if environ.get("ROOST_CONFIG"):
        return environ["ROOST_CONFIG"]
    base = environ.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):  # relative paths are to be ignored. Source: XDG Base Directory Specification.
        base = f"{home.rstrip('/')}/.config"
    return f"{base.rstrip('/')}/roost/config.toml"


def _problem_of(message: str, file: str) -> Problem:
    """A syntax error as it was told: `file:line: text`."""
    line, _, text = message.removeprefix(f"{file}:").partition(": ")
    return Problem(file, int(line) if line.isdigit() else 0, "", text)
