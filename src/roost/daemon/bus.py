"""The events bus: numbers every event and hands it, at once and in order, to whoever wants it.

Owns the sequence and the subscriptions. Buffers nothing: subscribers (the journal, observers, streams, sinks) bring
their own bounds. A subscriber that fails is logged; the others and the emitter do not notice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from roost.core.events import Event, EventFilter

if TYPE_CHECKING:
    from roost.daemon.session import Session

log = logging.getLogger(__name__)


def _nothing() -> None:
    pass


class Subscription:
    """Somebody's wish for events, until closed."""

    def __init__(
        self, bus: EventBus, want: EventFilter, take: Callable[[Event], None] | None, *, passive: bool
    ) -> None:
        self._bus = bus
        self.want = want
        self.take = take
        self.passive = passive

    def change(self, want: EventFilter) -> None:
        """Want something else from now on."""
        self.want = want
        self._bus.wants_changed()

    def close(self) -> None:
        """Want nothing any more; safe to repeat."""
        self._bus.forget(self)


class EventBus:
    """Where events come from and go to, on the daemon's loop."""

    def __init__(self, epoch: int) -> None:
        """`epoch`: greater than that of every daemon before, see `roost.core.events.Event`."""
        self.epoch = epoch
        self.seq = 0
        self._subscriptions: list[Subscription] = []
        self._takers: tuple[tuple[Subscription, Callable[[Event], None]], ...] = ()
        self._active: tuple[Subscription, ...] = ()  # mostly none: who asks is answered at once then
        self._mark: memoryview | None = None
        self._when_wants_change: list[Callable[[], None]] = []
        #: Has that told which happened before; called before any event, and before anybody comes to listen.
        self.settle: Callable[[], None] = _nothing

    def emit(
        self,
        session: Session | None,
        category: str,
        type: str,
        data: dict[str, Any] | None = None,
        *,
        grade: str = "exact",
        source: str = "roost",
        at: float | None = None,
    ) -> Event:
        """Say that something happened, in a session or in the daemon; subscribers have it when this returns."""
        self.settle()
        self.seq += 1
        if self._mark is not None:
            self._mark[1] = self.seq
        event = Event(
            epoch=self.epoch,
            seq=self.seq,
            at=time.time() if at is None else at,
            category=category,
            type=type,
            session_id=session.id if session else "",
            session_name=session.record.name if session else "",
            originator=session.record.originator if session else "",
            data=data or {},
            grade=grade,
            source=source,
            offset=session.written_offset if session else None,
        )
        for subscription, take in self._takers:
            if subscription.want.wants(event):
                try:
                    take(event)
                except Exception:
                    log.exception("a subscriber failed on event %s (%s)", event.id, event.type)
        return event

    def mark_in(self, mark: memoryview | None) -> None:
        """Store the number of every event there (epoch, seq) as it is given; None to stop that."""
        self._mark = mark
        if mark is not None:
            mark[1] = self.seq
            mark[0] = self.epoch

    def subscribe(self, want: EventFilter, take: Callable[[Event], None], *, passive: bool = False) -> Subscription:
        """Have `take` called with every event that passes. A passive subscriber takes what there is: it does not make
        sources run."""
        return self._add(Subscription(self, want, take, passive=passive))

    def wish(self, want: EventFilter) -> Subscription:
        """Make sources run for these events without taking them here: somebody reads them from the journal's end."""
        return self._add(Subscription(self, want, None, passive=False))

    def _add(self, subscription: Subscription) -> Subscription:
        self.settle()
        self._subscriptions.append(subscription)
        self._list_takers()
        self.wants_changed()
        return subscription

    def _list_takers(self) -> None:
        self._takers = tuple((s, s.take) for s in self._subscriptions if s.take is not None)
        self._active = tuple(s for s in self._subscriptions if not s.passive)

    def forget(self, subscription: Subscription) -> None:
        """End a subscription."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
            self._list_takers()
            self.wants_changed()

    def category_wanted(self, category: str) -> bool:
        """Whether somebody actively wants that category of any session."""
        return bool(self._active) and any(
            s.want.categories is None or category in s.want.categories for s in self._active
        )

    @property
    def listened_to(self) -> bool:
        """Whether somebody actively wants anything."""
        return bool(self._active)

    def wanted(self, session_id: str, category: str) -> bool:
        """Whether somebody actively wants that category of that session: sources run only then."""
        return bool(self._active) and any(s.want.may_want(session_id, category) for s in self._active)

    def on_wants_changed(self, call: Callable[[], None]) -> None:
        """Have `call` made whenever the answer of `wanted` may have changed."""
        self._when_wants_change.append(call)

    def wants_changed(self) -> None:
        """Tell the sources that wishes may have changed."""
        for call in tuple(self._when_wants_change):
            call()
