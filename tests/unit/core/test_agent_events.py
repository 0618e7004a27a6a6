"""Agent events: what may be emitted, and what the hooks of other tools become."""

from __future__ import annotations

import json
from typing import Any

import pytest

from roost.core.agent_events import MAX_EMIT_BYTES, check_agent_event, decode_emission
from roost.core.agent_tools import TOOLS, event_of_hook, hook_settings, with_hooks
from roost.core.rate import TokenBucket
from roost.errors import InvalidError


@pytest.mark.parametrize(
    ("type", "data"),
    [
        ("exited", {}),
        (None, {}),
        (["generic"], {}),
        ("generic", []),
        ("tool_lifecycle", {"tool_name": "Bash"}),
        ("tool_lifecycle", {"tool_name": 1, "phase": "start"}),
        ("response_delta", {"response_id": "r"}),
        ("job_lifecycle", {"job_id": "j", "phase": "running", "progress": "half"}),
        ("job_lifecycle", {"job_id": "j", "phase": "running", "progress": True}),
        ("generic", {"reason": 4}),
    ],
)
def test_what_is_no_agent_event_is_refused(type: Any, data: Any) -> None:
    with pytest.raises(InvalidError):
        check_agent_event(type, data)


def test_fields_beyond_the_required_ones_are_kept() -> None:
    data = {"job_id": "j", "phase": "running", "progress": 0.5, "mine": {"a": [1]}}
    assert check_agent_event("job_lifecycle", data) == ("job_lifecycle", data)


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b"\xff", b'{"type": "generic", "more": 1}', b'{"type": NaN}', b"[" * 60_000]
)
def test_what_is_no_line_of_json_is_refused(line: bytes) -> None:
    with pytest.raises(InvalidError):
        decode_emission(line)


def test_a_line_at_the_limit_is_taken_and_one_above_is_not() -> None:
    line = b'{"type": "generic", "data": {"x": "%s"}}'
    at_limit = line % (b"a" * (MAX_EMIT_BYTES - len(line) + 2))
    assert decode_emission(at_limit)["type"] == "generic"
    with pytest.raises(InvalidError, match="limit"):
        decode_emission(at_limit + b" ")


HOOKS: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "claude-code",
        {"hook_event_name": "PreToolUse", "session_id": "s", "tool_name": "Bash", "tool_use_id": "t1"},
        "tool_lifecycle",
        {"tool_name": "Bash", "phase": "start", "tool_call_id": "t1", "agent_session": "s"},
    ),
    (
        "claude-code",
        {"hook_event_name": "PermissionRequest", "session_id": "s", "tool_name": "Write"},
        "approval_lifecycle",
        {"approval_id": "s", "phase": "requested", "reason": "Write"},
    ),
    ("claude-code", {"hook_event_name": "Stop", "session_id": "s"}, "response_end", {"response_id": "s"}),
    ("claude-code", {"hook_event_name": "PreCompact", "trigger": "auto"}, "generic", {"name": "PreCompact"}),
    (
        "claude-code",
        {"hook_event_name": "StopFailure", "session_id": "s", "error": "rate_limit"},
        "response_end",
        {"response_id": "s", "reason": "rate_limit"},
    ),
    (
        "claude-code",
        {
            "hook_event_name": "PermissionDenied",
            "session_id": "s",
            "tool_name": "Bash",
            "tool_use_id": "t",
            "reason": "no",
        },
        "approval_lifecycle",
        {"approval_id": "t", "phase": "denied", "reason": "Bash"},
    ),
    (
        "claude-code",
        {
            "hook_event_name": "Notification",
            "session_id": "s",
            "notification_type": "permission_prompt",
            "message": "m",
        },
        "approval_lifecycle",
        {"approval_id": "s", "phase": "requested", "reason": "m"},
    ),
    (
        "claude-code",
        {"hook_event_name": "Notification", "notification_type": "elicitation_dialog", "message": "which?"},
        "generic",
        {"name": "Notification", "message": "which?", "state": "blocked", "detail": "question"},
    ),
    (
        "claude-code",
        {"hook_event_name": "SubagentStop", "agent_id": "a1", "agent_type": "Explore"},
        "job_lifecycle",
        {"job_id": "a1", "phase": "end", "detail": "Explore"},
    ),
    (
        "claude-code",
        {"hook_event_name": "SessionEnd", "session_id": "s", "reason": "logout"},
        "generic",
        {"name": "SessionEnd", "agent_session": "s", "payload": {"reason": "logout"}},
    ),
    (
        "codex",
        {"hook_event_name": "PermissionRequest", "turn_id": "9", "session_id": "s", "tool_name": "shell"},
        "approval_lifecycle",
        {"approval_id": "9", "phase": "requested", "reason": "shell"},
    ),
    (
        "gemini",
        {"hook_event_name": "Notification", "session_id": "s", "notification_type": "ToolPermission", "message": "m"},
        "approval_lifecycle",
        {"approval_id": "s", "phase": "requested", "reason": "m"},
    ),
    ("gemini", {"hook_event_name": "PreCompress", "trigger": "auto"}, "generic", {"name": "PreCompress"}),
    (
        "codex",
        {"type": "agent-turn-complete", "thread-id": "th", "turn-id": "9", "last-assistant-message": "done"},
        "response_end",
        {"response_id": "9", "agent_session": "th"},
    ),
    (
        "gemini",
        {"hook_event_name": "AfterTool", "tool_name": "run_shell_command", "tool_response": {"error": "no"}},
        "tool_lifecycle",
        {"tool_name": "run_shell_command", "phase": "failed"},
    ),
    (
        "gemini",
        {"hook_event_name": "AfterModel", "llm_response": {"candidates": [{"content": {"parts": ["a", "b"]}}]}},
        "response_delta",
        {"delta": "ab"},
    ),
]


@pytest.mark.parametrize(("tool", "hook", "type", "data"), HOOKS)
def test_a_tools_hook_becomes_an_event_that_can_be_emitted(
    tool: str, hook: dict[str, Any], type: str, data: dict[str, Any]
) -> None:
    found, told = event_of_hook(tool, hook)
    assert (found, {key: told.get(key) for key in data}) == (type, data)
    assert check_agent_event(found, told) == (type, told)
    assert told["tool"] == tool


def test_a_hook_that_says_too_much_is_cut_to_what_can_be_emitted() -> None:
    for huge in ({"tool_response": "x" * 200_000}, {"tool_input": {str(n): "y" * 900 for n in range(200)}}):
        _, told = event_of_hook("claude-code", {"hook_event_name": "PostToolUse", "tool_name": "Read", **huge})
        assert told["truncated"] is True and told["tool_name"] == "Read"
        assert len(json.dumps({"type": "tool_lifecycle", "data": told})) <= MAX_EMIT_BYTES


@pytest.mark.parametrize("hook", [[], "text", {}, {"hook_event_name": 3}])
def test_what_no_tool_says_is_refused(hook: Any) -> None:
    with pytest.raises(InvalidError):
        event_of_hook("claude-code", hook)


@pytest.mark.parametrize("tool", TOOLS)
def test_hooks_are_added_once_beside_what_is_there(tool: str) -> None:
    name = next(iter(hook_settings(tool)["hooks"]))
    mine = {"theme": "dark", "hooks": {name: [{"hooks": [{"type": "command", "command": "mine"}]}]}}
    once = with_hooks(mine, tool)
    assert once["theme"] == "dark" and once["hooks"][name][0] == mine["hooks"][name][0]  # type: ignore[index]
    assert len(once["hooks"][name]) == 2 and with_hooks(once, tool) == once
    with pytest.raises(InvalidError):
        with_hooks({"hooks": []}, tool)


@pytest.mark.parametrize("tool", ["claude-code", "codex"])
def test_the_permission_hook_is_added_beside_the_one_that_tells_of_it(tool: str) -> None:
    events = with_hooks({}, tool)
    both = with_hooks(events, tool, approvals=True)
    commands = [group["hooks"][0]["command"] for group in both["hooks"]["PermissionRequest"]]
    assert commands == [f"roost emit --from {tool}", f"roost ask --from {tool}"]
    assert with_hooks(both, tool, approvals=True) == both and with_hooks(both, tool) == both
    assert {name for name in both["hooks"] if both["hooks"][name] != events["hooks"][name]} == {"PermissionRequest"}


def test_a_tool_that_cannot_be_answered_is_named() -> None:
    with pytest.raises(InvalidError, match="gemini has no hook"):
        hook_settings("gemini", approvals=True)


def test_a_bucket_lets_a_burst_pass_and_counts_the_rest() -> None:
    bucket = TokenBucket(10, 3, now=0.0)
    assert [bucket.take(0.0) for _ in range(5)] == [True, True, True, False, False]
    assert bucket.refused == 2
    assert bucket.take(0.1) and not bucket.take(0.1)
    assert not bucket.take(-50.0), "a clock that goes back gives nothing"
