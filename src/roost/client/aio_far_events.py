"""Events of a daemon that is reached over HTTP, for asyncio: the form of `FarEventStream` that is awaited."""

from __future__ import annotations

import asyncio
import ssl
from time import monotonic
from urllib.parse import urlsplit

from roost.client.aio_event_stream import AsyncEventStream
from roost.client.deadline import Deadline
from roost.client.event_stream import ANSWER_S, EventWish, gone_for_good
from roost.client.far import FarDaemon
from roost.client.far_events import FarEventState, as_event
from roost.client.faults import ConnectionLostError, DaemonAbsentError
from roost.client.retry import RetrySchedule
from roost.core.events import Event
from roost.core.problems import MOST_ERROR_BYTES, error_of
from roost.errors import ProtocolError
from roost.wire.http1 import AnswerReader, encode_request

_READ_BYTES = 64 * 1024


class AsyncFarEventStream(AsyncEventStream):
    """Opened by the first `recv`, `async for` or `async with`. Cancelling `recv` loses nothing."""

    def __init__(self, daemon: FarDaemon, wish: EventWish, *, reconnect: bool) -> None:
        self._daemon = daemon
        self._far = FarEventState(wish)
        self._reconnect = reconnect
        self._writer: asyncio.StreamWriter | None = None
        self._begun = False

    async def open(self) -> None:
        """Ask for the events, once. Raises what the daemon answers."""
        if not self._begun:
            self._begun = True
            await self._connect()

    async def recv(self, timeout_s: float | None = None) -> Event | None:
        """The next event; None at the end."""
        deadline = Deadline(timeout_s)
        await self.open()
        while (told := self._far.next()) is None:
            if self._far.ended:
                self._drop()
                return None
            try:
                async with asyncio.timeout(deadline.remaining_s()):
                    await self._read()
            except TimeoutError:
                raise deadline.error("no event came") from None
            except ConnectionLostError:
                self._drop()
                if not self._reconnect:
                    raise
                await self._come_back(deadline)
        return as_event(told)

    async def _read(self) -> None:
        if self._writer is None:
            raise ConnectionLostError("cancelled while it came back", delivered=True)
        self._far.received(await self._more())
        if self._answer.done:
            raise ConnectionLostError("the stream of events ended", delivered=True)

    async def _more(self) -> bytes:
        try:
            data = await self._incoming.read(_READ_BYTES)
            if data:
                return self._answer.feed(data)
            self._answer.feed_eof()
        except (OSError, ProtocolError) as error:
            raise ConnectionLostError(f"the connection to {self._daemon.base} was lost", delivered=True) from error
        return b""

    async def _connect(self) -> None:
        self._far.connected()
        daemon = self._daemon
        parts = urlsplit(daemon.base)
        secure = ssl.create_default_context() if daemon.secure else None
        headers = [*daemon.headers(), *self._far.headers()]
        try:
            async with asyncio.timeout(ANSWER_S):
                port = parts.port or (443 if secure else 80)
                self._incoming, self._writer = await asyncio.open_connection(parts.hostname, port, ssl=secure)
                self._writer.write(encode_request("GET", self._far.path, daemon.authority, headers))
                self._answer = AnswerReader()
                first = b""
                while not self._answer.status:
                    first = await self._more()
                if self._answer.status >= 300:
                    while not self._answer.done and len(first) < MOST_ERROR_BYTES:
                        first += await self._more()
                    raise error_of(self._answer.status, first[:MOST_ERROR_BYTES])
        except (OSError, TimeoutError) as error:
            self._drop()
            raise DaemonAbsentError(f"no daemon answers at {daemon.base}: {error}") from error
        except BaseException:
            self._drop()
            raise
        self._far.received(first)

    async def _come_back(self, deadline: Deadline) -> None:
        schedule = RetrySchedule(monotonic())
        while True:
            now = monotonic()
            if schedule.given_up(now):
                raise gone_for_good(self._daemon.base)
            try:
                await self._connect()
                return
            except (ConnectionLostError, DaemonAbsentError):
                self._drop()
            schedule.failed(now)
            await asyncio.sleep(max(0.0, schedule.next_at - now))
            if deadline.passed:
                raise deadline.error("no event came")

    async def aclose(self) -> None:
        """Ends it."""
        self._far.ended = True
        self._drop()

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
