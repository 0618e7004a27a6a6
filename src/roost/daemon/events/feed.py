"""A stream of events for somebody who is connected: from an id or from now on, at their own pace.

Owns the reader's place: in the journal while it catches up, then at the end, without hole or repeat in between. What a
slow reader costs is said by its policy: `journal` reads on from the journal when the buffer is full, `drop_oldest`
leaves out and says so in a gap, `block` holds back whoever emits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from roost.core.event_buffer import EventBuffer, Key, Missed
from roost.core.event_entry import Entry
from roost.core.events import GAP, Event, EventFilter
from roost.daemon.bus import EventBus, Subscription
from roost.daemon.events.log import EventLog, gap_data

POLICIES = ("journal", "drop_oldest", "block")
#: A frame holds at most so many events and about so many bytes.
FRAME_EVENTS = 256
FRAME_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class FeedSpec:
    """What a reader asks for. `since`: the last event it knows, None for only what comes; `until_exit_of`: a session
    whose exit ends the stream; `over`: nothing more will come of it than there is."""

    want: EventFilter
    since: Key | None = None
    capacity: int = 1024
    policy: str = "journal"
    until_exit_of: str = ""
    over: bool = False


class Feed:
    """One reader. Made and closed on the loop; `next` is awaited by one task at a time."""

    def __init__(self, log: EventLog, bus: EventBus, spec: FeedSpec) -> None:
        """Raises InvalidError for an id that is still to come."""
        if spec.since is not None:
            log.check_id(spec.since)
        self._log = log
        self._spec = spec
        self.want = spec.want
        self._buffer: EventBuffer[Entry] = EventBuffer(spec.capacity)
        self._at = log.last if spec.since is None else spec.since
        self._live = spec.since is None
        self._ready = asyncio.Event()
        self._closed = False
        self.ended = False  # by itself: there is nothing more to come
        self._over_at = log.last
        self._notices = self._opening_gaps()
        self._wish: Subscription = bus.wish(spec.want)
        log.add(self, room=self._room if spec.policy == "block" else None)

    def _room(self) -> int:
        return self._spec.capacity - self._buffer.waiting

    @property
    def full(self) -> bool:
        """Whether there is no room now."""
        return self._buffer.waiting >= self._spec.capacity

    @property
    def missed(self) -> int:
        """How many events were left out so far."""
        return self._buffer.missed

    def offer(self, entries: list[Entry]) -> None:
        """These are durable now."""
        if not self._live or self._closed:
            self._ready.set()
            return
        for entry in entries:
            if entry.key > self._at and self.want.wants(entry):
                if self._spec.policy == "journal" and self.full:
                    self._fall_back()
                    break
                self._buffer.offer(entry)
        if self._buffer.waiting or not self._live:
            self._ready.set()

    def _fall_back(self) -> None:
        """Go on from the journal behind what was handed out last."""
        self._buffer.clear()
        self._live = False

    async def next(self) -> list[Entry]:
        """The next events, at least one; an empty list at the end. Cancelling it loses nothing."""
        while not self._closed and not self.ended:
            if self._notices:
                notices, self._notices = self._notices, []
                return notices
            found = self._take() if self._live else await self._replay()
            if found:
                return self._cut_at_exit(found)
            if self._live and not self._buffer.waiting and not self._closed:
                if self._spec.over and self._spec.until_exit_of and self._log.settled >= self._over_at:
                    self.ended = True
                    return []
                self._ready.clear()
                await self._ready.wait()
        return []

    def _take(self) -> list[Entry]:
        found = told_of(self._buffer.take(FRAME_EVENTS, FRAME_BYTES))
        if found:
            self._at = found[-1].key
            self._buffer.confirm(self._at)
            self._log.made_room()
        return found

    async def _replay(self) -> list[Entry]:
        through = self._log.settled
        found: list[Entry] = []
        if self._at < through:
            found, self._at = await self._log.journal.read(self._at, through, self.want, FRAME_EVENTS)
        if self._at >= self._log.settled:
            self._live = True
        return found

    def _cut_at_exit(self, found: list[Entry]) -> list[Entry]:
        wanted = self._spec.until_exit_of
        for at, entry in enumerate(found):
            if wanted and entry.session_id == wanted and entry.type == "exited" and entry.category == "lifecycle":
                self.ended = True
                return found[: at + 1]
        return found

    def _opening_gaps(self) -> list[Entry]:
        """What the journal cannot give any more of what was asked for."""
        since, extent = self._spec.since, self._log.extent
        if since is None:
            return []
        gaps = []
        if since < extent.trimmed:
            gaps.append(_gap("trimmed", since, extent.trimmed, None))
            self._at = extent.trimmed
        kept = self._log.journal.retention
        for category in sorted(self.want.categories or ()):
            if not kept.keeps(category) and since < self._log.settled:
                gaps.append(_gap("not_kept", since, self._log.settled, None, category, id=since))
        return gaps

    def close(self) -> None:
        """End; whoever waits for the next event gets none. Safe to repeat."""
        self._closed = True
        self._wish.close()
        self._log.remove(self)
        self._ready.set()


def _gap(
    reason: str, after: Key, through: Key, count: int | None, category: str | None = None, *, id: Key | None = None
) -> Entry:
    """A gap that only this reader is told of; whoever reads on behind its id misses nothing more."""
    epoch, seq = id or through
    data = gap_data(reason, after, through, count, category)
    return Entry.of(Event(epoch, seq, time.time(), "lifecycle", GAP, data=data))


def told_of(taken: Sequence[Entry | Missed]) -> list[Entry]:
    """What is sent of what was taken from a buffer: a gap where its policy has left something out."""
    return [_dropped(one) if isinstance(one, Missed) else one for one in taken]


def _dropped(missed: Missed) -> Entry:
    epoch, seq = missed.first
    return _gap("dropped", (epoch, seq - 1), missed.last, missed.count or None)
