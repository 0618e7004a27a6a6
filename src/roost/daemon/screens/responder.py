"""Answers what a program asks its terminal while nobody is attached who would.

Owns which questions are still to be answered. Each is answered once, by roost or by a client's terminal, never by both:
what roost has answered is blanked out of the backlog that a client gets, and what it has not is left to the client.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import Protocol

from roost.core.queries import ANSWERED, answer, cursor_report
from roost.core.questions import Query
from roost.daemon.session import Session
from roost.errors import RoostError

log = logging.getLogger(__name__)

#: How long an answer about the cursor may take; a program that gets none goes on by itself.
CURSOR_TIMEOUT_S = 1.0
#: Whoever starts a session mostly attaches to it at once: a young session's questions wait that long for them.
_YOUNG_S = 1.0
_PATIENCE_S = 0.15
_MOST_PENDING = 256


class Cursors(Protocol):
    """Who knows where the cursor is."""

    async def cursor(self, session: Session, until: int, timeout_s: float) -> tuple[int, int]:
        """Row and column, from 0."""


class Responder:
    """Of one terminal session."""

    def __init__(self, tasks: asyncio.TaskGroup, session: Session, cursors: Cursors) -> None:
        self._tasks = tasks
        self._session = session
        self._cursors = cursors
        self._pending: deque[Query] = deque(maxlen=_MOST_PENDING)
        self._task: asyncio.Task[None] | None = None

    def on_queries(self, queries: list[Query]) -> None:
        """The scanner has seen these."""
        session = self._session
        if session.clients.attached("stdout") or not session.live or session.input is None:
            return
        self._pending.extend(query for query in queries if query.kind in ANSWERED)
        if self._pending and self._task is None:
            patience_s = _PATIENCE_S if time.time() - session.origin.created_at < _YOUNG_S else 0.0
            if not patience_s:
                self._answer_what_is_known()
            if self._pending:
                self._task = self._tasks.create_task(self._answer_all(patience_s), name=f"answers of {session.id}")

    def hand_over(self, start: int) -> frozenset[int]:
        """A client will see the output from that offset on: it answers what stands there and is not answered yet. The
        offsets of those questions."""
        left = frozenset(query.offset for query in self._pending if query.offset >= start)
        self._pending = deque((query for query in self._pending if query.offset < start), maxlen=_MOST_PENDING)
        self._answer_what_is_known()
        return left

    def _answer_what_is_known(self) -> None:
        """Answer up to the first question about the cursor: in their order."""
        while self._pending and self._pending[0].kind != "cpr":
            query = self._pending.popleft()
            scanner = self._session.streams["stdout"].scanner
            if scanner is not None:
                self._type(answer(query, scanner.modes, self._terminator(query)))

    async def _answer_all(self, patience_s: float) -> None:
        try:
            if patience_s:
                await asyncio.sleep(patience_s)
            while self._pending:
                self._answer_what_is_known()
                if not self._pending:
                    return
                query = self._pending[0]
                text = await self._cursor_text(query)
                if self._pending and self._pending[0] is query:
                    self._pending.popleft()
                    self._type(text)
        finally:
            self._task = None

    async def _cursor_text(self, query: Query) -> bytes:
        until = query.offset + 1 + len(query.detail)
        try:
            return cursor_report(*await self._cursors.cursor(self._session, until, CURSOR_TIMEOUT_S))
        except (RoostError, OSError) as error:
            log.info("session %s asked for its cursor and is not answered: %s", self._session.id, error)
            return b""

    def _terminator(self, query: Query) -> bytes:
        """A string ends as the question did: by BEL or by ESC \\."""
        after = query.offset + 1 + len(query.detail)
        return b"\x07" if self._session.streams["stdout"].ring.read(after, 1) == b"\x07" else b"\x1b\\"

    def _type(self, data: bytes) -> None:
        if data and self._session.input is not None and self._session.live:
            self._session.input.write(data, self, lambda _count, _error: None)
