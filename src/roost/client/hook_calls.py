"""The verbs about configuration and hooks, as data. See `roost.client.calls`, whose form they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roost import model
from roost.client.calls import Call


def _config(result: Mapping[str, Any], _data: bytes) -> model.ConfigInfo:
    return model.ConfigInfo.from_json(result)


def show_config() -> Call[model.ConfigInfo]:
    return Call("config.show", _config, repeatable=True)


def reload_config() -> Call[model.ConfigInfo]:
    return Call("config.reload", _config)


def show_hooks() -> Call[list[model.SinkInfo]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[model.SinkInfo]:
        return [model.SinkInfo.from_json(entry) for entry in result["sinks"]]

    return Call("hooks.status", read, repeatable=True)


def retry_hooks(name: str | None) -> Call[dict[str, int]]:
    def read(result: Mapping[str, Any], _data: bytes) -> dict[str, int]:
        return {str(sink): int(events) for sink, events in result["retried"].items()}

    return Call("hooks.retry", read, {"name": name}, repeatable=True)
