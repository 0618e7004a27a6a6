"""The verbs about registered processes, as data. See `roost.client.calls`, whose form they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roost import model
from roost.client.calls import Call


def list_processes(originator: str | None) -> Call[list[model.ProcessInfo]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[model.ProcessInfo]:
        return [model.ProcessInfo.from_json(entry) for entry in result["processes"]]

    return Call("processes.list", read, {"originator": originator}, repeatable=True)


def process_tree(pid: int | None) -> Call[str]:
    def read(result: Mapping[str, Any], _data: bytes) -> str:
        return str(result["tree"])

    return Call("processes.tree", read, {"pid": pid}, repeatable=True)


def kill_tree(pid: int, timeout_s: float) -> Call[int]:
    def read(result: Mapping[str, Any], _data: bytes) -> int:
        return int(result["killed"])

    return Call("processes.kill_tree", read, {"pid": pid, "timeout_s": timeout_s}, extra_s=timeout_s)


def kill_zombies(*, dry_run: bool) -> Call[list[model.ZombieInfo]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[model.ZombieInfo]:
        return [model.ZombieInfo.from_json(entry) for entry in result["zombies"]]

    return Call("processes.zombies", read, {"dry_run": dry_run}, repeatable=dry_run)
