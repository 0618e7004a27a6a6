"""What is known of a session from its beginning and of its end: plain facts, without the session.

Owns their shape, and what the event of an exit says of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from roost.wire.frames import ExitInfo


@dataclass(slots=True)
class Origin:
    """What the keeper says of a session besides the blob."""

    id: str
    pid: int
    start_ticks: int
    created_at: float
    tty_nr: int = 0


@dataclass
class Ending:
    """What is known of a session's end."""

    info: ExitInfo


def exited_data(info: ExitInfo) -> dict[str, Any]:
    """What the event of an exit says. Nulls where it is not known."""
    return {"code": info.code, "signal": info.signal, "outcome": info.outcome, "exited_at": info.at}
