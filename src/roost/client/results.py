"""What a client's verbs answer with, where it is not a type of `roost.model`."""

from __future__ import annotations

from dataclasses import dataclass

from roost.model import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(Record):
    """Input that was written to the child: how many bytes, and to which session."""

    written: int = 0
    session_id: str = ""
