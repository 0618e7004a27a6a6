"""An event as it is kept and handed on: its line of JSON, and beside it what filters and cursors look at.

Owns the form of the line; pure. Encoded once, an event goes to the journal and to every reader as the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec

from roost.core.events import Event

_DEEPEST = 50
_encoded = msgspec.json.Encoder().encode


class Entry:
    """One event, encoded."""

    __slots__ = ("__dict__", "category", "key", "line", "session_id", "type")

    def __init__(self, key: tuple[int, int], category: str, type: str, session_id: str, line: bytes) -> None:
        self.key = key
        self.category = category
        self.type = type
        self.session_id = session_id
        self.line = line

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """What the event says."""
        told: Mapping[str, Any] = json.loads(self.line)["data"]
        return told

    @property
    def id(self) -> str:
        """The event's id."""
        return f"{self.key[0]}.{self.key[1]}"

    def event(self) -> Event:
        """The event, decoded."""
        return Event.from_json(json.loads(self.line))

    @classmethod
    def of(cls, event: Event) -> Entry:
        """That event, encoded."""
        return cls(event.key, event.category, event.type, event.session_id, encode(event))


def encode(event: Event) -> bytes:
    """A line of JSON without its end. Text that no UTF-8 can carry (names of files) has U+FFFD there, and what JSON has
    no form for its text."""
    told = event.as_dict()
    try:
        return _encoded(told)
    except (ValueError, TypeError, OverflowError, RecursionError, NotImplementedError):
        clean = json.dumps(_clean(told), separators=(",", ":"), ensure_ascii=False)
        return clean.encode("utf-8", "replace")


def _clean(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_clean(str(key)): _clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(item, depth + 1) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value if isinstance(value, (int, float, bool)) or value is None else _clean(str(value))
