"""`[events]` of `config.toml`: what the journal keeps, for how long and how much. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from roost.core import toml_values as tv
from roost.core.config_reading import Table
from roost.core.events import check_categories
from roost.errors import InvalidError

_LEAST_BYTES = 1 << 20
#: The lifecycle carries the history: without it an exit could be told twice.
_ALWAYS = "lifecycle"


@dataclass(frozen=True, slots=True)
class EventsConfig:
    """keep: categories, none for all. keep_for_s, keep_bytes: beyond that the oldest events go. keep_sessions: how many
    purged sessions the history remembers."""

    keep: tuple[str, ...] = ()
    keep_for_s: float = 30 * 86400.0
    keep_bytes: int = 256 << 20
    keep_sessions: int = 20_000


def read_events(table: Table) -> EventsConfig:
    """The table."""
    default = EventsConfig()
    config = EventsConfig(
        keep=table.take("keep", _categories, default.keep),
        keep_for_s=table.take("keep_for", tv.some_seconds, default.keep_for_s),
        keep_bytes=table.take("keep_bytes", _bytes, default.keep_bytes),
        keep_sessions=table.take("keep_sessions", tv.between(1, 1_000_000), default.keep_sessions),
    )
    table.close()
    return config


def _categories(value: Any) -> tuple[str, ...]:
    names: tuple[str, ...] = tv.texts(value)
    check_categories(list(names))
    if names and _ALWAYS not in names:
        raise InvalidError(f"{_ALWAYS} is always kept: name it, too")
    return names


def _bytes(value: Any) -> int:
    size: int = tv.size(value)
    if size < _LEAST_BYTES:
        raise InvalidError("give 1MiB or more")
    return size
