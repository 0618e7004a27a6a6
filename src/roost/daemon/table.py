"""The sessions that the daemon knows, and how a target names one of them."""

from __future__ import annotations

from collections.abc import Iterator

from roost.core.targets import Candidate, resolve
from roost.daemon.session import Session


class SessionTable:
    """Sessions by id, in the order in which they were started."""

    def __init__(self) -> None:
        self._by_id: dict[str, Session] = {}

    def add(self, session: Session) -> None:
        """Take a session in."""
        self._by_id[session.id] = session

    def remove(self, session: Session) -> None:
        """Forget a session."""
        self._by_id.pop(session.id, None)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def by_id(self, session_id: str) -> Session | None:
        """The session of exactly that id."""
        return self._by_id.get(session_id)

    def by_spawn_id(self, spawn_id: str) -> Session | None:
        """The session that a spawn with that id made."""
        return next((s for s in self if s.record.spawn_id == spawn_id), None)

    def resolve(self, target: str, *, live_only: bool = False) -> Session:
        """The one session that the target means. Raises NoRunError or AmbiguousTargetError."""
        candidates = [
            Candidate(id=s.id, name=s.record.name, pid=s.origin.pid, live=s.live, created_at=s.origin.created_at)
            for s in self
        ]
        return self._by_id[resolve(target, candidates, live_only=live_only).id]

    def live_names(self) -> set[str]:
        """Names that are taken."""
        return {s.record.name for s in self if s.live}
