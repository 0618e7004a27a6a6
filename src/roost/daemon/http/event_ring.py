"""The latest events, once for all clients: each has a place in it and no queue of its own.

Owns the ring and when clients are woken: at once for a first event, then at most once a millisecond, so that a flood is
written in batches. An event is encoded when the first client needs it, a batch when the first of those that stand at
the same place with the same wish does. It is fed with what the journal has made durable, while there are clients; who
is slower than the ring is long goes on from the journal.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from itertools import islice

from roost.core.event_buffer import Key
from roost.core.event_entry import Entry
from roost.core.events import EventFilter
from roost.core.sse import encode_event
from roost.daemon.bus import EventBus
from roost.daemon.events.log import EventLog

#: Events kept.
KEPT = 16_384
#: A batch at most.
BATCH_BYTES = 128 * 1024
#: How close together batches may be.
PAUSE_S = 0.001


@dataclass(slots=True)
class _Slot:
    entry: Entry
    encoded: bytes = b""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one client is sent next. place: where it stands then. key: the last event it has passed by then."""

    body: bytes
    place: int
    count: int
    key: Key | None


class EventRing:
    """The ring, for the clients that have joined."""

    want = EventFilter()

    def __init__(self, loop: asyncio.AbstractEventLoop, bus: EventBus, log: EventLog, kept: int = KEPT) -> None:
        self._loop = loop
        self._bus = bus
        self._log = log
        self._kept = kept
        self._slots: deque[_Slot] = deque()
        self._end = 0  # place behind the newest
        self._before: Key = log.settled  # the event in front of the oldest that is here
        self._more = asyncio.Event()
        self._woken_at = 0.0
        self._waking = False
        self._batches: dict[tuple[int, EventFilter], Batch] = {}
        self.clients = 0

    # --- what comes in ----------------------------------------------------------------------------------------------

    def offer(self, entries: list[Entry]) -> None:
        """These are durable now."""
        self._slots.extend([_Slot(entry) for entry in entries])
        self._end += len(entries)
        while len(self._slots) > self._kept:
            self._before = self._slots.popleft().entry.key
        if not self._waking:
            self._waking = True
            pause_s = self._woken_at + PAUSE_S - self._loop.time()
            if pause_s > 0:
                self._loop.call_later(pause_s, self._wake)
            else:
                self._loop.call_soon(self._wake)

    def _wake(self) -> None:
        self._waking = False
        self._woken_at = self._loop.time()
        self._batches.clear()
        more, self._more = self._more, asyncio.Event()
        more.set()

    # --- clients ----------------------------------------------------------------------------------------------------

    def join(self) -> None:
        """A client comes; the first one finds an empty ring that begins now."""
        self.clients += 1
        if self.clients == 1:
            self._before = self._log.settled
            self._log.add(self)

    def leave(self) -> None:
        """A client goes; the last one takes the ring's content with it."""
        self.clients -= 1
        if not self.clients:
            self._log.remove(self)
            self._slots.clear()
            self._batches.clear()

    @property
    def start(self) -> int:
        """The place of the oldest event."""
        return self._end - len(self._slots)

    @property
    def end(self) -> int:
        """The place behind the newest event."""
        return self._end

    def place_after(self, key: Key) -> int | None:
        """The place behind the event of that id; None when events between that one and the ring are not here."""
        if key < self._before:
            return None
        newer = 0
        for slot in reversed(self._slots):
            if slot.entry.key <= key:
                break
            newer += 1
        return self._end - newer

    def lapped(self, place: int) -> bool:
        """Whether what stood at that place is gone."""
        return place < self.start

    def batch(self, place: int, want: EventFilter) -> Batch:
        """What a client is to be sent that stands at a place in front of the end; it stands further on then."""
        if place >= self._end:  # not kept: it would hide what comes next from everybody who comes here later
            return Batch(b"", place, 0, None)
        key = (place, want)
        found = self._batches.get(key)
        if found is None:
            found = self._batches[key] = self._make(place, want)
        return found

    def _make(self, place: int, want: EventFilter) -> Batch:
        parts = []
        size = 0
        at = place
        last = None
        for slot in islice(self._slots, place - self.start, None):
            at += 1
            last = slot.entry.key
            if want.wants(slot.entry):
                if not slot.encoded:
                    slot.encoded = encode(slot.entry)
                parts.append(slot.encoded)
                size += len(slot.encoded)
                if size >= BATCH_BYTES:
                    break
        return Batch(b"".join(parts), at, len(parts), last)

    async def wait(self, place: int) -> None:
        """Wait until there is something behind that place."""
        while place >= self._end or self._waking:
            await self._more.wait()


def encode(entry: Entry) -> bytes:
    """An event as it travels."""
    epoch, seq = entry.key
    return encode_event(entry.type, entry.line, f"{epoch}.{seq}")
