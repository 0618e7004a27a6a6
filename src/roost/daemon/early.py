"""The first moments of a daemon that took sessions over: clients that come back are served before all is loaded.

Owns which requests need nothing but sessions and keeper: an attach to a session with nothing around it (no options, no
recording, nobody observing), by a client that brings nothing for those who are not there yet. Every other request waits
for the whole protocol, which is a fraction of a second.
"""

from __future__ import annotations

import asyncio
from typing import Any

from roost.daemon.session import Session
from roost.daemon.v1 import V1, Connection
from roost.daemon.v1_sessions import V1Sessions
from roost.errors import RoostError
from roost.wire import daemon_v1_pb2 as pb

_KINDS = {pb.REQUEST_TYPE_ATTACH_PTY_SESSION: "pty", pb.REQUEST_TYPE_ATTACH_PIPE_STREAM: "pipe"}


class EarlyV1(V1):
    """Answers what can be answered, and hands everything else to the whole protocol as soon as it is there."""

    def __init__(self, sessions: V1Sessions, whole: asyncio.Future[V1]) -> None:
        self._sessions = sessions
        self._whole = whole
        self._handlers = dict(sessions.handlers())
        #: Somebody waits for the rest of the daemon.
        self.wanted = asyncio.Event()

    def may_wait(self, request: pb.DaemonRequest) -> bool:
        """Whether the answer may be long in coming: waiting for the rest of the daemon counts."""
        return not self._is_served(request)

    def answers_at_once(self, request: pb.DaemonRequest) -> bool:
        """Nothing is: the calls are not there yet."""
        return False

    async def answer(self, request: pb.DaemonRequest, connection: Connection) -> pb.DaemonResponse:
        """The response to one request."""
        if self._is_served(request):
            return await super().answer(request, connection)
        self.wanted.set()
        whole = await asyncio.shield(self._whole)
        return await whole.answer(request, connection)

    def _is_served(self, request: pb.DaemonRequest) -> bool:
        kind = _KINDS.get(request.type)
        if kind is None:
            return False
        payload: Any = request.attach_pty_session if kind == "pty" else request.attach_pipe_stream
        try:
            session = self._sessions.named(payload, kind)
        except RoostError:
            return False
        return _stands_alone(session) and not payload.roost.env and payload.roost.restore in ("", "raw", "none")


def _stands_alone(session: Session) -> bool:
    record = session.record
    return not (record.options or record.recordings or record.observers)
