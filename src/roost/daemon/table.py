"""The sessions that the daemon knows, and how a target names one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from roost.core.names import Numbers
from roost.core.targets import Candidate, resolve
from roost.daemon.session import Session


class SessionTable:
    """Sessions by id, in the order in which they were started. Who looks for one finds those that `settle` takes in."""

    def __init__(self) -> None:
        #: Takes in what was started and is not here yet.
        self.settle: Callable[[], None] = _nothing
        self._by_id: dict[str, Session] = {}
        self._by_spawn_id: dict[str, Session] = {}
        self._by_name: dict[str, Session] = {}  # the newest of that name; names of live sessions are unique
        #: Which numbers of made names are free.
        self.numbers = Numbers()

    def add(self, session: Session) -> None:
        """Take a session in."""
        self._by_id[session.id] = session
        self.named(session)
        session.when_exited.append(lambda: self.numbers.given_up(session.record.name))
        if not session.live:
            self.numbers.given_up(session.record.name)
        if session.record.spawn_id:
            self._by_spawn_id[session.record.spawn_id] = session

    def named(self, session: Session, *, before: str = "") -> None:
        """Take note of a session's (new) name, and of the one it had before."""
        if before:
            self.numbers.given_up(before)
        if session.live or session.record.name not in self._by_name:
            self._by_name[session.record.name] = session

    def remove(self, session: Session) -> None:
        """Forget a session."""
        self._by_id.pop(session.id, None)
        if self._by_name.get(session.record.name) is session:
            del self._by_name[session.record.name]
        if self._by_spawn_id.get(session.record.spawn_id) is session:
            del self._by_spawn_id[session.record.spawn_id]

    def __iter__(self) -> Iterator[Session]:
        self.settle()
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        self.settle()
        return len(self._by_id)

    @property
    def here(self) -> int:
        """How many are here already."""
        return len(self._by_id)

    def by_id(self, session_id: str) -> Session | None:
        """The session of exactly that id."""
        self.settle()
        return self._by_id.get(session_id)

    def by_spawn_id(self, spawn_id: str) -> Session | None:
        """The session that a spawn with that id made."""
        self.settle()
        return self.here_by_spawn_id(spawn_id)

    def here_by_spawn_id(self, spawn_id: str) -> Session | None:
        """The same, if it is here already."""
        return self._by_spawn_id.get(spawn_id)

    def resolve(self, target: str, *, live_only: bool = False) -> Session:
        """The one session that the target means. Raises NoRunError or AmbiguousTargetError."""
        self.settle()
        named = self._by_id.get(target) or self._by_name.get(target)
        if named is not None and named.live and target in (named.id, named.record.name):
            return named  # what the rules below would find by looking at all of them
        candidates = [
            Candidate(id=s.id, name=s.record.name, pid=s.origin.pid, live=s.live, created_at=s.origin.created_at)
            for s in self
        ]
        return self._by_id[resolve(target, candidates, live_only=live_only).id]

    def name_is_taken(self, name: str) -> bool:
        """Whether a running session has that name."""
        self.settle()
        return self.name_is_taken_here(name)

    def name_is_taken_here(self, name: str) -> bool:
        """The same, of those that are here already."""
        session = self._by_name.get(name)
        return session is not None and session.live and session.record.name == name


def _nothing() -> None:
    pass


class TakenNames:
    """The names that a new session cannot have: those of running sessions and of spawns under way."""

    def __init__(self, table: SessionTable, under_way: set[str]) -> None:
        self._table = table
        self._under_way = under_way

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self._under_way or self._table.name_is_taken_here(name))
