"""The sink `webhook`: each event is a signed POST, at least once, through a queue on disk.

Owns the order of things: into the queue, sent, taken out; after a failure the whole endpoint is left alone for a
while, and what failed too often becomes a dead letter. All of it happens in a thread of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import sqlite3
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from roost.core.config_sinks import Webhook
from roost.core.events import parse_event_id
from roost.core.webhook_rules import GONE_STATUS, REFUSED_STATUSES
from roost.hooks.backoff import wait_s
from roost.hooks.gathering import GATHERED
from roost.hooks.loop_thread import LoopThread
from roost.hooks.sink import Outgoing, Sink, SinkError
from roost.hooks.webhook_queue import Message, WebhookQueue

if TYPE_CHECKING:
    from roost.hooks.webhook_request import Answer, Sender

FIRST_PAUSE_S, MOST_PAUSE_S = 1.0, 300.0
MOST_WAIT_S = 3600.0
#: How long events are gathered for one transaction, and while the endpoint is left alone at most. They are in the
#: journal meanwhile, from where the next daemon reads on.
GATHER_S, MOST_GATHER_S = 0.1, 2.0
#: So many are put in at a time; then the sender has as long as that took.
_PUT_MESSAGES = 100
_GONE = "{}: nothing is sent until `roost hooks retry`"

_KINDS = {
    "envelope": ("application/json", "application/json"),
    "cloudevents": ("application/cloudevents+json", "application/cloudevents-batch+json"),
}


class WebhookSink(Sink):
    """The daemon's side: hands over to the thread."""

    durable = True

    def __init__(self, options: Webhook, keys: Sequence[bytes], queue_path: str, format: str) -> None:
        super().__init__()
        self._engine = Engine(options, keys, queue_path, self._report)
        self._format = format
        self._loop = asyncio.get_running_loop()
        self._thread: LoopThread | None = None

    @property
    def gather_s(self) -> float:  # type: ignore[override]
        """One transaction for many: the network takes that long anyway, and nothing is sent before a pause is over."""
        return min(MOST_GATHER_S, max(GATHER_S, self._engine.pause_s))

    @property
    def held(self) -> bool:  # type: ignore[override]
        """Whether the endpoint is being left alone."""
        return self._engine.pause_s > GATHER_S

    def _report(self, why: str | None) -> None:
        with contextlib.suppress(RuntimeError):  # the daemon's loop is closed: nobody is told any more
            self._loop.call_soon_threadsafe(self.report, why)

    async def _call(self, make: Callable[[], Any]) -> Any:
        if self._thread is None:
            self._thread = LoopThread("webhook sink")
        try:
            return await self._thread.call(make)
        except (sqlite3.Error, OSError) as error:
            raise SinkError(f"the queue on disk cannot be used: {error}") from error

    async def open(self) -> None:
        """Open the queue and begin to send."""
        await self._call(self._engine.open)

    async def reached(self) -> tuple[int, int] | None:
        """The key of the last event in the queue's file."""
        text = await self._call(self._engine.reached)
        return parse_event_id(text) if text else None

    async def begin_at(self, key: tuple[int, int]) -> None:
        """Store it as if everything up to there had been put in."""
        await self._call(lambda: self._engine.begin_at("{}.{}".format(*key)))

    async def deliver(self, batch: Sequence[Outgoing]) -> None:
        """Put the batch into the queue."""
        messages = list(_messages(batch, self._format))
        last = batch[-1].event.id
        await self._call(lambda: self._engine.put(messages, last))

    async def retry(self) -> int:
        """Try everything anew; how many messages that are."""
        return int(await self._call(self._engine.retry))

    async def close(self, grace_s: float) -> None:
        """Stop sending; what waits stays on disk."""
        if self._thread is not None:
            with contextlib.suppress(TimeoutError, SinkError):
                async with asyncio.timeout(grace_s):
                    await self._call(lambda: self._engine.close(grace_s * 0.8))
            self._thread.stop(0.5)
            self._thread = None

    def facts(self) -> dict[str, Any]:
        """What became of the messages."""
        return self._engine.facts()


class Engine:
    """The thread's side: the queue and the sending. Every coroutine runs in the thread's loop."""

    def __init__(
        self, options: Webhook, keys: Sequence[bytes], queue_path: str, report: Callable[[str | None], None]
    ) -> None:
        self._options = options
        self._keys = keys
        self._queue_path = queue_path
        self._report = report
        self._queue: WebhookQueue | None = None
        self._sender: Sender | None = None
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._paused_until = 0.0
        self._gone = self._closing = False
        self._oldest_at: float | None = None  # of what waits
        self.delivered = self.retried = self.dropped = 0

    async def open(self) -> None:
        """Open the file and begin."""
        if self._queue is None:
            from roost.hooks.webhook_request import Sender  # here, because the HTTP client takes long to import

            self._queue = WebhookQueue(self._queue_path, self._options.stored_events)
            self._oldest_at = self._queue.oldest_at()
            self._gone = self._queue.gone == self._options.url
            if self._gone:
                self._report(_GONE.format("answered 410"))
            self._sender = Sender(self._options, self._keys, self._queue.name)
            self._news = asyncio.Event()
            self._task = asyncio.get_running_loop().create_task(self._run(), name="webhook")

    async def reached(self) -> str:
        """The id of the last event that was put in."""
        assert self._queue is not None
        return self._queue.reached()

    async def begin_at(self, event_id: str) -> None:
        """Everything up to that event counts as put in."""
        assert self._queue is not None
        self._queue.set_reached(event_id)

    async def put(self, messages: Sequence[tuple[str, str, bytes]], last: str) -> None:
        """Store messages for good, a few at a time: what comes in must not keep what goes out waiting."""
        while messages:
            began = time.monotonic()
            count = _PUT_MESSAGES if self.pause_s <= 0.0 else len(messages)  # nothing goes out in a pause
            some, messages = messages[:count], messages[count:]
            self._put(some, some[-1][0] if messages else last)
            if messages:
                await asyncio.sleep(time.monotonic() - began)

    def _put(self, messages: Sequence[tuple[str, str, bytes]], reached: str) -> None:
        assert self._queue is not None
        now = time.time()
        self.dropped += self._queue.put(messages, reached, now)
        self._oldest_at = self._oldest_at or now
        if not self._gone and now >= self._paused_until:
            self._news.set()

    async def retry(self) -> int:
        """Let everything be tried now."""
        assert self._queue is not None
        found = self._queue.revive()
        self._queue.gone = ""
        self._gone, self._failures, self._paused_until = False, 0, 0.0
        self._news.set()
        return found

    async def close(self, grace_s: float) -> None:
        """Stop; a request under way that is not answered in that time is made again by the next daemon."""
        if self._task is not None:
            self._closing = True
            self._news.set()
            await asyncio.wait([self._task], timeout=grace_s)
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._sender is not None:
            await self._sender.close()
        if self._queue is not None:
            self._queue.close()

    async def _run(self) -> None:
        assert self._queue is not None and self._sender is not None
        while not self._closing:
            try:
                self._news.clear()
                now = time.time()
                message = None if self._gone or now < self._paused_until else self._queue.due(now)
                if message is None:
                    await self._wait(now)
                else:
                    self._settle(message, await self._sender.send(message))
                    self._oldest_at = self._queue.oldest_at()
            except sqlite3.Error as error:
                self._report(f"the queue on disk cannot be used: {error}")
                await asyncio.sleep(FIRST_PAUSE_S)

    async def _wait(self, now: float) -> None:
        assert self._queue is not None
        until: float | None = self._paused_until
        if self._gone:
            until = None
        elif now >= self._paused_until:
            until = self._queue.next_at()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if until is None else max(0.0, until - now)):
                await self._news.wait()

    def _settle(self, message: Message, answer: Answer) -> None:
        """Draw the consequences of an answer."""
        assert self._queue is not None
        now = time.time()
        if answer.taken:
            self._queue.remove(message)
            self.delivered += 1
            self._failures = 0
            self._report(None)
            return
        if answer.status in REFUSED_STATUSES:
            self._failures = 0
            self._queue.bury(message, answer.text)
            self._report(f"{answer.text}: the event is a dead letter")
            return
        self._failures += 1
        if answer.status == GONE_STATUS:
            self._gone, self._queue.gone = True, self._options.url
            self._queue.postpone(message, now, answer.text)
            self._report(_GONE.format(answer.text))
            return
        pause = wait_s(self._failures, first_s=FIRST_PAUSE_S, most_s=MOST_PAUSE_S)
        self._paused_until = now + max(pause, answer.retry_after_s or 0.0)
        attempts = message.attempts + 1
        if attempts >= self._options.attempts or now - message.created_at >= self._options.retry_for_s:
            self._queue.bury(message, answer.text)
            self._report(f"{answer.text}: given up after {attempts} attempts, a dead letter")
        else:
            self.retried += 1
            later = wait_s(attempts, first_s=FIRST_PAUSE_S, most_s=MOST_WAIT_S)
            self._queue.postpone(message, now + max(later, answer.retry_after_s or 0.0), answer.text)
            self._report(answer.text)

    @property
    def pause_s(self) -> float:
        """How long nothing is sent yet; read from another thread."""
        return math.inf if self._gone else max(0.0, self._paused_until - time.time())

    def facts(self) -> dict[str, Any]:
        """Counters; read from another thread."""
        waiting, dead = self._queue.counts if self._queue else (0, 0)
        lag = {"lag_s": round(max(0.0, time.time() - self._oldest_at), 6)} if self._oldest_at else {}
        return lag | {
            "delivered": self.delivered,
            "retried": self.retried,
            "dropped": self.dropped,
            "queued": waiting,
            "dead": dead,
            "gone": self._gone,
        }


def _messages(batch: Sequence[Outgoing], format: str) -> Any:
    """One message an event; gathered ones of a session are an array in one."""
    single, several = _KINDS[format]
    for (gathered, _), group in groupby(batch, key=lambda out: (out.event.type in GATHERED, out.event.session_id)):
        together = list(group)
        if gathered and len(together) > 1:
            body = b"[" + b",".join(out.line(format).rstrip(b"\n") for out in together) + b"]"
            yield together[-1].event.id, several, body
        else:
            for out in together:
                yield out.event.id, single, out.line(format).rstrip(b"\n")
