"""Events as an asyncio stream: the form of `EventStream` that is awaited. Starts no task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Self

from roost.client.aio_connection import AsyncConnection, connect_async
from roost.client.deadline import Deadline
from roost.client.endpoint import Endpoint
from roost.client.event_stream import ANSWER_S, EventStreamState, EventWish, gone_for_good
from roost.client.faults import ConnectionLostError, DaemonAbsentError
from roost.client.retry import RetrySchedule
from roost.core.events import Event
from roost.errors import UnavailableError


class AsyncEventStream:
    """Events; opened by the first `recv`, `async for` or `async with`. Promises as of `EventStream`."""

    def __init__(self, endpoint: Endpoint, client_name: str, wish: EventWish, *, reconnect: bool) -> None:
        self._endpoint = endpoint
        self._client_name = client_name
        self._state = EventStreamState(wish)
        self._reconnect = reconnect
        self._connection: AsyncConnection | None = None
        self._begun = False

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()

    async def __aiter__(self) -> AsyncIterator[Event]:
        """The events, until the stream ends; closes it in any case."""
        try:
            while (event := await self.recv()) is not None:
                yield event
        finally:
            self._drop()

    async def open(self) -> None:
        """Ask for the events, once. Raises what the daemon answers."""
        if not self._begun:
            self._begun = True
            deadline = Deadline(ANSWER_S)
            await self._use(AsyncConnection(await connect_async(self._endpoint, deadline)), deadline)

    async def recv(self, timeout_s: float | None = None) -> Event | None:
        """The next event; None at the end. Errors as `EventStream.recv`; cancelling it loses nothing."""
        deadline = Deadline(timeout_s)
        state = self._state
        await self.open()
        while (told := state.next()) is None:
            if state.ended or (self._connection is None and not state.since):
                self._drop()
                return None
            try:
                if self._connection is None:
                    raise ConnectionLostError("cancelled while it came back", delivered=True)
                await self._confirm()
                state.received(await self._connection.next_reply(deadline, "no event came"))
            except ConnectionLostError:
                self._drop()
                state.lost()
                if not self._reconnect:
                    raise
                await self._come_back(deadline)
        return told[0]

    async def aclose(self) -> None:
        """Ends it. What was received counts as delivered."""
        if self._connection is not None:
            try:
                await self._confirm()
            except UnavailableError:
                pass
        self._state.ended = True
        self._drop()

    async def _confirm(self) -> None:
        confirmation = self._state.confirmation()
        if confirmation is not None and self._connection is not None:
            await self._connection.tell(confirmation, self._client_name, Deadline(ANSWER_S))

    async def _use(self, connection: AsyncConnection, deadline: Deadline) -> None:
        call = self._state.call()
        try:
            self._state.opened(call.answer(await connection.request(call, self._client_name, deadline)))
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    async def _come_back(self, deadline: Deadline) -> None:
        schedule = RetrySchedule(monotonic())
        while True:
            now = monotonic()
            if schedule.given_up(now):
                raise gone_for_good(self._endpoint.socket_path)
            try:
                found = self._endpoint.connect_once()
                if found is not None:
                    await self._use(AsyncConnection(found), Deadline(ANSWER_S))
                    return
            except (ConnectionLostError, DaemonAbsentError):
                pass
            schedule.failed(now)
            await asyncio.sleep(max(0.0, schedule.next_at - now))
            if deadline.passed:
                raise deadline.error("no event came")

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
