"""The verbs about approvals, as data. See `roost.client.calls`, whose form they have."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from roost.client.calls import Call
from roost.client.results import ApprovalInfo


def _approval(result: Mapping[str, Any], _data: bytes) -> ApprovalInfo:
    return ApprovalInfo.from_json(result)


def ask(tool: str, detail: str, target: str | None, timeout_s: float, id: str, *, wait: bool) -> Call[ApprovalInfo]:
    """A repeat finds what was asked by the same id, in the next daemon too."""
    params = {"tool": tool, "detail": detail, "target": target, "timeout_s": timeout_s, "id": id, "wait": wait}
    return Call("approvals.ask", _approval, params, repeatable=True, extra_s=timeout_s if wait else 0.0)


def new_id() -> str:
    """An id for a request."""
    return f"a-{os.urandom(5).hex()}"


def list_approvals(target: str | None, *, all: bool) -> Call[list[ApprovalInfo]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[ApprovalInfo]:
        return [ApprovalInfo.from_json(entry) for entry in result["approvals"]]

    return Call("approvals.list", read, {"target": target, "all": all}, repeatable=True)


def get(id: str) -> Call[ApprovalInfo]:
    return Call("approvals.get", _approval, {"id": id}, repeatable=True)


def answer(id: str, decision: str, reason: str) -> Call[ApprovalInfo]:
    return Call("approvals.answer", _approval, {"id": id, "decision": decision, "reason": reason})


def withdraw(id: str) -> Call[ApprovalInfo]:
    return Call("approvals.withdraw", _approval, {"id": id}, repeatable=True)
