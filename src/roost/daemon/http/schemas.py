"""What routes answer with, where it is not a type of `roost.model`: for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from roost import model


class SessionList(msgspec.Struct):
    """Sessions, in the order of their start."""

    sessions: list[model.SessionInfo]


class Created(msgspec.Struct):
    """The session; existing: an earlier request with the same spawn_id had started it."""

    session: model.SessionInfo
    existing: bool


class Deleted(msgspec.Struct):
    """What became of it: `ended` or `forgotten`."""

    session_id: str
    name: str
    done: str


class Size(msgspec.Struct):
    """A terminal's size."""

    rows: int
    cols: int


class Signalled(msgspec.Struct):
    """The pids that got it."""

    signalled: list[int]


class Detached(msgspec.Struct):
    """How many clients there were."""

    detached: int


class Written(msgspec.Struct):
    """How many bytes the child's side has taken."""

    session_id: str
    name: str
    written: int


class Tees(msgspec.Struct):
    """Tees."""

    tees: list[model.TeeInfo]


class Checks(msgspec.Struct):
    """Findings."""

    checks: list[model.Check]


class Approval(msgspec.Struct):
    """A request for approval. state: `pending`, `approved`, `denied` or `expired`; decision: null where nobody decided.

    Times in Unix seconds. waits: whoever asked waits for the answer on a connection.
    """

    id: str
    tool: str
    detail: str
    asked_at: float
    expires_at: float
    session_id: str
    session_name: str
    asked_by: str
    waits: bool
    state: Literal["pending", "approved", "denied", "expired"]
    reason: str
    decided_at: float | None
    decided_by: str
    decision: Literal["approve", "deny"] | None


class Approvals(msgspec.Struct):
    """Requests for approval, oldest first."""

    approvals: list[Approval]


class Followup(msgspec.Struct):
    """An input and its receipt (docs/run-control.md). Times in Unix seconds; offset: where the output stood before it.

    idle_by: what told that its turn had come. seen_by: what was seen of it.
    """

    id: str
    session_id: str
    session_name: str
    text: str
    queued_at: float
    key: str
    enter: bool
    paste: bool
    now: bool
    asked_by: str
    state: Literal["queued", "writing", "written", "observed", "stalled", "cancelled", "failed"]
    written_at: float | None
    over_at: float | None
    offset: int | None
    idle_by: str
    seen_by: str
    reason: str


class Followups(msgspec.Struct):
    """Receipts, in the order of their inputs."""

    followups: list[Followup]


class Token(msgspec.Struct):
    """A token without its secret. kind: `token`, or `browser` for a browser that was let in."""

    id: str
    scope: str
    kind: str
    name: str
    created_at: float
    expires_at: float | None


class Tokens(msgspec.Struct):
    """Tokens that count."""

    tokens: list[Token]


class NewToken(msgspec.Struct):
    """A token and its text, which is told only now."""

    token: Token
    text: str


class Ticket(msgspec.Struct):
    """Lets one browser in, once, for so many seconds."""

    ticket: str
    lasts_s: float


class CallAnswer(msgspec.Struct):
    """What a roost call answered; data: its bytes, in base64."""

    result: dict[str, Any]
    data: str = ""


class Health(msgspec.Struct):
    """That the daemon answers; at: its clock, in Unix seconds."""

    status: str
    version: str
    at: float


class Problem(msgspec.Struct):
    """What went wrong (RFC 9457). detail names the thing and the next step; kind is for programs."""

    type: str
    title: str
    status: int
    detail: str
    kind: str
    instance: str = ""
