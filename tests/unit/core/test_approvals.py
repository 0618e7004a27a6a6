"""Requests for approval as data, and the forms in which agents' hooks ask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from roost.core.approval_hooks import answer_for_hook, hook_name, question_of_hook
from roost.core.approvals import Approval, check_question, decode_approvals, encode_approvals
from roost.errors import InvalidError

ASKED = Approval("a-1", "Bash", "rm -rf build", asked_at=100.0, expires_at=160.0, session_id="s-1")


def hook(**told: Any) -> dict[str, Any]:
    return {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"}, **told}


def test_what_is_kept_is_what_was_asked() -> None:
    denied = replace(ASKED, id="a-2", state="denied", reason="no", decided_at=120.0)
    assert decode_approvals(encode_approvals([ASKED, denied])) == [ASKED, denied]
    assert (ASKED.decision, denied.decision, replace(ASKED, state="expired").decision) == (None, "deny", None)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"approvals": [1]}', b'{"approvals": [{"id": "a"}]}'])
def test_what_cannot_be_read_is_refused_whole(data: bytes) -> None:
    with pytest.raises(InvalidError):
        decode_approvals(data)


@pytest.mark.parametrize(
    ("id", "tool", "detail", "timeout_s"),
    [
        ("a b", "Bash", "", 60),
        ("", " ", "", 60),
        ("", "x" * 201, "", 60),
        ("", "Bash", "x" * 16385, 60),
        ("", "Bash", "", 0),
        ("", "Bash", "", float("nan")),
        ("", "Bash", "", 1e9),
    ],
)
def test_questions_have_bounds(id: str, tool: str, detail: str, timeout_s: float) -> None:
    with pytest.raises(InvalidError):
        check_question(id, tool, detail, timeout_s)


def test_the_question_of_a_hook_says_what_the_tool_would_do() -> None:
    assert question_of_hook(hook(), "claude-code").detail == "ls"
    edit = hook(tool_name="Edit", tool_input={"file_path": "a", "old_string": "b", "new_string": "c"})
    assert question_of_hook(edit, "claude-code").detail == '{"file_path": "a", "old_string": "b", "new_string": "c"}'
    long = question_of_hook(hook(tool_input={"command": "x" * 20000}), "claude-code")
    check_question("", long.tool, long.detail, 60)


@pytest.mark.parametrize(
    "told", [None, [], {}, hook(hook_event_name="Stop"), hook(tool_name=""), hook(tool_name=3), "PreToolUse"]
)
def test_what_is_no_question_is_answered_with_ask(told: Any) -> None:
    with pytest.raises(InvalidError):
        question_of_hook(told, "claude-code")
    answer = answer_for_hook(hook_name(told, "claude-code"), None, "broken")
    assert answer["hookSpecificOutput"]["permissionDecision"] == "ask"


@pytest.mark.parametrize("told", [None, hook(hook_event_name="PreToolUse"), hook(hook_event_name="Stop")])
def test_codex_which_knows_no_ask_is_told_nothing_then(told: Any) -> None:
    with pytest.raises(InvalidError):
        question_of_hook(told, "codex")
    assert answer_for_hook(hook_name(told, "codex"), None, "broken") == {}


def test_codex_asks_by_its_permission_request() -> None:
    told = hook(hook_event_name="PermissionRequest", tool_input={"command": "make", "description": "build it"})
    asked = question_of_hook(told, "codex")
    assert (asked.hook, asked.tool, asked.detail) == ("PermissionRequest", "Bash", "make")


def test_each_hook_is_answered_in_its_own_form() -> None:
    said = {d: answer_for_hook("PreToolUse", d, "why")["hookSpecificOutput"] for d in ("approve", "deny", None)}
    assert [said[d]["permissionDecision"] for d in ("approve", "deny", None)] == ["allow", "deny", "ask"]
    assert said["deny"]["permissionDecisionReason"] == "why"
    allowed = answer_for_hook("PermissionRequest", "approve", "")["hookSpecificOutput"]
    assert allowed == {"hookEventName": "PermissionRequest", "decision": {"behavior": "allow"}}
    denied = answer_for_hook("PermissionRequest", "deny", "why")["hookSpecificOutput"]["decision"]
    assert denied == {"behavior": "deny", "message": "why"}
    assert answer_for_hook("PermissionRequest", None, "") == {}
