"""An event as one line for people: when, whose, what, and the few fields that matter most. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from roost.core.events import Event
from roost.core.shown import printable

#: SGR colours by category.
_COLOURS = {
    "lifecycle": 32,
    "process": 36,
    "file": 34,
    "network": 35,
    "agent": 33,
    "shell": 96,
    "state": 95,
    "daemon": 90,
}
_WRONG = 31
_MOST = 400
#: What a line shows first, of those fields that an event has.
_FIRST = ("tool_name", "phase", "path", "from", "to", "pid", "argv", "code", "signal", "outcome", "reason", "count")
#: What a line leaves out.
_HIDDEN = {"payload", "labels", "agent_session", "hook", "exited_at", "service"}


def event_line(event: Event, *, colour: bool) -> str:
    """The line, without its end; control characters of names and data are not let through."""
    when = datetime.fromtimestamp(event.at).strftime("%H:%M:%S.%f")[:-3]
    whose = printable(event.session_name) or (event.session_id[-6:] if event.session_id else "roost")
    what = f"{event.category}.{event.type}"
    said = _said(event.data)
    sampled = "" if event.grade == "exact" else f" ({event.grade})"
    if colour:
        number = _WRONG if _is_trouble(event) else _COLOURS.get(event.category, 0)
        return (
            f"\x1b[2m{when}\x1b[0m \x1b[1m{whose:<14}\x1b[0m \x1b[{number}m{what:<22}\x1b[0m {said}{sampled}".rstrip()
        )
    return f"{when} {whose:<14} {what:<22} {said}{sampled}".rstrip()


def _is_trouble(event: Event) -> bool:
    failed = event.type == "exited" and event.data.get("code") != 0
    return failed or event.type in ("gap", "source_failed", "sink_failing", "hooks_dropped")


def _said(data: Mapping[str, Any]) -> str:
    names = [name for name in _FIRST if name in data] + [name for name in data if name not in _FIRST]
    parts = [f"{name}={_value(data[name])}" for name in names if name not in _HIDDEN and not _empty(data[name])]
    line = printable(" ".join(parts))
    return line if len(line) <= _MOST else line[: _MOST - 1] + "…"


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _value(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if not value or any(c.isspace() for c in value) else value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return json.dumps(" ".join(value), ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
