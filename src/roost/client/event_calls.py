"""The verbs about events, as data. See `roost.client.calls`, whose form they have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from roost import model
from roost.client.calls import Call
from roost.core.events import Event
from roost.model.sessions import HistoryEntry


def read_events(
    target: str | None,
    categories: Sequence[str] | None,
    types: Sequence[str] | None,
    since: str,
    limit: int,
) -> Call[list[Event]]:
    def read(_result: Mapping[str, Any], data: bytes) -> list[Event]:
        return [Event.from_json(json.loads(line)) for line in data.splitlines()]

    params = {
        "target": target,
        "categories": None if categories is None else list(categories),
        "types": None if types is None else list(types),
        "since": since,
        "limit": limit,
    }
    return Call("events.read", read, params, repeatable=True)


def event_status() -> Call[dict[str, Any]]:
    def read(result: Mapping[str, Any], _data: bytes) -> dict[str, Any]:
        return dict(result)

    return Call("events.status", read, repeatable=True)


def history(
    target: str,
    *,
    originator: str | None,
    failed: bool,
    running: bool,
    since: float | None,
    until: float | None,
    limit: int,
) -> Call[list[HistoryEntry]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[HistoryEntry]:
        return [HistoryEntry.from_json(entry) for entry in result["sessions"]]

    params = {
        "target": target,
        "originator": originator,
        "failed": failed,
        "running": running,
        "since": since,
        "until": until,
        "limit": limit,
    }
    return Call("history.list", read, params, repeatable=True)


def add_observer(target: str, categories: Sequence[str] | None, capacity: int, policy: str) -> Call[model.ObserverInfo]:
    params = {
        "target": target,
        "categories": None if categories is None else list(categories),
        "capacity": capacity,
        "policy": policy,
    }
    return Call("observers.add", _observer, params)


def remove_observer(id: str) -> Call[model.ObserverInfo]:
    return Call("observers.remove", _observer, {"id": id})


def list_observers(target: str | None) -> Call[list[model.ObserverInfo]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[model.ObserverInfo]:
        return [model.ObserverInfo.from_json(entry) for entry in result["observers"]]

    return Call("observers.list", read, {"target": target}, repeatable=True)


def _observer(result: Mapping[str, Any], _data: bytes) -> model.ObserverInfo:
    return model.ObserverInfo.from_json(result)
