"""Reading `config.toml` key by key: where each value comes from, and every mistake at once. Pure.

Owns the reader that a table's own module is given (`Table`), the mistakes and the origins. Knows no key: they are
those of the modules in `roost.core.config.TABLES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from roost.core import toml_values as tv
from roost.core.toml_lines import KeyPath, line_of
from roost.errors import InvalidError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SinkForm:
    """What a sink that somebody else brings may be told: its options by name, with their types; which it needs."""

    options: Mapping[str, type]
    needed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the meaning of a configuration depends on besides its text.

    environ: variables that win over the file. sinks: the types of sinks that are installed, by name; each is asked for
    its form only when the configuration names it.
    """

    runtime_dir: str
    state_dir: str
    home: str
    environ: Mapping[str, str] = field(default_factory=dict)
    sinks: Mapping[str, Callable[[], SinkForm]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake: in which line (0: of no line), which key, what is wrong and what would be accepted."""

    file: str
    line: int
    key: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.text}" if self.key else f"{place}: {self.text}"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value in force and its origin: `default`, `line N` of the file, or `env NAME`."""

    key: str
    value: Any
    origin: str


class ConfigError(InvalidError):
    """A configuration that cannot be used; `problems` are all of its mistakes, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class Reading:
    """One reading of a file: what was found, and what was wrong."""

    def __init__(self, file: str, lines: dict[KeyPath, int], around: Surroundings) -> None:
        self.file = file
        self.around = around
        self.problems: list[Problem] = []
        self.settings: list[Setting] = []
        self._lines = lines
        self._wrong: set[KeyPath] = set()

    def line(self, path: KeyPath) -> int:
        """The line of a key, or of what is around it; 0 when nothing of it is in the file."""
        known = any(path[:length] in self._lines for length in range(1, len(path) + 1))
        return line_of(self._lines, path) if known else 0

    def wrong(self, path: KeyPath, text: str, *, at: str = "") -> None:
        """Note a mistake; `at` names the variable when it is not in the file."""
        self._wrong.add(path)
        where, line = (f"${at}", 0) if at else (self.file, self.line(path))
        self.problems.append(Problem(where, line, dotted(path), text))

    def is_wrong(self, path: KeyPath) -> bool:
        """Whether that key has a mistake, so that what is in force instead of it says nothing."""
        return path in self._wrong


class Table:
    """One table: keys are taken out by what they must be; what is left at the end is unknown."""

    def __init__(self, reading: Reading, path: KeyPath, values: Mapping[str, Any]) -> None:
        self.reading = reading
        self.path = path
        self._left = dict(values)
        self._known: list[str] = []

    @property
    def around(self) -> Surroundings:
        """What the meaning depends on besides the text."""
        return self.reading.around

    def has(self, key: str) -> bool:
        """Whether the file has that key and nobody took it yet."""
        return key in self._left

    def take(self, key: str, read: Callable[[Any], T], default: T, *, env: str = "") -> T:
        """The key's value as `read` makes it; `default` without one, or when it is wrong (which is noted).

        env: the variable that wins over the file when it is set and not empty.
        """
        self.know(key)
        path = (*self.path, key)
        given: Any = self._left.pop(key, None)
        origin = "default"
        if given is not None:
            origin = f"line {self.reading.line(path)}"
        overruled = self.around.environ.get(env, "") if env else ""
        if overruled:
            given, origin = overruled, f"env {env}"
        value = default
        if given is not None:
            try:
                value = read(given)
            except InvalidError as error:
                for message in error.messages if isinstance(error, tv.SeveralError) else (error.message,):
                    self.reading.wrong(path, message, at=env if overruled else "")
        self.reading.settings.append(Setting(dotted(path), value, origin))
        return value

    def know(self, *keys: str) -> None:
        """Count keys as known that may be taken or not."""
        self._known += keys

    def need(self, key: str, why: str = "") -> None:
        """Note a mistake if the table has no such key."""
        if key not in self._left:
            self.reading.wrong(self.path, f"the key {key!r} is missing{why}")

    def drop(self, key: str) -> None:
        """Leave a key alone that was told to be wrong already."""
        self._left.pop(key, None)

    def table(self, key: str) -> Table | None:
        """A table within this one."""
        self._known.append(key)
        found = self._left.pop(key, None)
        if found is not None and not isinstance(found, dict):
            self.wrong(key, f"must be a table, as in {key} = {{ … }}, not {tv.said(found)}")
            return None
        return None if found is None else Table(self.reading, (*self.path, key), found)

    def tables(self, key: str) -> list[Table]:
        """The tables of an array of them."""
        self._known.append(key)
        found = self._left.pop(key, [])
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            self.wrong(key, f"must be tables: write [[{dotted((*self.path, key))}]] with two brackets")
            return []
        return [Table(self.reading, (*self.path, key, at), item) for at, item in enumerate(found)]

    def wrong(self, key: str, text: str) -> None:
        """Note a mistake in a key of this table; in the table itself with an empty key."""
        self.reading.wrong((*self.path, key) if key else self.path, text)

    def close(self, elsewhere: Mapping[str, str] | None = None) -> None:
        """Note what nobody took as unknown. `elsewhere`: keys that have their place, and which."""
        if not self._left:
            return
        from difflib import get_close_matches  # here, since mistakes are rare and it is on every daemon's way

        known = ", ".join(dict.fromkeys(self._known))
        for key in self._left:
            if elsewhere and key in elsewhere:
                self.wrong(key, f"belongs to {elsewhere[key]}; known here are {known}")
            else:
                close = get_close_matches(key, self._known, 1)
                hint = f"did you mean {close[0]!r}? Known are" if close else "known are"
                self.wrong(key, f"unknown key; {hint} {known}")


def dotted(path: KeyPath) -> str:
    """A key as it is told: `hooks.sinks[0].url`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
