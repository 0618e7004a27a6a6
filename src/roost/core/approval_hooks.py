"""What an agent's permission hook asks and how it is answered: PermissionRequest of Claude Code and Codex, and Claude
Code's PreToolUse. Pure.

Owns the two forms. Sources: code.claude.com/docs/en/hooks, developers.openai.com/codex/hooks. Whatever goes wrong is
answered with "ask": the tool then asks its user itself. Gemini CLI has no hook that could answer its question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roost.core.approvals import MAX_DETAIL_CHARACTERS, MAX_TOOL_CHARACTERS
from roost.errors import InvalidError

TOOLS = ("claude-code", "codex")
PRE_TOOL_USE = "PreToolUse"
PERMISSION_REQUEST = "PermissionRequest"
#: The argument of a tool that says what it will do, in the order in which they are looked for.
_TELLING = ("command", "file_path", "notebook_path", "url", "query", "pattern")


@dataclass(frozen=True, slots=True)
class HookQuestion:
    """What a hook was told. hook: its event's name."""

    hook: str
    tool: str
    detail: str


def hook_name(told: Any, tool: str) -> str:
    """Which hook it is; PreToolUse where that cannot be known: only there can "ask" be said aloud. Codex has no such
    word: where nothing is said it asks."""
    if tool == "codex":
        return PERMISSION_REQUEST
    name = told.get("hook_event_name") if isinstance(told, Mapping) else None
    return PERMISSION_REQUEST if name == PERMISSION_REQUEST else PRE_TOOL_USE


def question_of_hook(told: Any, tool: str) -> HookQuestion:
    """The question in what the tool gave its hook. Raises InvalidError for what is none."""
    if not isinstance(told, Mapping):
        raise InvalidError(f"a hook of {tool} is given a JSON object on stdin")
    name = told.get("hook_event_name")
    known = (PERMISSION_REQUEST,) if tool == "codex" else (PERMISSION_REQUEST, PRE_TOOL_USE)
    if name not in known:
        raise InvalidError(f"{name!r} is no hook of {tool} that can be asked by; use {' or '.join(known)}")
    wants = told.get("tool_name")
    if not isinstance(wants, str) or not wants.strip():
        raise InvalidError(f"this is not what {tool} gives a hook: there is no tool_name")
    return HookQuestion(str(name), wants[:MAX_TOOL_CHARACTERS], _detail(told.get("tool_input")))


def _detail(given: Any) -> str:
    if not given:
        return ""
    if isinstance(given, Mapping) and len(given) <= 2:
        for name in _TELLING:
            if isinstance(given.get(name), str) and given.keys() <= {name, "description"}:
                return _fitted(given[name])
    return _fitted(json.dumps(given, ensure_ascii=False))


def _fitted(text: str) -> str:
    return text if len(text) <= MAX_DETAIL_CHARACTERS else text[: MAX_DETAIL_CHARACTERS - 1] + "…"


def answer_for_hook(hook: str, decision: str | None, reason: str) -> dict[str, Any]:
    """What the hook prints. decision: approve, deny, or None: the tool is to ask its user."""
    if hook == PERMISSION_REQUEST:
        if decision is None:
            return {}  # the dialog comes
        verdict = {"behavior": "allow"} if decision == "approve" else {"behavior": "deny", "message": reason}
        return {"hookSpecificOutput": {"hookEventName": hook, "decision": verdict}}
    said = {"approve": "allow", "deny": "deny"}.get(decision or "", "ask")
    return {
        "hookSpecificOutput": {
            "hookEventName": PRE_TOOL_USE,
            "permissionDecision": said,
            "permissionDecisionReason": reason,
        }
    }
