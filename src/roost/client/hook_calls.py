"""The verbs about configuration and hooks, as data. See `roost.client.calls`, whose form they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roost.client.calls import Call
from roost.model import ConfigInfo


def _config(result: Mapping[str, Any], _data: bytes) -> ConfigInfo:
    return ConfigInfo.from_json(result)


def show_config() -> Call[ConfigInfo]:
    return Call("config.show", _config, repeatable=True)


def reload_config() -> Call[ConfigInfo]:
    return Call("config.reload", _config)
