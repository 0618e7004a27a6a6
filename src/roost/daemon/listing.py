"""Sessions as JSON for answers that list them, made again only when something about a session has changed.

Owns what is remembered of the last time, and by what a change is recognised. The words and their order are those of
`views.session_info`. A session with clients, tees or recordings, or that has ended, is described anew each time: what
they do moves without a trace here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import msgspec

from roost.daemon import views
from roost.daemon.session import Session

#: What the description of every session ends with: it changes with nothing but the time.
_AGE = b'"age_s":'


class Shown:
    """A session as it was described: all up to the age of its state, and what that was made from."""

    __slots__ = ("head", "made_from", "since")

    def __init__(self, head: bytes, made_from: tuple[Any, ...], since: float) -> None:
        self.head = head
        self.made_from = made_from
        self.since = since


def sessions_json(sessions: Iterable[Session]) -> list[msgspec.Raw]:
    """Each of them, ready to be put into an answer."""
    now = time.time()
    return [_session_json(session, now) for session in sessions]


def _session_json(session: Session, now: float) -> msgspec.Raw:
    made_from = _made_from(session)
    if made_from is None:
        return msgspec.Raw(msgspec.json.encode(views.session_info(session)))
    shown = session.shown
    if shown is None or shown.made_from != made_from:
        shown = session.shown = _describe(session, made_from)
    return msgspec.Raw(b"%b%.3f}}" % (shown.head, max(0.0, now - shown.since)))


def _describe(session: Session, made_from: tuple[Any, ...]) -> Shown:
    info = views.session_info(session)
    encoded = msgspec.json.encode(info)
    return Shown(encoded[: encoded.rindex(_AGE) + len(_AGE)], made_from, info["activity"]["since"])


def _made_from(session: Session) -> tuple[Any, ...] | None:
    """Everything that can change about it; None where that is too much. What output tells (title, shell) is known when
    the scanner has seen it."""
    if session.ending is not None or session.clients.attachments or session.tees or session.recorders:
        return None
    streams = session.streams
    stream = streams["stdout"]
    ring = stream.ring
    return (
        ring.end,
        stream.scanned,
        session.last_output_at,
        session.record.name,
        session.window.size,
        session.activity,
        session.shell,
        ring.hold,
        streams["stderr"].ring.hold if "stderr" in streams else None,
    )
