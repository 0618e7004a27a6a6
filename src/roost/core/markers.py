"""What a recording's markers say about an event.

Pure. Which events become markers is chosen by category; those that say nothing worth finding again have no label.
"""

from __future__ import annotations

from roost.core.events import Event

MAX_LABEL_LENGTH = 200
#: The fields that tell best what an event is about, the first that is there.
_TELLING = ("command", "path", "name", "tool", "state", "title", "text", "reason")
_UNTOLD = frozenset({"prompt", "cwd_changed", "response_delta"})


def marker_label(event: Event) -> str:
    """The label of an event's marker; "" for one that is not worth a marker."""
    if event.type in _UNTOLD:
        return ""
    if event.type == "command_started":
        return _short(f"$ {event.data.get('command') or ''}".rstrip())
    if event.type == "command_finished":
        code = event.data.get("exit_code")
        return "finished" if code is None else f"exit {code}"
    told = next((str(event.data[name]) for name in _TELLING if event.data.get(name)), "")
    return _short(f"{event.type}: {told}" if told else event.type)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_LABEL_LENGTH else line[: MAX_LABEL_LENGTH - 1] + "…"
