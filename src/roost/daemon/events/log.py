"""The way of every event: numbered by the bus, made durable by the journal, then handed to observers and streams.

Owns the batches and the order. What anybody outside the daemon is given has been committed before, so that nobody knows
of an event that a killed daemon has lost. Nothing waits here: what the journal cannot take in time is left out,
counted, and told as a gap.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Protocol

from roost.core.event_buffer import BufferState, Key
from roost.core.event_entry import Entry
from roost.core.events import GAP, Event, EventFilter
from roost.daemon.bus import EventBus
from roost.daemon.events.journal import Batch, Extent, Journal, Written
from roost.errors import InvalidError, RoostError

log = logging.getLogger(__name__)

#: Events in one transaction.
BATCH = 500
#: Events that may wait for the journal; of what is more, only the lifecycle is kept.
PENDING_MOST = 100_000
#: How long events are gathered when nobody waits for them: at first, and when the last ones were stored less than the
#: latter time ago. A SIGKILL within this time loses them (and a gap says so).
GATHER_S, BUSY_GATHER_S = 0.002, 0.02
_CLOSE_S = 2.0


class Receiver(Protocol):
    """Who is handed events as soon as they are durable."""

    want: EventFilter

    def offer(self, entries: list[Entry]) -> None:
        """These came, in order; among them others than those that are wanted."""


class EventLog:
    """The one subscriber of the bus on whom all readers depend."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bus: EventBus, journal: Journal, extent: Extent) -> None:
        self._loop = loop
        self._bus = bus
        self.journal = journal
        self.extent = extent
        self.settled: Key = extent.settled
        self._pending: deque[Event] = deque()
        self._states: dict[str, tuple[str, BufferState] | None] = {}
        self._receivers: list[Receiver] = []
        self._waiters: list[tuple[Key, asyncio.Future[None]]] = []
        self._askers: list[asyncio.Future[None]] = []
        self._work = asyncio.Event()
        self._hurry = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._rooms: dict[int, tuple[Receiver, Callable[[], int]]] = {}
        self._stored_at = -BUSY_GATHER_S
        self._stuck: set[int] = set()
        self._room_pulse: asyncio.Future[None] | None = None
        self._left_out: list[Key] = []
        self._not_stored: list[Key] = []
        self.trouble: RoostError | None = None
        self._subscription = bus.subscribe(EventFilter(), self._take, passive=True)

    @property
    def last(self) -> Key:
        """The last event that was emitted, durable or not."""
        return (self._bus.epoch, self._bus.seq) if self._bus.seq else self.settled

    def check_id(self, key: Key) -> Key:
        """The key of an event that has happened. Raises InvalidError."""
        if key > self.last:
            raise InvalidError(f"event {key[0]}.{key[1]} has not happened yet; ids come from this daemon")
        return key

    async def since(self, key: Key, session_id: str | None) -> Key:
        """Where a reader of that session (None: of all) begins who knows everything up to a key: not before the
        session did, since gaps of that time say nothing about it."""
        if not session_id:
            return key
        with suppress(RoostError):  # a journal that cannot be read says so when it is
            return max(key, await self.journal.before(session_id))
        return key

    # --- in -------------------------------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        if len(self._pending) >= PENDING_MOST and event.category != "lifecycle":
            self._left_out.append(event.key)
            return
        self._pending.append(event)
        self._work_wanted()

    def note_observer(self, id: str, session_id: str, state: BufferState | None) -> None:
        """Keep an observer's state with the next batch; None: it is gone."""
        self._states[id] = None if state is None else (session_id, state)
        self._work_wanted()

    def _work_wanted(self) -> None:
        self._idle.clear()
        self._work.set()
        if self._receivers or self._waiters:
            self._hurry.set()

    async def states_stored(self) -> None:
        """Wait until every observer's state that was noted so far is durable, or could not be stored."""
        asker: asyncio.Future[None] = self._loop.create_future()
        self._askers.append(asker)
        self._idle.clear()
        self._work.set()
        self._hurry.set()
        await asker

    async def settle(self, key: Key) -> None:
        """Wait until that event is durable. Raises RoostError when it could not be stored."""
        if key <= self.settled:
            return
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append((key, waiter))
        self._hurry.set()
        await waiter

    # --- out ------------------------------------------------------------------------------------------------------

    def add(self, receiver: Receiver, *, room: Callable[[], int] | None = None) -> None:
        """Hand events to somebody from now on. `room`: for how many more it has room; emitters wait for it."""
        self._receivers.append(receiver)
        if room is not None:
            self._rooms[id(receiver)] = (receiver, room)

    def remove(self, receiver: Receiver) -> None:
        """Hand them no more; safe to repeat."""
        if receiver in self._receivers:
            self._receivers.remove(receiver)
            self._rooms.pop(id(receiver), None)
            self._stuck.discard(id(receiver))
            self.made_room()

    def _held(self, session_id: str, category: str) -> list[Receiver]:
        """The receivers that block and for which one more event could be too many."""
        under_way = len(self._pending)
        full = []
        for key, (receiver, room) in self._rooms.items():
            if room() > under_way:
                self._stuck.discard(key)
            elif key not in self._stuck and receiver.want.may_want(session_id, category):
                full.append(receiver)
        return full

    async def room(self, session_id: str, category: str, patience_s: float) -> bool:
        """Wait until every receiver that blocks has room for one more event, to be emitted at once.

        False when that took too long: nobody waits any more for those that were full until they have room again.
        """
        if not self._held(session_id, category):
            return True
        try:
            async with asyncio.timeout(patience_s):
                while self._held(session_id, category):
                    pulse = self._room_pulse = self._room_pulse or self._loop.create_future()
                    await asyncio.shield(pulse)
        except TimeoutError:
            self._stuck |= {id(receiver) for receiver in self._held(session_id, category)}
            return False
        return True

    def made_room(self) -> None:
        """A receiver may have room again."""
        if self._room_pulse is not None:
            self._room_pulse.set_result(None)
            self._room_pulse = None

    async def run(self) -> None:
        """Make events durable and hand them on, until cancelled."""
        while True:
            await self._work.wait()
            if not self._hurry.is_set():
                try:
                    async with asyncio.timeout(self._gather_s()):
                        await self._hurry.wait()
                except TimeoutError:
                    pass
            self._work.clear()
            self._hurry.clear()
            while self._pending or self._states or self._askers:
                with self._next_batch() as batch:
                    self._publish(await self.journal.write(batch))
                self.made_room()
            self._tell_left_out()
            self._stored_at = self._loop.time()
            if not self._pending:
                self._idle.set()

    def _gather_s(self) -> float:
        return BUSY_GATHER_S if self._loop.time() - self._stored_at < BUSY_GATHER_S else GATHER_S

    @contextmanager
    def _next_batch(self) -> Iterator[Batch]:
        """What to write; taken off the queue when it is written, so that a cancelled write loses nothing."""
        batch = Batch(list(islice(self._pending, BATCH)), self._states)
        self._states = {}
        askers, self._askers = self._askers, []
        yield batch
        for asker in askers:
            if not asker.done():
                asker.set_result(None)
        for _ in batch.events:
            self._pending.popleft()

    def _publish(self, written: Written) -> None:
        self._note_health(written)
        self.extent = written.extent
        entries = written.entries
        if not entries:
            return
        self.settled = entries[-1].key
        for receiver in tuple(self._receivers):
            try:
                receiver.offer(entries)
            except Exception:
                log.exception("a reader of events failed")
        waiting, self._waiters = self._waiters, []
        for key, waiter in waiting:
            if key > self.settled:
                self._waiters.append((key, waiter))
            elif not waiter.done():
                if written.error is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(written.error)

    def _note_health(self, written: Written) -> None:
        if written.error is not None:
            self._not_stored += [entry.key for entry in written.entries]
            del self._not_stored[1:-1]
            if self.trouble is None:
                log.error("events are not stored: %s", written.error.message)
                self.trouble = written.error
                self._bus.emit(None, "daemon", "source_failed", {"source": "journal", "error": written.error.message})
        elif self.trouble is not None:
            self.trouble = None
            self._bus.emit(None, "daemon", "source_recovered", {"source": "journal"})
            if self._not_stored:
                self._tell_gap("not_stored", self._not_stored)
                self._not_stored = []

    def _tell_left_out(self) -> None:
        """Tell of what the journal could not take, a range at a time."""
        keys, self._left_out = self._left_out, []
        start = 0
        for at in range(1, len(keys) + 1):
            if at == len(keys) or keys[at][1] != keys[at - 1][1] + 1:
                self._tell_gap("overflow", keys[start:at])
                start = at

    def _tell_gap(self, reason: str, keys: list[Key]) -> None:
        first, last = keys[0], keys[-1]
        count = last[1] - first[1] + 1 if first[0] == last[0] else None
        self._bus.emit(None, "lifecycle", GAP, gap_data(reason, (first[0], first[1] - 1), last, count))

    def check(self) -> dict[str, Any]:
        """A line for `roost doctor`."""
        path, trouble = self.journal.path, self.trouble
        size = f"{self.extent.size_bytes / 1048576:.1f} MiB of events, {len(self._pending)} to be stored"
        detail = trouble.message if trouble else size
        advice = f"events are handed on but not kept; see `df {path}` and `ls -l {path}`" if trouble else ""
        return {"name": "event journal", "ok": trouble is None, "detail": detail, "advice": advice}

    async def close(self) -> None:
        """Take no more events; make durable what there is, for a moment, and close the file."""
        self._subscription.close()
        self._hurry.set()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._idle.wait()
        except TimeoutError:
            log.error("%d events were not stored in time", len(self._pending))
        self.journal.close()


def gap_data(reason: str, after: Key, through: Key, count: int | None, category: str | None = None) -> dict[str, Any]:
    """What a gap says: the events in (after, through] are missing. count: how many ids that is, None where unknown."""
    return {
        "reason": reason,
        "after": f"{after[0]}.{after[1]}",
        "through": f"{through[0]}.{through[1]}",
        "count": count,
        "category": category,
    }
