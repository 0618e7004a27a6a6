"""The observer requests of protocol v1 (78 to 80): registration, status and removal, in v1's order of checks.

v1 has no stream of events: what such an observer has buffered is delivered to whoever opens a roost stream for it, and
counts as missed beyond its capacity otherwise.
"""

from __future__ import annotations

from typing import Any

from roost.daemon.events.observers import Observer, Observers, ObserverSpec
from roost.daemon.session import Session
from roost.daemon.table import SessionTable
from roost.daemon.v1 import Ask, Handlers
from roost.errors import InvalidError, NoRunError
from roost.wire import daemon_v1_pb2 as pb

_KINDS = {1: "pty", 2: "pipe"}
_CATEGORIES = {0: "lifecycle", 1: "file", 2: "network", 3: "process"}


class V1Observers:
    """Register, unregister, status."""

    def __init__(self, table: SessionTable, observers: Observers) -> None:
        self._table = table
        self._observers = observers

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
        spec = ObserverSpec.checked(
            [_CATEGORIES[number] for number in p.categories or [0]],
            p.ring_capacity_events,
            "block" if p.backpressure == pb.OBSERVER_BACKPRESSURE_BLOCK else "drop_oldest",
        )
        ask.response.register_session_observer.subscriber_id = self._observers.add(session, spec).record.id
        ask.response.message = "OK"

    async def _unregister(self, ask: Ask) -> None:
        self._observers.remove(await self._find(ask.payload))
        ask.response.unregister_session_observer.SetInParent()
        ask.response.message = "OK"

    async def _status(self, ask: Ask) -> None:
        observer = await self._find(ask.payload)
        answer = ask.response.get_session_observer_status
        answer.delivered_events = observer.buffer.delivered
        answer.missed_events = observer.buffer.missed
        answer.disconnected = observer.disconnected
        answer.SetInParent()
        ask.response.message = "OK"

    async def _find(self, p: Any) -> Observer:
        if not p.session_id:
            raise InvalidError("session_id must not be empty")
        if not p.subscriber_id:
            raise InvalidError("subscriber_id must not be empty")
        return await self._observers.find(p.subscriber_id, self._session(p))

    def _session(self, p: Any) -> Session:
        kind = _KINDS.get(p.session_kind)
        if kind is None:
            raise InvalidError(f"unknown observer session kind {p.session_kind}; say 1 (pty) or 2 (pipe)")
        found = self._table.by_id(p.session_id)
        if found is None or found.record.kind != kind:
            raise NoRunError(f"no {kind} session {p.session_id!r}")
        return found
