"""`TYPE=COMMAND`: the commands that a session brings along for its own events. Pure."""

from __future__ import annotations

from typing import Any

from roost.core.config_sinks import Command, SinkConfig
from roost.core.event_choice import check_pattern
from roost.errors import InvalidError

MOST = 32


def read_on_event(given: Any) -> list[tuple[str, str]]:
    """Pattern and command of each. Raises InvalidError that shows the form."""
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise InvalidError("on_event must be a list of texts like 'exited=notify-send done'")
    if len(given) > MOST:
        raise InvalidError(f"on_event has {len(given)} commands; {MOST} are allowed")
    return [_pair(item) for item in given]


def _pair(item: str) -> tuple[str, str]:
    pattern, equals, command = item.partition("=")
    if not equals or not pattern.strip() or not command.strip() or "\0" in command:
        raise InvalidError(f"{item!r} is no TYPE=COMMAND; write for example exited='notify-send done'")
    return check_pattern(pattern.strip()), command


def session_sinks(session_id: str, given: Any) -> list[SinkConfig]:
    """The sinks of one session."""
    return [
        SinkConfig(
            name=f"{session_id}:{pattern}" + (f"#{number}" if number > 1 else ""),
            type="command",
            options=Command(command),
            events=(pattern,),
            sessions={"id": (session_id,)},
        )
        for number, (pattern, command) in _numbered(read_on_event(given))
    ]


def _numbered(pairs: list[tuple[str, str]]) -> list[tuple[int, tuple[str, str]]]:
    seen: dict[str, int] = {}
    numbered = []
    for pattern, command in pairs:
        seen[pattern] = seen.get(pattern, 0) + 1
        numbered.append((seen[pattern], (pattern, command)))
    return numbered
