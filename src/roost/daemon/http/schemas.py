"""What routes answer with, where it is not a type of `roost.model`: for the OpenAPI document."""

from __future__ import annotations

from typing import Any

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
