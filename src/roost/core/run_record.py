"""The registry's record of one live run, as it stands in a file of its own for other programs to read.

Owns the fields and the form (docs/http.md describes it); pure. Which process is meant is decided by boot id, pid and
start together: a pid alone is given to somebody else sooner or later.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from roost.errors import InvalidError

#: Programs that are agents, by the name of their command.
AGENTS = frozenset(
    (
        "aider",
        "amp",
        "claude",
        "codex",
        "copilot",
        "crush",
        "cursor-agent",
        "gemini",
        "goose",
        "opencode",
        "qwen",
    )
)
#: A record is far smaller; a file of more than this is none.
MOST_BYTES = 64 * 1024
_TYPES: dict[str, type] = {
    "pid": int,
    "start_ticks": int,
    "boot_id": str,
    "addr": str,
    "session_id": str,
    "name": str,
    "agent": str,
    "started_at": float,
}
#: Made once: `json.dumps` with separators makes an encoder a call.
_encoded = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One live run.

    pid, start_ticks, boot_id: its program; start_ticks as in /proc/PID/stat. addr: where it is served over HTTP:
    `http://host:port` when it has an address of its own, else `unix:PATH`. agent: which agent it is, "" for none that
    is known. started_at: Unix seconds.
    """

    pid: int
    start_ticks: int
    boot_id: str
    addr: str
    session_id: str
    name: str
    agent: str
    started_at: float

    def encode(self) -> bytes:
        """The record as it is stored."""
        return _encoded({name: getattr(self, name) for name in self.__slots__}).encode() + b"\n"


def parse_record(data: bytes) -> RunRecord:
    """The record in a file's content; keys it does not know are ignored. Raises InvalidError, saying what is wrong."""
    if len(data) > MOST_BYTES:
        raise InvalidError(f"more than {MOST_BYTES} bytes")
    try:
        fields: Any = json.loads(data)
    except ValueError as error:
        raise InvalidError("no JSON") from error
    if not isinstance(fields, dict):
        raise InvalidError("no JSON object")
    for name, kind in _TYPES.items():
        if name not in fields:
            raise InvalidError(f"{name} is missing")
        given = fields[name]
        if isinstance(given, bool) or not isinstance(given, (int, float) if kind is float else kind):
            raise InvalidError(f"{name} is {given!r}")
    return RunRecord(**{name: fields[name] for name in _TYPES})


def agent_of(argv: Sequence[str], labels: dict[str, str]) -> str:
    """Which agent a run is: as its label `agent` says, else by the name of its command; "" for none that is known."""
    if "agent" in labels:
        return labels["agent"]
    for word in argv[:2]:  # `node …/claude` is as common as `claude`
        name = word.rpartition("/")[2].removesuffix(".js")
        if name in AGENTS:
            return name
    return ""
