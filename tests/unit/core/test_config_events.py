"""The table `[events]` of config.toml."""

from __future__ import annotations

import pytest

from roost.core.config import read_config
from roost.core.config_events import EventsConfig
from roost.core.config_reading import ConfigError, Surroundings

AROUND = Surroundings("/run", "/state", "/home/u")


def test_what_is_kept_is_read_and_has_defaults() -> None:
    text = '[events]\nkeep = ["lifecycle", "agent"]\nkeep_for = "2d"\nkeep_bytes = "8MiB"\nkeep_sessions = 5\n'
    assert read_config(text, "f", AROUND).of(EventsConfig) == EventsConfig(("lifecycle", "agent"), 172800.0, 8 << 20, 5)
    assert read_config("", "f", AROUND).of(EventsConfig) == EventsConfig()


@pytest.mark.parametrize(
    "line",
    ['keep = ["weather"]', 'keep = ["agent"]', 'keep_for = "soon"', "keep_for = 0", "keep_bytes = 10", "more = 1"],
)
def test_what_makes_no_sense_is_a_mistake(line: str) -> None:
    with pytest.raises(ConfigError):
        read_config(f"[events]\n{line}\n", "f", AROUND)
