"""A request for approval: what it says, who may end it how, and how it is kept. Pure.

    pending → approved | denied      somebody answered, once
    pending → expired                nobody did in time, or the one who asked is gone: ask again

Owns the states and the stored form. Nothing but an answer ever becomes `approved`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from roost.errors import InvalidError

PENDING = "pending"
#: Decision → the state that it leads to.
STATE_OF = {"approve": "approved", "deny": "denied"}
_DECISION_OF = {state: decision for decision, state in STATE_OF.items()}
MAX_TOOL_CHARACTERS = 200
MAX_DETAIL_CHARACTERS = 16384
MAX_REASON_CHARACTERS = 2000
#: How much of the detail is kept once it is answered, and told in events.
SHORT_DETAIL_CHARACTERS = 1000
MAX_TIMEOUT_S = 7 * 86400.0
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


@dataclass(frozen=True, slots=True)
class Approval:
    """One request. session_id: of the session that it is about, "" for none. Times in Unix seconds.

    waits: whoever asked waits on a connection; without them it expires. decided_by: see `roost.daemon.asker`.
    """

    id: str
    tool: str
    detail: str
    asked_at: float
    expires_at: float
    session_id: str = ""
    session_name: str = ""
    asked_by: str = ""
    waits: bool = True
    state: str = PENDING
    reason: str = ""
    decided_at: float | None = None
    decided_by: str = ""

    @property
    def pending(self) -> bool:
        """Whether it can still be answered."""
        return self.state == PENDING

    @property
    def decision(self) -> str | None:
        """approve or deny, None where nobody decided."""
        return _DECISION_OF.get(self.state)

    def describe(self) -> dict[str, Any]:
        """As it travels."""
        return {**asdict(self), "decision": self.decision}

    def told(self) -> dict[str, Any]:
        """What its events say; `approval_id`, `phase` and `reason` are those of every agent's approvals."""
        return {
            "approval_id": self.id,
            "phase": self.state,
            "reason": self.reason,
            "tool_name": self.tool,
            "detail": shortened(self.detail),
            "session_id": self.session_id,
            "session_name": self.session_name,
            "expires_at": self.expires_at,
            "decided_by": self.decided_by,
        }

    def asks_the_same(self, other: Approval) -> bool:
        """Whether it is the same question, so that one answer is good for both."""
        mine, others = shortened(self.detail), shortened(other.detail)
        return (self.tool, mine, self.session_id) == (other.tool, others, other.session_id)


def shortened(detail: str) -> str:
    """The beginning of a long detail."""
    return detail if len(detail) <= SHORT_DETAIL_CHARACTERS else detail[: SHORT_DETAIL_CHARACTERS - 1] + "…"


def check_question(id: str, tool: str, detail: str, timeout_s: float) -> None:
    """Refuse what cannot be asked. Raises InvalidError."""
    if id and not _ID.fullmatch(id):
        raise InvalidError(f"{id[:80]!r} cannot be an approval's id: up to 64 letters, digits, and . _ : -")
    if not tool.strip() or len(tool) > MAX_TOOL_CHARACTERS:
        raise InvalidError(f"name the tool that is to be approved, in 1 to {MAX_TOOL_CHARACTERS} characters")
    if len(detail) > MAX_DETAIL_CHARACTERS:
        raise InvalidError(f"a detail of {len(detail)} characters; {MAX_DETAIL_CHARACTERS} are the limit")
    if not 0 < timeout_s <= MAX_TIMEOUT_S:
        raise InvalidError(f"an approval waits for more than 0 s and at most {MAX_TIMEOUT_S:g} s, not {timeout_s:g} s")


def encode_approvals(approvals: Iterable[Approval]) -> bytes:
    """As they are kept."""
    return json.dumps({"version": 1, "approvals": [asdict(one) for one in approvals]}).encode()


def decode_approvals(data: bytes) -> list[Approval]:
    """What was kept. Raises InvalidError for anything else."""
    names = {field.name for field in fields(Approval)}
    try:
        stored = json.loads(data)["approvals"]
        found = [Approval(**{key: value for key, value in one.items() if key in names}) for one in stored]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidError(f"these are no approvals: {error!r}") from error
    for one in found:
        if not all(isinstance(text, str) for text in (one.id, one.tool, one.detail, one.session_id, one.state)):
            raise InvalidError("these are no approvals: a text is none")
        if not isinstance(one.expires_at, (int, float)):
            raise InvalidError("these are no approvals: a time is none")
    return found
