"""What programs in a session may tell of themselves: the types of agent events and what each has to say. Pure.

Owns the required fields; others may come with them and are kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from roost.errors import InvalidError

#: The most bytes one emitted event may have as it travels.
MAX_EMIT_BYTES = 64 * 1024

#: Type of event → its text fields that have to be there.
REQUIRED: dict[str, tuple[str, ...]] = {
    "response_start": ("response_id",),
    "response_delta": ("response_id", "delta"),
    "response_end": ("response_id",),
    "tool_lifecycle": ("tool_name", "phase"),
    "job_lifecycle": ("job_id", "phase"),
    "approval_lifecycle": ("approval_id", "phase"),
    "generic": (),
}
_TEXTS = {"response_id", "delta", "tool_name", "phase", "job_id", "detail", "approval_id", "reason"}


def check_agent_event(type: Any, data: Any) -> tuple[str, dict[str, Any]]:
    """Type and data of an emitted event. Raises InvalidError that says what is wrong with them."""
    if not isinstance(type, str) or type not in REQUIRED:
        raise InvalidError(f"{type!r} is no event that can be emitted; known are {', '.join(REQUIRED)}")
    if data is None:
        data = {}
    if not isinstance(data, Mapping):
        raise InvalidError(f"the data of {type} has to be a JSON object")
    for name in REQUIRED[type]:
        if not isinstance(data.get(name), str):
            raise InvalidError(f"the data of {type} needs {name!r}, a text")
    for name in _TEXTS & data.keys():
        if data[name] is not None and not isinstance(data[name], str):
            raise InvalidError(f"{name!r} in the data of {type} has to be a text")
    progress = data.get("progress")
    if progress is not None and (isinstance(progress, bool) or not isinstance(progress, (int, float))):
        raise InvalidError(f"'progress' in the data of {type} has to be a number")
    return type, dict(data)


def decode_emission(line: bytes) -> dict[str, Any]:
    """The keys of one line that a program emits: type, data, session. Raises InvalidError."""
    if len(line) > MAX_EMIT_BYTES:
        raise InvalidError(f"an event of {len(line)} bytes; {MAX_EMIT_BYTES} are the limit")
    try:
        told = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidError(f"not a line of JSON: {error}") from error
    if not isinstance(told, dict):
        raise InvalidError('an event is a JSON object: {"type": "generic", "data": {}}')
    unknown = told.keys() - {"type", "data", "session"}
    if unknown:
        raise InvalidError(f"unknown {', '.join(sorted(map(repr, unknown)))}; an event has a type and data")
    return told


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
