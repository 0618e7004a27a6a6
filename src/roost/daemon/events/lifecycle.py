"""The lifecycle of sessions as events: in the promised order, each step once in the life of a session.

Owns the order: spawned, started, anything, exited, purged. What happens before a session was announced (a child that
ends at once) is told at the announcement; after the exit only the purge is told. Whether an earlier daemon has told a
step already is known from the journal and passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from roost.daemon.bus import EventBus
from roost.daemon.session import Session
from roost.daemon.session_facts import exited_data


class Lifecycle:
    """Emits the lifecycle events of every session."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._announced: set[str] = set()
        self._early: dict[str, list[tuple[str, dict[str, Any]]]] = {}  # happened before the session was announced
        self._ended: set[str] = set()
        self._leaving: set[str] = set()  # have exited; told now, or once what led to it was told
        #: Has an exit told later, by the call passed, when True is returned: after what sources have still to tell.
        self.defer_exit: Callable[[Session, Callable[[], None]], bool] = lambda _session, _call: False

    def happened(self, session: Session, type: str, data: dict[str, Any]) -> None:
        """A session tells of a step."""
        if session.id not in self._announced and type not in ("exited", "purged"):
            self._early.setdefault(session.id, []).append((type, data))
        if session.id not in self._announced or (session.id in self._ended and type != "purged"):
            return
        if type == "exited" and session.id not in self._leaving:
            self._leaving.add(session.id)
            if self.defer_exit(session, lambda: self.happened(session, "exited", data)):
                return
        elif session.id in self._leaving and type not in ("exited", "purged"):
            return  # it has exited, though that is not told yet
        if type == "purged" and session.id in self._leaving and session.ending is not None:
            self.happened(session, "exited", exited_data(session.ending.info))
        self._emit(session, type, data)
        if type == "exited":
            self._ended.add(session.id)
        elif type == "purged":
            self._announced.discard(session.id)
            self._ended.discard(session.id)
            self._leaving.discard(session.id)

    def announce_started(self, session: Session) -> None:
        """A session was started just now."""
        self._announced.add(session.id)
        self._tell_start(session)
        for type, data in self._early.pop(session.id, ()):
            self.happened(session, type, data)
        self._tell_end(session)

    def announce_adopted(self, session: Session, *, start_told: bool, exit_told: bool) -> None:
        """A session was found again. What no daemon has told of it yet is told now."""
        self._announced.add(session.id)
        if not start_told:
            self._tell_start(session)
        if exit_told:
            self._ended.add(session.id)
            return
        if session.live:
            self._emit(session, "adopted", {"pid": session.origin.pid})
        for type, data in self._early.pop(session.id, ()):
            self.happened(session, type, data)
        self._tell_end(session)

    def _tell_start(self, session: Session) -> None:
        origin, record = session.origin, session.record
        spawned = {
            "pid": origin.pid,
            "argv": record.argv,
            "cwd": record.cwd,
            "kind": record.kind,
            "labels": record.labels,
            "service": record.service or None,
        }
        if session.is_pty:
            spawned |= {"rows": record.rows, "cols": record.cols}
        self._emit(session, "spawned", spawned, at=origin.created_at)
        self._emit(session, "started", {"pid": origin.pid}, at=origin.created_at)

    def _tell_end(self, session: Session) -> None:
        if session.ending is not None:
            self.happened(session, "exited", exited_data(session.ending.info))

    def _emit(self, session: Session, type: str, data: dict[str, Any], *, at: float | None = None) -> None:
        self._bus.emit(session, "lifecycle", type, data, at=at)
