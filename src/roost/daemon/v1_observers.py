"""The observer requests of protocol v1 (78 to 80): registration, status and removal, in v1's order of checks.

Registrations stand in the session's record, so that they outlive the client and the daemon. The counters are those of
delivery, which the events will bring: until then nothing is delivered, and nothing is said to have been.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from roost.daemon.record import ObserverRecord
from roost.daemon.session import Session
from roost.daemon.table import SessionTable
from roost.daemon.v1 import Ask, Handlers
from roost.errors import InvalidError, NoRunError
from roost.wire import daemon_v1_pb2 as pb

DEFAULT_CAPACITY = 1024
#: Observers of one session at most: their registrations share the session's record.
MOST_OBSERVERS = 64

_KINDS = {1: "pty", 2: "pipe"}
_CATEGORIES = {0: "lifecycle", 1: "file", 2: "network", 3: "process"}


class V1Observers:
    """Register, unregister, status."""

    def __init__(self, table: SessionTable, save: Callable[[Session], None]) -> None:
        self._table = table
        self._save = save

    def handlers(self) -> Handlers:
        """By request type."""
        return {
            pb.REQUEST_TYPE_REGISTER_SESSION_OBSERVER: self._register,
            pb.REQUEST_TYPE_UNREGISTER_SESSION_OBSERVER: self._unregister,
            pb.REQUEST_TYPE_GET_SESSION_OBSERVER_STATUS: self._status,
        }

    async def _register(self, ask: Ask) -> None:
        p = ask.payload
        if not p.session_id:
            raise InvalidError("session_id must not be empty")
        if p.session_kind not in pb.ObserverSessionKind.values():
            raise InvalidError(f"unknown observer session kind {p.session_kind}")
        if p.backpressure not in pb.ObserverBackpressure.values():
            raise InvalidError(f"unknown observer backpressure {p.backpressure}")
        unknown = [number for number in p.categories if number not in _CATEGORIES]
        if unknown:
            raise InvalidError(f"unknown observer category {unknown[0]}; known are 0 (lifecycle) to 3 (process)")
        session = self._session(p)
        if len(session.record.observers) >= MOST_OBSERVERS:
            raise InvalidError(f"session {session.id} has {MOST_OBSERVERS} observers, which is the limit; remove some")
        observer = ObserverRecord(
            id=str(uuid.uuid4()),
            categories=[_CATEGORIES[number] for number in dict.fromkeys(p.categories or [0])],
            capacity=p.ring_capacity_events or DEFAULT_CAPACITY,
            block=p.backpressure == pb.OBSERVER_BACKPRESSURE_BLOCK,
        )
        session.record.observers.append(observer)
        self._save(session)
        ask.response.register_session_observer.subscriber_id = observer.id
        ask.response.message = "OK"

    async def _unregister(self, ask: Ask) -> None:
        session, observer = self._find(ask.payload)
        session.record.observers.remove(observer)
        self._save(session)
        ask.response.unregister_session_observer.SetInParent()
        ask.response.message = "OK"

    async def _status(self, ask: Ask) -> None:
        _, observer = self._find(ask.payload)
        answer = ask.response.get_session_observer_status
        answer.delivered_events = observer.delivered
        answer.missed_events = observer.missed
        answer.SetInParent()
        ask.response.message = "OK"

    def _find(self, p: Any) -> tuple[Session, ObserverRecord]:
        if not p.session_id:
            raise InvalidError("session_id must not be empty")
        if not p.subscriber_id:
            raise InvalidError("subscriber_id must not be empty")
        session = self._session(p)
        observer = next((o for o in session.record.observers if o.id == p.subscriber_id), None)
        if observer is None:
            raise NoRunError(f"session {session.id} has no observer {p.subscriber_id!r}")
        return session, observer

    def _session(self, p: Any) -> Session:
        kind = _KINDS.get(p.session_kind)
        if kind is None:
            raise InvalidError(f"unknown observer session kind {p.session_kind}; say 1 (pty) or 2 (pipe)")
        found = self._table.by_id(p.session_id)
        if found is None or found.record.kind != kind:
            raise NoRunError(f"no {kind} session {p.session_id!r}")
        return found
