"""`[record]` of `config.toml`: what is never written into any recording. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from roost.core import toml_values as tv
from roost.core.config_reading import Table
from roost.core.redaction import compile_rules


@dataclass(frozen=True, slots=True)
class RecordConfig:
    """redact: expressions, in every recording besides its own. redact_common: the built-in ones in every recording."""

    redact: tuple[str, ...] = ()
    redact_common: bool = False


def read_record(table: Table) -> RecordConfig:
    """The table."""
    default = RecordConfig()
    config = RecordConfig(
        redact=table.take("redact", _rules, default.redact),
        redact_common=table.take("redact_common", tv.flag, default.redact_common),
    )
    table.close()
    return config


def _rules(value: Any) -> tuple[str, ...]:
    texts: tuple[str, ...] = tv.texts(value)
    compile_rules(texts)
    return texts
