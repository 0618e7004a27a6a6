"""Sinks that were installed beside roost: found by the entry point group `roost.sinks`, loaded when one is configured.

Owns what such a class may be told: the keyword arguments of its constructor are the keys of its table.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_type_hints

from roost.core.config_reading import SinkForm
from roost.errors import InvalidError

GROUP = "roost.sinks"
_PLAIN = (str, int, float, bool, list)


class InstalledSinks(Mapping[str, Callable[[], SinkForm]]):
    """The installed types; looked for when first asked."""

    def __init__(self) -> None:
        self._found: dict[str, Any] | None = None

    def _entries(self) -> dict[str, Any]:
        if self._found is None:
            from importlib.metadata import entry_points

            self._found = {entry.name: entry for entry in entry_points(group=GROUP)}
        return self._found

    def __getitem__(self, name: str) -> Callable[[], SinkForm]:
        entry = self._entries()[name]
        return lambda: form_of(name, _load(name, entry))

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries())

    def __len__(self) -> int:
        return len(self._entries())

    def make(self, name: str, options: Mapping[str, Any]) -> Any:
        """A sink of that type. Raises InvalidError when it cannot be loaded or does not want to be made."""
        kind = _load(name, self._entries()[name])
        try:
            return kind(**options)
        except Exception as error:
            raise InvalidError(f"the sink {name!r} refuses its options: {type(error).__name__}: {error}") from error


def _load(name: str, entry: Any) -> type:
    try:
        kind = entry.load()
    except Exception as error:
        raise InvalidError(
            f"the sink {name!r} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if not inspect.isclass(kind) or not callable(getattr(kind, "deliver", None)):
        raise InvalidError(f"the sink {name!r} ({entry.value}) is no class with a method `deliver`")
    return kind


def form_of(name: str, kind: type) -> SinkForm:
    """What that class may be told. Raises InvalidError for a constructor that does not say it."""
    parameters = list(inspect.signature(kind).parameters.values())
    if any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL, p.POSITIONAL_ONLY) for p in parameters):
        raise InvalidError(f"the constructor of the sink {name!r} has to name each of its options")
    hints = get_type_hints(vars(kind).get("__init__", kind))
    options = {p.name: hints.get(p.name, object) for p in parameters}
    return SinkForm(
        {option: hint if hint in _PLAIN else object for option, hint in options.items()},
        frozenset(p.name for p in parameters if p.default is p.empty),
    )
