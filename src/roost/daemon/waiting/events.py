"""Looks for events that a wait names: as they come, and among those that came since it began, under any daemon.

Owns the subscriptions of one wait. What is past stands in the journal, another area's, in `context.shared["journal"]`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from roost.core.event_entry import Entry
from roost.core.events import Event, EventFilter
from roost.core.wait_conditions import Condition, events_named
from roost.daemon.bus import EventBus, Subscription
from roost.errors import RoostError

#: Events that are read at once.
_PAGE = 500
#: What comes only from a program that runs.
_OF_THE_LIVING = frozenset(("shell", "state"))


class _Reader(Protocol):
    async def read(
        self, after: tuple[int, int], through: tuple[int, int], want: EventFilter, limit: int
    ) -> tuple[list[Entry], tuple[int, int]]: ...


class Past(Protocol):
    """What is used of the journal."""

    @property
    def journal(self) -> _Reader:
        """The file."""

    async def settle(self, key: tuple[int, int]) -> None:
        """Wait until that event can be read."""


class EventWatch:
    """The events of one session that somebody waits for."""

    def __init__(self, bus: EventBus, session_id: str) -> None:
        self._bus = bus
        self._session_id = session_id
        self._subscriptions: list[Subscription] = []

    def listen(self, category: str, types: Iterable[str], take: Callable[[Event], None]) -> None:
        """Have `take` called with every event of those types. A gap is told to everybody; here it is none of them."""
        want = self._filter(category, types)
        wanted = frozenset(types)

        def named(event: Event) -> None:
            if event.type in wanted:
                take(event)

        self._subscriptions.append(self._bus.subscribe(want, named))

    def stop(self) -> None:
        """Be told no more."""
        for subscription in self._subscriptions:
            subscription.close()

    def _filter(self, category: str, types: Iterable[str]) -> EventFilter:
        return EventFilter(frozenset((category,)), frozenset(types), frozenset((self._session_id,)))

    async def look_back(
        self,
        past: Past | None,
        after: tuple[int, int],
        conditions: Iterable[Condition],
        on_found: Callable[[Condition, Mapping[str, Any]], None],
    ) -> None:
        """Tell of the first event for each condition that came behind `after` and before now."""
        now = (self._bus.epoch, self._bus.seq)
        if past is None or after >= now:
            return
        with contextlib.suppress(RoostError):  # what cannot be stored cannot be read either
            await past.settle(now)
            for condition in conditions:
                for category, types in events_named(condition.names[0]).items():
                    event = await self._first(past, after, now, category, types)
                    if event is not None:
                        on_found(condition, {"event": event.as_dict()})
                        break

    async def _first(
        self, past: Past, after: tuple[int, int], now: tuple[int, int], category: str, types: set[str]
    ) -> Event | None:
        want = self._filter(category, types)
        while after < now:
            entries, after = await past.journal.read(after, now, want, _PAGE)
            found = next((entry for entry in entries if entry.type in types), None)
            if found is not None:
                return found.event()
        return None


def hopeless_after_exit(condition: Condition) -> bool:
    """Whether no such event comes of a session that has ended."""
    return condition.kind == "event" and set(events_named(condition.names[0])) <= _OF_THE_LIVING
