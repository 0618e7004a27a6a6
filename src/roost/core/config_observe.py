"""`[observe]` of `config.toml`: what is no event in any session, and which mechanisms are not to be used. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from roost.core import toml_values as tv
from roost.core.config_reading import Table
from roost.errors import InvalidError

#: What can be done without: the next best takes its place.
MECHANISMS = ("proc-connector", "fanotify", "tcp-trace")


@dataclass(frozen=True, slots=True)
class ObserveConfig:
    """ignore: patterns in the syntax of .gitignore, below every session's places. without: mechanisms not to use."""

    ignore: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


def read_observe(table: Table) -> ObserveConfig:
    """The table."""
    default = ObserveConfig()
    config = ObserveConfig(
        ignore=table.take("ignore", tv.texts, default.ignore),
        without=table.take("without", _mechanisms, default.without, env="ROOST_OBSERVE_WITHOUT"),
    )
    table.close()
    return config


def _mechanisms(value: Any) -> tuple[str, ...]:
    """Names as a list; in a variable with commas between."""
    names = tv.texts([word.strip() for word in value.split(",")] if isinstance(value, str) else value)
    for name in names:
        if name not in MECHANISMS:
            raise InvalidError(f"unknown mechanism {name!r}; known are {', '.join(MECHANISMS)}")
    return tuple(names)
