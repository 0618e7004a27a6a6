"""What a frozen type needs to travel as a JSON object. Must not know how it travels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Self


class Record:
    """A dataclass that is read from and written to a JSON object."""

    __slots__ = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The record in a decoded JSON object; unknown keys are ignored, lists become tuples.

        Raises TypeError when a field without a default is missing.
        """
        known = {item.name for item in fields(cls)}  # type: ignore[arg-type]
        return cls(**{key: cls._read(key, value) for key, value in data.items() if key in known})

    @classmethod
    def _read(cls, key: str, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    def to_json(self) -> dict[str, Any]:
        """The JSON object of this record, every field included."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value
