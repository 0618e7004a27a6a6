"""The sessions there are, by id, by spawn key and by pid. Knows nothing of processes or sockets."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from roost.keeper.sessions import Session


class SessionTable:
    """Sessions in spawn order, running and exited, until they are dropped."""

    def __init__(self) -> None:
        self._by_id: dict[str, Session] = {}
        self._by_key: dict[str, Session] = {}
        self._by_pid: dict[int, Session] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_id.values()))

    def add(self, session: Session) -> None:
        """Remember a session."""
        self._by_id[session.id] = session
        if session.key:
            self._by_key[session.key] = session
        if not session.is_reaped:
            self._by_pid[session.pid] = session

    def remove(self, session: Session) -> None:
        """Forget a session; its id and key may be used again."""
        del self._by_id[session.id]
        if self._by_key.get(session.key) is session:
            del self._by_key[session.key]
        self.forget_pid(session)

    def forget_pid(self, session: Session) -> None:
        """The child was reaped: its pid may soon be somebody else's."""
        if self._by_pid.get(session.pid) is session:
            del self._by_pid[session.pid]

    def by_id(self, id: str) -> Session | None:
        """The session of that id."""
        return self._by_id.get(id)

    def by_spawn(self, id: str, key: str) -> Session | None:
        """The session that an earlier spawn of the same key, or the same id, has started."""
        return (self._by_key.get(key) if key else None) or self._by_id.get(id)

    def by_pid(self, pid: int) -> Session | None:
        """The session whose unreaped child has that pid."""
        return self._by_pid.get(pid)

    def after(self, id: str) -> list[Session]:
        """The sessions behind that one in spawn order; all of them when it is unknown (repeating beats losing)."""
        sessions = list(self._by_id.values())
        session = self._by_id.get(id)
        return sessions[sessions.index(session) + 1 :] if session is not None else sessions
