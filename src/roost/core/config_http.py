"""The table `[http]`: where the daemon listens besides its socket, and what the audit trail keeps. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from roost.core import toml_values as tv
from roost.core.config_reading import Table
from roost.core.listening import parse_listen


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """listen: addresses as `roost serve --listen` takes them. hosts: further names under which requests may call them.
    audit_contents: keep what was typed, not only how much."""

    listen: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    audit_contents: bool = False


def read_http(table: Table) -> HttpConfig:
    """The table."""
    config = HttpConfig(
        listen=table.take("listen", _addresses, (), env="ROOST_HTTP_LISTEN"),
        hosts=table.take("hosts", tv.texts, ()),
        audit_contents=table.take("audit_contents", tv.a_kind(bool, "true or false"), False),
    )
    table.close()
    return config


def _addresses(value: Any) -> tuple[str, ...]:
    return tuple(parse_listen(text).url for text in tv.texts(value))
