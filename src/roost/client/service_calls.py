"""The verbs about services, as data. See `roost.client.calls`, whose form they have.

Whatever ends a child takes as long as the service's own kill_timeout: those calls wait for as long as it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from roost import model
from roost.client.calls import Call
from roost.core.service import Definition


def _one(result: Mapping[str, Any], _data: bytes) -> model.ServiceInfo:
    return model.ServiceInfo.from_json(result)


def _many(result: Mapping[str, Any], _data: bytes) -> list[model.ServiceInfo]:
    return [model.ServiceInfo.from_json(entry) for entry in result["services"]]


def start(what: Definition | str) -> Call[list[model.ServiceInfo]]:
    params = {"target": what} if isinstance(what, str) else {"config": asdict(what)}
    return Call("services.start", _many, params, extra_s=None)


def apply(definition: Definition) -> Call[tuple[model.ServiceInfo, str]]:
    def read(result: Mapping[str, Any], _data: bytes) -> tuple[model.ServiceInfo, str]:
        return model.ServiceInfo.from_json(result["service"]), str(result["change"])

    return Call("services.apply", read, {"config": asdict(definition)}, repeatable=True, extra_s=None)


def stop(target: str) -> Call[list[model.ServiceInfo]]:
    return Call("services.stop", _many, {"target": target}, repeatable=True, extra_s=None)


def restart(target: str) -> Call[list[model.ServiceInfo]]:
    return Call("services.restart", _many, {"target": target}, extra_s=None)


def delete(target: str) -> Call[list[model.ServiceInfo]]:
    return Call("services.delete", _many, {"target": target}, extra_s=None)


def list_services() -> Call[list[model.ServiceInfo]]:
    return Call("services.list", _many, repeatable=True)


def describe(target: str) -> Call[model.ServiceInfo]:
    return Call("services.describe", _one, {"target": target}, repeatable=True)


def logs(target: str, lines: int) -> Call[str]:
    def read(result: Mapping[str, Any], _data: bytes) -> str:
        return str(result["text"])

    return Call("services.logs", read, {"target": target, "lines": lines}, repeatable=True)


def flush(target: str) -> Call[list[model.ServiceInfo]]:
    return Call("services.flush", _many, {"target": target})


def save() -> Call[tuple[str, int]]:
    def read(result: Mapping[str, Any], _data: bytes) -> tuple[str, int]:
        return str(result["path"]), int(result["count"])

    return Call("services.save", read, repeatable=True)


def resurrect() -> Call[tuple[int, list[str]]]:
    def read(result: Mapping[str, Any], _data: bytes) -> tuple[int, list[str]]:
        return int(result["count"]), [str(failure) for failure in result["failures"]]

    return Call("services.resurrect", read, repeatable=True, extra_s=None)


def wait(target: str, condition: str, timeout_s: float | None) -> Call[model.ServiceInfo]:
    params = {"target": target, "condition": condition, "timeout_s": timeout_s}
    return Call("services.wait", _one, params, repeatable=True, extra_s=timeout_s)
