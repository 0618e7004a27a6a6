"""Sessions as JSON for answers that list them, made again only when something about a session has changed.

Owns what is remembered of the last time, and by what a change is recognised. The words and their order are those of
`views.session_info`. A session with tees or recordings, or that has ended, is described anew each time: what they do
moves without a trace here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from roost.daemon import views
from roost.daemon.attachment import Attachment
from roost.daemon.session import Session

#: What the description of every session ends with: it changes with nothing but the time.
_AGE = b'"age_s":'
#: So many sessions are described between two looks at who types.
_AT_ONCE = 4


class Shown:
    """A session as it was described: all up to the age of its state, and what that was made from."""

    __slots__ = ("head", "made_from", "since")

    def __init__(self, head: bytes, made_from: tuple[Any, ...], since: float) -> None:
        self.head = head
        self.made_from = made_from
        self.since = since


def sessions_json(sessions: Iterable[Session], give_way: Callable[[], object]) -> list[msgspec.Raw]:
    """Each of them, ready to be put into an answer; `give_way` is called now and then in between."""
    now = time.time()
    described = []
    for number, session in enumerate(sessions, 1):
        described.append(_session_json(session, now))
        if not number % _AT_ONCE:
            give_way()
    return described


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
    if session.ending is not None or session.tees or session.recorders:
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
        [_client_made_from(attachment) for attachment in session.clients.attachments],
    )


def _client_made_from(attachment: Attachment) -> tuple[Any, ...]:
    """Everything that can change about a client; `lag` follows from two ends, of which one may be that of stderr."""
    return (
        attachment,
        attachment.position,
        attachment.stream.ring.end,
        attachment.rows,
        attachment.cols,
        attachment.lossless,
        attachment.finishing,
    )
