"""What agents' own hooks say, as roost's events: Claude Code, Codex, Gemini CLI. Pure.

Owns the mapping from the JSON that these tools give their hooks to agent events, and the configuration that makes them
do so. Sources: code.claude.com/docs/en/hooks, developers.openai.com/codex/hooks, geminicli.com/docs/hooks/reference.
What is not mapped becomes a generic event that carries the tool's JSON whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from roost.core.agent_events import MAX_EMIT_BYTES
from roost.core.approval_hooks import PERMISSION_REQUEST
from roost.core.approval_hooks import TOOLS as ASKING_TOOLS
from roost.errors import InvalidError

Hook: TypeAlias = Mapping[str, Any]
Mapped: TypeAlias = tuple[str, dict[str, Any]]

TOOLS = ("claude-code", "codex", "gemini")

#: What the event's other keys may take beside the data.
_ENVELOPE_BYTES = 512
_CUT_TEXTS_AT = 1000
_COMMON = ("session_id", "transcript_path", "cwd", "hook_event_name", "timestamp", "permission_mode")


def event_of_hook(tool: str, hook: Any) -> Mapped:
    """Type and data of the event for what a tool told its hook. Raises InvalidError for what is no such thing."""
    if tool not in TOOLS:
        raise InvalidError(f"unknown tool {tool!r}; known are {', '.join(TOOLS)}")
    if not isinstance(hook, Mapping):
        raise InvalidError(f"a hook of {tool} is given a JSON object on stdin")
    name = hook.get("hook_event_name") or hook.get("type")
    if not isinstance(name, str) or not name:
        raise InvalidError(f"this is not what {tool} gives a hook: there is no hook_event_name")
    mapping = _MAPPINGS.get(name)
    type, data = mapping(hook) if mapping else ("generic", {"name": name})
    payload = {key: value for key, value in hook.items() if key not in _COMMON}
    data |= {"tool": tool, "hook": name, "agent_session": _text(hook, "session_id", "thread-id"), "payload": payload}
    return type, fitted(data)


def fitted(data: dict[str, Any]) -> dict[str, Any]:
    """The data, its payload shortened so far that it can be emitted; `truncated` says so."""
    limit = MAX_EMIT_BYTES - _ENVELOPE_BYTES
    if _size(data) <= limit:
        return data
    short = {**data, "payload": _cut(data["payload"]), "truncated": True}
    if _size(short) > limit:
        short["payload"] = {}
    return short if _size(short) <= limit else {key: _cut(value) for key, value in short.items()}


def _size(data: Any) -> int:
    return len(json.dumps(data))


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _CUT_TEXTS_AT else value[:_CUT_TEXTS_AT] + "…"
    if isinstance(value, Mapping):
        return {key: _cut(item) for key, item in value.items()}
    return [_cut(item) for item in value] if isinstance(value, list) else value


def _text(hook: Hook, *names: str) -> str:
    """The first of these that is a text; empty for none."""
    return next((value for name in names if isinstance(value := hook.get(name), str) and value), "")


def _turn(hook: Hook) -> str:
    return _text(hook, "turn_id", "turn-id", "prompt_id", "session_id", "thread-id")


def _response(type: str) -> Callable[[Hook], Mapped]:
    return lambda hook: (type, {"response_id": _turn(hook)})


def _failed_response(hook: Hook) -> Mapped:
    """A turn that an error ended."""
    return "response_end", {"response_id": _turn(hook), "reason": _cut(_text(hook, "error", "error_details"))}


def _tool(phase: str) -> Callable[[Hook], Mapped]:
    def mapped(hook: Hook) -> Mapped:
        data = {"tool_name": _text(hook, "tool_name"), "phase": phase}
        call = _text(hook, "tool_use_id")
        return "tool_lifecycle", data | ({"tool_call_id": call} if call else {})

    return mapped


def _after_gemini_tool(hook: Hook) -> Mapped:
    response = hook.get("tool_response")
    failed = isinstance(response, Mapping) and bool(response.get("error"))
    return _tool("failed" if failed else "end")(hook)


def _job(phase: str) -> Callable[[Hook], Mapped]:
    def mapped(hook: Hook) -> Mapped:
        job = _text(hook, "agent_id", "task_id", "session_id")
        detail = _cut(_text(hook, "agent_type", "task_subject"))
        return "job_lifecycle", {"job_id": job, "phase": phase, "detail": detail}

    return mapped


def _approval(phase: str) -> Callable[[Hook], Mapped]:
    def mapped(hook: Hook) -> Mapped:
        which = _text(hook, "tool_use_id", "turn_id", "session_id")
        return "approval_lifecycle", {
            "approval_id": which,
            "phase": phase,
            "reason": _text(hook, "tool_name", "reason"),
        }

    return mapped


def _notification(hook: Hook) -> Mapped:
    """What a tool tells its user; some of it says what it waits for."""
    kind, message = hook.get("notification_type"), _cut(_text(hook, "message"))
    if kind in ("ToolPermission", "permission_prompt"):  # Gemini has no hook of its own for it, older tools neither
        data = {"approval_id": _text(hook, "session_id"), "phase": "requested", "reason": message}
        return "approval_lifecycle", data
    waits = {"elicitation_dialog": _QUESTION, "idle_prompt": {"state": "idle"}}
    return "generic", {"name": "Notification", "message": message, **waits.get(str(kind), {})}


#: What a generic event says of the agent's state, see `roost.core.session_state`.
_QUESTION = {"state": "blocked", "detail": "question"}


def _asked(hook: Hook) -> Mapped:
    return "generic", {"name": "Elicitation", "message": _cut(_text(hook, "message")), **_QUESTION}


def _answered(_hook: Hook) -> Mapped:
    return "generic", {"name": "ElicitationResult", "state": "working"}


def _chunk(hook: Hook) -> Mapped:
    parts: list[str] = []
    answer = hook.get("llm_response")
    candidates = answer.get("candidates", ()) if isinstance(answer, Mapping) else ()
    for candidate in candidates if isinstance(candidates, list) else ():
        content = candidate.get("content", {}) if isinstance(candidate, Mapping) else {}
        found = content.get("parts", ()) if isinstance(content, Mapping) else ()
        parts += [part for part in found if isinstance(part, str)]
    return "response_delta", {"response_id": _turn(hook), "delta": "".join(parts)}


_MAPPINGS: dict[str, Callable[[Hook], Mapped]] = {
    "UserPromptSubmit": _response("response_start"),
    "Stop": _response("response_end"),
    "StopFailure": _failed_response,
    "Interrupt": _response("response_end"),
    "agent-turn-complete": _response("response_end"),
    "PreToolUse": _tool("start"),
    "PostToolUse": _tool("end"),
    "PostToolUseFailure": _tool("failed"),
    "PermissionRequest": _approval("requested"),
    "PermissionDenied": _approval("denied"),
    "SubagentStart": _job("start"),
    "SubagentStop": _job("end"),
    "TaskCreated": _job("start"),
    "TaskCompleted": _job("end"),
    "Elicitation": _asked,
    "ElicitationResult": _answered,
    "BeforeAgent": _response("response_start"),
    "AfterAgent": _response("response_end"),
    "BeforeTool": _tool("start"),
    "AfterTool": _after_gemini_tool,
    "AfterModel": _chunk,
    "Notification": _notification,
}

#: Tool → the hooks to be told of, those with a matcher first.
_MATCHED = {
    "claude-code": ("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionRequest", "PermissionDenied"),
    "codex": ("PreToolUse", "PostToolUse", "PermissionRequest"),
    "gemini": ("BeforeTool", "AfterTool"),
}
_PLAIN = {
    "claude-code": (
        "UserPromptSubmit",
        "Stop",
        "StopFailure",
        "SubagentStart",
        "SubagentStop",
        "Notification",
        "PreCompact",
        "PostCompact",
        "SessionStart",
        "SessionEnd",
    ),
    "codex": (
        "UserPromptSubmit",
        "Stop",
        "SubagentStart",
        "SubagentStop",
        "PreCompact",
        "PostCompact",
        "SessionStart",
        "SessionEnd",
    ),
    "gemini": ("BeforeAgent", "AfterAgent", "Notification", "PreCompress", "SessionStart", "SessionEnd"),
}
_MATCHER = {"claude-code": "*", "codex": ".*", "gemini": ".*"}
#: Seconds; Gemini counts in milliseconds.
_TIMEOUT = {"claude-code": 10, "codex": 10, "gemini": 10_000}
#: Where each tool looks for it, below the home directory.
SETTINGS = {"claude-code": ".claude/settings.json", "codex": ".codex/hooks.json", "gemini": ".gemini/settings.json"}
#: What else has to be set.
REMARKS = {
    "claude-code": "older versions do not know StopFailure, PermissionDenied and PostCompact; leave those out there",
    "codex": "older versions need `codex_hooks = true` under [features] in ~/.codex/config.toml",
}


#: Seconds that a tool gives the hook that asks for approval; `roost ask --from` is done before.
APPROVAL_TIMEOUT_S = 60


def hook_settings(tool: str, *, approvals: bool = False) -> dict[str, Any]:
    """What a tool's settings have to contain so that its hooks become events, and its questions `approvals`.

    Raises InvalidError for a tool whose questions no hook can answer.
    """
    emit = {"type": "command", "command": _command("emit", tool), "timeout": _TIMEOUT[tool]}
    hooks: dict[str, Any] = {name: [{"matcher": _MATCHER[tool], "hooks": [emit]}] for name in _MATCHED[tool]}
    hooks |= {name: [{"hooks": [emit]}] for name in _PLAIN[tool]}
    if approvals:
        if tool not in ASKING_TOOLS:
            raise InvalidError(f"{tool} has no hook that answers its questions; {' and '.join(ASKING_TOOLS)} have")
        ask = {"type": "command", "command": _command("ask", tool), "timeout": APPROVAL_TIMEOUT_S}
        hooks[PERMISSION_REQUEST].append({"matcher": _MATCHER[tool], "hooks": [ask]})
    return {"hooks": hooks}


def _command(verb: str, tool: str) -> str:
    return f"roost {verb} --from {tool}"


def with_hooks(settings: Any, tool: str, *, approvals: bool = False) -> dict[str, Any]:
    """A tool's settings with roost's hooks added to what is there; unchanged where they are there already.

    Raises InvalidError for settings of another form.
    """
    if not isinstance(settings, Mapping) or not isinstance(settings.get("hooks", {}), Mapping):
        raise InvalidError(f"these are no settings of {tool}; add what --print shows by hand")
    hooks = dict(settings.get("hooks", {}))
    for name, groups in hook_settings(tool, approvals=approvals)["hooks"].items():
        there = hooks.get(name, [])
        if not isinstance(there, list):
            raise InvalidError(f"hooks.{name} in these settings of {tool} is no list; add what --print shows by hand")
        known = json.dumps(there)
        hooks[name] = [*there, *(group for group in groups if group["hooks"][0]["command"] not in known)]
    return {**settings, "hooks": hooks}
