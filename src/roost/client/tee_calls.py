"""The verbs about tees, as data. See `roost.client.calls`, whose form they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roost import model
from roost.client.calls import Call
from roost.wire.request_types import TeeOptions

__all__ = ["TeeOptions", "add_tee", "list_tees", "remove_tee"]

#: How long the daemon lets a file take the rest before it gives it up.
_DRAIN_S = 5.0


def _info(result: Mapping[str, Any], _data: bytes) -> model.TeeInfo:
    return model.TeeInfo.from_json(result)


def add_tee(target: str, tee: TeeOptions) -> Call[model.TeeInfo]:
    params = {name: value for name, value in zip(tee.__slots__, tee, strict=True) if name != "path"}
    return Call("tees.add", _info, {"target": target, **params}, tee.path)


def list_tees(target: str | None) -> Call[list[model.TeeInfo]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[model.TeeInfo]:
        return [model.TeeInfo.from_json(entry) for entry in result["tees"]]

    return Call("tees.list", read, {"target": target}, repeatable=True)


def remove_tee(target: str, handle: int) -> Call[model.TeeInfo]:
    return Call("tees.remove", _info, {"target": target, "handle": handle}, extra_s=_DRAIN_S)
