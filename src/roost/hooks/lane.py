"""One sink's way: a bounded queue, a task that delivers in batches, retries and counters; nothing that others share.

Overflow: the oldest waiting event is dropped and counted; a durable sink's is read from the journal later instead.
Delivery is at least once while the daemon lives; events of one lane stay in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from roost.core.config_sinks import SinkConfig
from roost.core.event_choice import EventChoice
from roost.core.events import Event
from roost.errors import RoostError
from roost.hooks.backoff import wait_s
from roost.hooks.gathering import GATHERED, Gathering
from roost.hooks.sink import Outgoing, RefusedError, Sink, SinkError

log = logging.getLogger(__name__)

BATCH_EVENTS = 500
BATCH_BYTES = 256 << 10
#: Memory that waiting events of one lane may take.
QUEUE_BYTES = 16 << 20
#: A delivery that takes longer is told of as a failure while it goes on.
STALL_S = 10.0
FIRST_RETRY_S, MOST_RETRY_S = 0.2, 30.0
#: Drops are told of at most this often.
TELL_DROPS_S = 10.0

Key = tuple[int, int]
#: `tell(type, data)`: emits an event of category daemon.
Tell = Callable[[str, dict[str, Any]], None]


class Journal(Protocol):
    """Where past events can be read again."""

    async def read(
        self, after: Key, before: Key | None, categories: frozenset[str], limit: int
    ) -> tuple[Sequence[Event], Key, bool]:
        """Events of those categories between two keys, both excluded, oldest first; without `before` up to the last.

        Then up to which key that is all there is, and whether older ones than the first are not kept any more.
        """


class Lane:
    """One sink with its queue."""

    def __init__(
        self,
        config: SinkConfig,
        sink: Sink,
        tell: Tell,
        *,
        journal: Journal | None = None,
        now: Key = (0, 0),
        origin: str = "",
        after: Callable[[], Awaitable[Key | None]] | None = None,
        resume: bool = False,
        on_listening: Callable[[], None] = lambda: None,
    ) -> None:
        """`now`: the last event that it is not to get. `after`: what has to be over before this lane may begin; the
        key from which on a durable one takes over what another left. `resume`: it goes on where the sink had got to.
        """
        self.config = config
        self.sink = sink
        self.choice = EventChoice(config.events, config.sessions)
        self._tell = tell
        self._origin = origin
        self._journal = journal if sink.durable else None
        self._after = after
        self._resume = resume
        self._tell_listening = on_listening
        self._position = now  # everything up to here was delivered, dropped, or not wanted
        self._read_to: Key = (0, 0)  # what the journal had up to here has been read
        self._queue: deque[Outgoing] = deque()
        self._queued_bytes = 0
        self._flight: list[Outgoing] = []
        self._behind = False  # there are events in the journal that are not in the queue
        self._idle = False  # nothing is under way, waited for or to be read again
        self._gathering = Gathering(sink)
        self._now = asyncio.Event()  # do not wait for the next try
        self._empty = asyncio.Event()
        self._empty.set()
        self._closed = False
        self._since = time.time()
        self.gaps = 0
        self.delivered = self.retried = self.dropped = 0
        self._untold_drops = 0
        self._drops_told_at = -TELL_DROPS_S
        self._failures = 0
        self._own_failure = self._reported_failure = False
        self.failing = False
        self.last_error = ""
        self.last_error_at = 0.0
        sink.report = self._on_report
        sink.on_listening = self._on_listening

    # --- taking events --------------------------------------------------------------------------------------------

    def wants(self, event: Event) -> bool:
        """Whether it gets that event: what is about itself is not for it, or a failure would feed itself."""
        if not self.sink.listening or self._closed or not self.choice.wants(event):
            return False
        return not (event.category == "daemon" and event.data.get("sink") == self.config.name)

    def send_now(self, outgoing: Outgoing) -> bool:
        """Have an event sent before this returns; False when it has to be offered, since it would wait."""
        if not self._idle or self._queue or outgoing.event.type in GATHERED or not self.sink.send_now(outgoing):
            return False
        self.delivered += 1
        self._position = outgoing.event.key
        return True

    def offer(self, outgoing: Outgoing) -> None:
        """Take an event into the queue, unless it was read from the journal before it came here."""
        if outgoing.event.key <= self._read_to:
            return
        self._empty.clear()
        self._queue.append(outgoing)
        self._queued_bytes += len(outgoing.line(self.config.format))
        while len(self._queue) > self.config.queue or self._queued_bytes > QUEUE_BYTES:
            self._forget(self._queue.popleft())
        self._gathering.add(outgoing.event.type, self._is_much)

    def _is_much(self) -> bool:
        """Whether it is worth a delivery before the time is over; to a sink that is held, when half of it is full."""
        if len(self._queue) < BATCH_EVENTS or not self.sink.held:
            return len(self._queue) >= BATCH_EVENTS
        return len(self._queue) * 2 >= self.config.queue or self._queued_bytes * 2 >= QUEUE_BYTES

    def _forget(self, outgoing: Outgoing) -> None:
        self._queued_bytes -= len(outgoing.line(self.config.format))
        if self._journal is not None and outgoing.event.key > self._position:
            self._behind = True
        else:
            self._count_drops(1)

    def _count_drops(self, count: int) -> None:
        self.dropped += count
        self._untold_drops += count
        moment = time.monotonic()
        if moment - self._drops_told_at >= TELL_DROPS_S:
            self._drops_told_at = moment
            untold, self._untold_drops = self._untold_drops, 0
            self._tell("hooks_dropped", {"sink": self.config.name, "dropped": untold, "dropped_in_all": self.dropped})

    def _on_listening(self) -> None:
        """Somebody came, or nobody is there any more: what waits is dropped then, and counted."""
        if not self.sink.listening and self._queue:
            count = len(self._queue)
            self._queue.clear()
            self._queued_bytes = 0
            self._count_drops(count)
        self._tell_listening()

    # --- delivering -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Deliver until cancelled."""
        await self._open(await self._after() if self._after is not None else None)
        if self._queue:  # it has waited already
            self._gathering.due.set()
        while True:
            if not self._flight:
                self._flight = await self._next_batch()
            await self._deliver()

    async def _open(self, left_from: Key | None) -> None:
        """Until it is open; `left_from`: where the lane before had got to at least, which the sink may know better."""
        while True:
            try:
                await self.sink.open()
                reached = await self.sink.reached() if self._resume or left_from is not None else None
                if left_from is not None:
                    reached = max(left_from, reached or left_from)
                if reached is None and self._journal is not None:
                    await self.sink.begin_at(self._position)
            except (SinkError, OSError) as error:
                await self._failed(str(error))
                continue
            except Exception as error:
                log.exception("sink %s cannot be opened", self.config.name)
                await self._failed(f"{type(error).__name__}: {error}")
                continue
            if reached is not None:
                self._go_back(reached)
            self._succeeded()
            return

    def _go_back(self, key: Key) -> None:
        """Read the journal from there on first."""
        if self._journal is not None and key < self._position:
            self._position, self._behind = key, True

    async def _next_batch(self) -> list[Outgoing]:
        while True:
            if self._behind and (batch := await self._from_journal()):
                return batch
            if self._behind:
                continue
            if self._queue and self._gathering.due.is_set():
                return self._from_queue()
            if not self._queue:
                self._nothing_left()
            await self._gathering.due.wait()
            self._idle = False

    def _nothing_left(self) -> None:
        self._gathering.begin_anew()
        self._empty.set()
        self._idle = True

    def _from_queue(self) -> list[Outgoing]:
        batch: list[Outgoing] = []
        size = 0
        while self._queue and len(batch) < BATCH_EVENTS and (not batch or size < BATCH_BYTES):
            outgoing = self._queue.popleft()
            length = len(outgoing.line(self.config.format))
            self._queued_bytes -= length
            batch.append(outgoing)
            size += length
        if not self._queue:
            self._gathering.begin_anew()
        return batch

    async def _from_journal(self) -> list[Outgoing]:
        """Events in front of those in the queue; none when the queue goes on from here."""
        assert self._journal is not None
        self._behind = False  # until another one falls out of the queue
        before = min((outgoing.event.key for outgoing in self._queue), default=None)
        try:
            events, through, lost = await self._journal.read(self._position, before, self.choice.active, BATCH_EVENTS)
        except RoostError as error:
            self._behind = True
            await self._failed(error.message)
            return []
        self._read_to = max(self._read_to, through)
        if lost:
            self.gaps += 1
            data = {"sink": self.config.name, "dropped": None, "after": "{}.{}".format(*self._position)}
            self._tell("hooks_dropped", data)
        wanted = [Outgoing(event, self._origin) for event in events if self.choice.wants(event)]
        self._behind = self._behind or bool(events)
        if not wanted:
            self._position = max(self._position, through)
        return wanted

    async def _deliver(self) -> None:
        if not self._flight:
            return
        stall = asyncio.get_running_loop().call_later(STALL_S, self._stalled)
        try:
            await self.sink.deliver(self._flight)
        except SinkError as error:
            self._done(error.done)
            await self._failed(str(error))
        except RefusedError as error:
            if self.sink.listening:
                self._note_failure(f"refused: {error}")
            self._position = max(self._position, self._flight[-1].event.key)
            self._count_drops(len(self._flight))
            self._flight = []
        except Exception as error:
            log.exception("sink %s failed", self.config.name)
            await self._failed(f"{type(error).__name__}: {error}")
        else:
            self._done(len(self._flight))
            self._succeeded()
        finally:
            stall.cancel()

    def _done(self, count: int) -> None:
        if count:
            self.delivered += count
            self._position = max(self._position, *(outgoing.event.key for outgoing in self._flight[:count]))
            self._flight = self._flight[count:]

    def _stalled(self) -> None:
        self._note_failure(f"a delivery takes longer than {STALL_S:g} s")

    async def _failed(self, why: str) -> None:
        """Wait before the next try."""
        self._note_failure(why)
        self._failures += 1
        self.retried += len(self._flight)
        self._now.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s(self._failures, first_s=FIRST_RETRY_S, most_s=MOST_RETRY_S)):
                await self._now.wait()

    def _on_report(self, why: str | None) -> None:
        """The sink tells of what happens behind `deliver`."""
        self._reported_failure = why is not None
        if why is None:
            self._settle()
        else:
            self._tell_failure(why)

    def _note_failure(self, why: str) -> None:
        self._own_failure = True
        self._tell_failure(why)

    def _tell_failure(self, why: str) -> None:
        self.last_error, self.last_error_at = why[:1000], time.time()
        if not self.failing:
            self.failing = True
            log.warning("sink %s is failing: %s", self.config.name, self.last_error)
            self._tell("sink_failing", {"sink": self.config.name, "error": self.last_error})

    def _succeeded(self) -> None:
        self._failures = 0
        self._own_failure = False
        self._settle()

    def _settle(self) -> None:
        if self.failing and not self._own_failure and not self._reported_failure:
            self.failing = False
            log.info("sink %s works again", self.config.name)
            self._tell("sink_recovered", {"sink": self.config.name, "dropped_in_all": self.dropped})

    # --- ends and looks -------------------------------------------------------------------------------------------

    async def retry(self) -> int:
        """Try at once what waits or was given up; how many events that are."""
        self._failures = 0
        self._now.set()
        self._gathering.due.set()  # what is being gathered too
        return len(self._flight) + len(self._queue) + await self.sink.retry()

    async def drain(self, grace_s: float) -> None:
        """Take nothing more and deliver what is there, as far as that time goes."""
        self._closed = True
        self._now.set()
        self._gathering.due.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._empty.wait()

    @property
    def left_from(self) -> Key | None:
        """Of a durable lane that has ended: behind which key there is something that it did not get."""
        left = self._flight or self._queue or self._behind
        return self._position if self._journal is not None and left else None

    def abandon(self) -> int:
        """Count what is left as dropped, unless it can be read again later; how many."""
        left = len(self._flight) + len(self._queue)
        self._flight.clear()
        self._queue.clear()
        if self._journal is None:
            self.dropped += left
        return left

    @property
    def queued(self) -> int:
        """Events that wait or are on their way."""
        return len(self._flight) + len(self._queue)

    def status(self) -> dict[str, Any]:
        """Its state and its counters since it began, as JSON.

        lag_s: the age of the oldest event that it does not have yet. gaps: how often the journal did not have any more
        what it still had to get.
        """
        waiting = self._flight[0] if self._flight else self._queue[0] if self._queue else None
        state = "failing" if self.failing else "ok" if self.sink.listening else "idle"
        facts = self.sink.facts()
        return {
            "name": self.config.name,
            "type": self.config.type,
            "state": state,
            "events": list(self.config.events),
            "sessions": {key: list(globs) for key, globs in self.config.sessions.items()},
            "since": self._since,
            "delivered": self.delivered,
            "retried": self.retried,
            "gaps": self.gaps,
            "dropped": self.dropped + facts.pop("dropped", 0),
            "queued": self.queued + facts.pop("queued", 0),
            "lag_s": round(max(0.0, time.time() - waiting.event.at), 6) if waiting else 0.0,
            "last_error": self.last_error,
            "last_error_at": self.last_error_at,
            "reached": "{}.{}".format(*self._position),
        } | facts
