"""Observers: what is registered on a session to see its events, with a buffer that outlives connections and daemons.

Owns the registrations (in the sessions' records), the buffers, and who reads one. The counters and the place of each
are kept in the journal; a new daemon fills the buffers again from there. At every moment
delivered + missed + buffered = emitted, since the registration.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from roost.core.event_buffer import BufferState, EventBuffer, Key, check_capacity
from roost.core.event_entry import Entry
from roost.core.events import CATEGORIES, GAP, Event, EventFilter, check_categories, chosen, parse_event_id
from roost.daemon.bus import EventBus, Subscription
from roost.daemon.events.log import EventLog, gap_data
from roost.daemon.observe_area import ObserveOptions
from roost.daemon.record import ObserverRecord
from roost.daemon.session import Session
from roost.errors import InvalidError, NoRunError

#: Observers of one session at most: their registrations share the session's record.
MOST_OBSERVERS = 128
POLICIES = ("drop_oldest", "block")
_PAGE = 500
#: Missed events after which the counters are stored although nothing was delivered.
_STORE_AFTER_MISSED = 256


@dataclass(frozen=True, slots=True)
class ObserverSpec:
    """An observer as somebody asks for it. No categories: all."""

    categories: tuple[str, ...] = ()
    capacity: int = 0
    policy: str = "drop_oldest"

    @classmethod
    def checked(cls, categories: list[str] | None, capacity: int, policy: str) -> ObserverSpec:
        """Raises InvalidError for what makes no sense."""
        chosen("categories", categories)
        check_categories(categories or ())
        if policy not in POLICIES:
            raise InvalidError(f"unknown policy {policy!r}; an observer has {' or '.join(POLICIES)}")
        return cls(tuple(dict.fromkeys(categories or ())), check_capacity(capacity), policy)


class Observer:
    """One registration and its buffer. `on_ready` wakes whoever reads it."""

    def __init__(self, log: EventLog, session: Session, record: ObserverRecord, state: BufferState) -> None:
        self._log = log
        self.session = session
        self.record = record
        self.want = EventFilter(
            categories=frozenset(record.categories),
            session_ids=frozenset({session.id}),
        )
        self.buffer: EventBuffer[Entry] = EventBuffer(record.capacity, state)
        self.reader: Callable[[], None] | None = None  # ends the one that reads
        self.disconnected = state.delivered > 0 or state.handed_out > state.cursor  # somebody read in an earlier daemon
        self.ready = asyncio.Event()
        self.more = asyncio.Event()
        self.notices: list[Entry] = []
        self._after = state.cursor
        self._restore_through = state.handed_out
        self._stored_missed = state.missed

    def offer(self, entries: list[Entry]) -> None:
        """These are durable now."""
        if not self.ready.is_set():
            return  # will be read from the journal
        for entry in entries:
            if entry.key > self._after and self.want.wants(entry):
                self.buffer.offer(entry)
        if self.buffer.waiting:
            self.more.set()
        if self.buffer.missed - self._stored_missed >= _STORE_AFTER_MISSED:
            self.store()

    def room(self) -> int:
        """For how many more events there is room."""
        return self.buffer.capacity - self.buffer.waiting

    def start_fresh(self) -> None:
        """Nothing has been emitted for it so far."""
        self._after = self._log.last
        self.ready.set()

    async def refill(self) -> None:
        """Fill the buffer with what the journal has behind its place, up to now."""
        trimmed = self._log.extent.trimmed
        at = self._after
        if at < trimmed:
            data = gap_data("trimmed", at, trimmed, None)
            self.notices.append(Entry.of(Event(*trimmed, time.time(), "lifecycle", GAP, data=data)))
            at = trimmed
        retention, settled = self._log.journal.retention, self._log.settled
        for category in self.record.categories if at < settled else ():
            if not retention.keeps(category):
                data = gap_data("not_kept", at, settled, None, category)
                self.notices.append(Entry.of(Event(*at, time.time(), "lifecycle", GAP, data=data)))
        while at < self._log.settled:
            entries, at = await self._log.journal.read(at, self._log.settled, self.want, _PAGE)
            self.buffer.restore(entries, self._restore_through)
        self._after = at
        self.ready.set()
        if self.buffer.waiting:
            self.more.set()

    def confirm(self, through: Key) -> None:
        """Events up to there have arrived."""
        if self.buffer.confirm(through):
            self.store()

    def store(self) -> None:
        """Keep the counters and the place."""
        state = self.buffer.state()
        self._stored_missed = state.missed
        self.record.delivered, self.record.missed = state.delivered, state.missed
        self._log.note_observer(self.record.id, self.session.id, state)

    async def stored(self) -> None:
        """Keep them, and wait until that is durable."""
        self.store()
        await self._log.states_stored()

    def told(self) -> dict[str, Any]:
        """What is said of it."""
        return {
            "id": self.record.id,
            "session_id": self.session.id,
            "session_name": self.session.record.name,
            "categories": list(self.record.categories),
            "capacity": self.record.capacity,
            "policy": "block" if self.record.block else "drop_oldest",
            "emitted": self.buffer.emitted,
            "delivered": self.buffer.delivered,
            "missed": self.buffer.missed,
            "buffered": self.buffer.buffered,
            "connected": self.reader is not None,
            "disconnected": self.disconnected,
        }


class Observers:
    """All observers, by session."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        log: EventLog,
        bus: EventBus,
        states: dict[str, BufferState],
        save: Callable[[Session], None],
    ) -> None:
        """`states`: what the journal knows of observers of earlier daemons."""
        self._tasks = tasks
        self._log = log
        self._bus = bus
        self._states = states
        self._save = save
        self._observers: dict[str, Observer] = {}
        self._wishes: dict[str, Subscription] = {}
        purges = EventFilter(categories=frozenset({"lifecycle"}), types=frozenset({"purged"}))
        bus.subscribe(purges, self._on_purged, passive=True)

    # --- sessions -------------------------------------------------------------------------------------------------

    def check(self, options: ObserveOptions) -> None:
        """Refuse observers at a spawn that make no sense. Raises InvalidError."""
        _specs(options)

    def on_session(self, session: Session, options: ObserveOptions, *, adopted: bool) -> None:
        """A session is there: its observers begin, or go on."""
        if options.categories and session.live:
            self._wish(f"session {session.id}", session, options.categories)
        if adopted:
            for record in session.record.observers:
                self._resume(session, record)
        else:
            for spec in _specs(options):
                self._register(session, spec)
            if options.observers:
                self._save(session)

    def _resume(self, session: Session, record: ObserverRecord) -> None:
        state = self._states.pop(record.id, None)
        if state is None:
            since = parse_event_id(record.since) if record.since else self._log.settled
            state = BufferState(record.delivered, record.missed, since, since)
        observer = Observer(self._log, session, record, state)
        self._take_in(observer)
        self._tasks.create_task(observer.refill(), name="observer")

    def _on_purged(self, event: Event) -> None:
        for observer in self.of(event.session_id):
            self._drop(observer)
        self._end_wish(f"session {event.session_id}")

    # --- registrations --------------------------------------------------------------------------------------------

    def add(self, session: Session, spec: ObserverSpec) -> Observer:
        """Register an observer: it gets what is emitted from now on. Raises InvalidError for one too many."""
        if len(session.record.observers) >= MOST_OBSERVERS:
            raise InvalidError(f"session {session.id} has {MOST_OBSERVERS} observers, which is the limit; remove some")
        observer = self._register(session, spec)
        self._save(session)
        return observer

    def _register(self, session: Session, spec: ObserverSpec) -> Observer:
        last = self._log.last
        record = ObserverRecord(
            id=str(uuid.uuid4()),
            categories=list(spec.categories or CATEGORIES),
            capacity=check_capacity(spec.capacity),
            block=spec.policy == "block",
            since=f"{last[0]}.{last[1]}",
        )
        session.record.observers.append(record)
        observer = Observer(self._log, session, record, BufferState(cursor=last, handed_out=last))
        observer.start_fresh()
        self._take_in(observer)
        observer.store()
        return observer

    def _take_in(self, observer: Observer) -> None:
        record = observer.record
        self._observers[record.id] = observer
        self._wish(record.id, observer.session, record.categories)
        self._log.add(observer, room=observer.room if record.block else None)

    def remove(self, observer: Observer) -> None:
        """Forget an observer and what it has not taken."""
        observer.session.record.observers.remove(observer.record)
        self._save(observer.session)
        self._drop(observer)

    def _drop(self, observer: Observer) -> None:
        self._observers.pop(observer.record.id, None)
        self._end_wish(observer.record.id)
        self._log.remove(observer)
        self._log.note_observer(observer.record.id, observer.session.id, None)
        if observer.reader is not None:
            observer.reader()

    def of(self, session_id: str) -> list[Observer]:
        """The observers of a session, in the order of their registration."""
        return [observer for observer in self._observers.values() if observer.session.id == session_id]

    def __iter__(self) -> Any:
        return iter(list(self._observers.values()))

    async def find(self, id: str, session: Session | None = None) -> Observer:
        """The observer of that id, its buffer complete. Raises NoRunError."""
        observer = self._observers.get(id)
        if observer is None or (session is not None and observer.session is not session):
            whose = f"session {session.id} has no" if session is not None else "there is no"
            raise NoRunError(f"{whose} observer {id!r}; `roost observer ls` lists them")
        await observer.ready.wait()
        await self._log.states_stored()  # what anybody is told of it, the next daemon knows too
        return observer

    def _wish(self, key: str, session: Session, categories: Any) -> None:
        want = EventFilter(categories=frozenset(categories), session_ids=frozenset({session.id}))
        self._wishes[key] = self._bus.wish(want)

    def _end_wish(self, key: str) -> None:
        wish = self._wishes.pop(key, None)
        if wish is not None:
            wish.close()

    def close(self) -> None:
        """Keep where everybody is: the daemon stops."""
        for observer in self._observers.values():
            if observer.ready.is_set():
                observer.store()


def _specs(options: ObserveOptions) -> list[ObserverSpec]:
    """The observers that a spawn asks for. Raises InvalidError."""
    asked = options.observers or []
    if not isinstance(asked, list) or len(asked) > MOST_OBSERVERS:
        raise InvalidError(f"observe: observers is a list of at most {MOST_OBSERVERS}")
    specs = []
    for one in asked:
        if not isinstance(one, dict) or one.keys() - {"categories", "capacity", "policy"}:
            raise InvalidError("observe: an observer has categories, capacity and policy")
        categories, capacity = one.get("categories"), one.get("capacity", 0)
        if not _is_list_of_names(categories):
            raise InvalidError("observe: the categories of an observer are a list of names")
        if not isinstance(capacity, int) or isinstance(capacity, bool):
            raise InvalidError("observe: the capacity of an observer is a number")
        specs.append(ObserverSpec.checked(categories, capacity, one.get("policy", "drop_oldest")))
    return specs


def _is_list_of_names(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(name, str) for name in value))
