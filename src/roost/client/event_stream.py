"""Events from the daemon as a stream that goes on where it stopped: the pure state, and the blocking form of it.

Owns what is asked for again after a lost connection, and what an observer has confirmed. The asyncio form is in
`aio_event_stream`.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Self

from roost.client.calls import Call
from roost.client.connection import Connection
from roost.client.deadline import Deadline
from roost.client.endpoint import Endpoint
from roost.client.faults import ConnectionLostError, DaemonAbsentError
from roost.client.launch import connect
from roost.client.replies import raise_reply_error
from roost.client.retry import GIVE_UP_AFTER_S, RetrySchedule
from roost.core.events import Event
from roost.errors import ProtocolError, UnavailableError
from roost.wire.requests import Reply

#: How long the daemon may take to answer, on every connection.
ANSWER_S = 30.0


@dataclass(frozen=True, slots=True)
class EventWish:
    """Which events. None means all; `since` None means only those that come; the rest as in `Client.events`."""

    target: str | None = None
    categories: Sequence[str] | None = None
    types: Sequence[str] | None = None
    since: str | None = None
    observer: str | None = None
    capacity: int | None = None
    policy: str | None = None
    until_exit: bool = False


class EventStreamState:
    """Where one reader is."""

    def __init__(self, wish: EventWish) -> None:
        self._wish = wish
        self._session_id: str | None = None
        self._ready: deque[tuple[Event, bytes]] = deque()
        self._given: str | None = None  # the last event that the caller was given
        self._confirmed: str | None = None
        self.since = wish.since
        self.ended = False

    def call(self) -> Call[Mapping[str, Any]]:
        """The request for what comes after the events that were received."""
        wish = self._wish
        params = {
            "target": wish.target if self._session_id is None else None,
            "session_id": self._session_id,
            "categories": None if wish.categories is None else list(wish.categories),
            "types": None if wish.types is None else list(wish.types),
            "since": self.since,
            "observer": wish.observer,
            "capacity": wish.capacity,
            "policy": wish.policy,
            "until_exit": wish.until_exit,
        }
        return Call("events.stream", lambda result, _data: result, params, repeatable=True)

    def opened(self, told: Mapping[str, Any]) -> None:
        """The answer to the request."""
        self._session_id = told["session_id"]
        if self.since is None and not self._wish.observer:
            self.since = told["last"]

    def received(self, reply: Reply) -> None:
        """A frame."""
        raise_reply_error(reply)
        try:
            told = json.loads(reply.result)
            events = [(Event.from_json(json.loads(line)), line) for line in reply.data.splitlines()]
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"the daemon sent events that cannot be read: {error!r}") from error
        self._ready.extend(events)
        if events:
            self.since = events[-1][0].id
        self.ended = bool(told.get("end"))

    def next(self) -> tuple[Event, bytes] | None:
        """The next event that has been received, and as the JSON that it came as."""
        if not self._ready:
            return None
        told = self._ready.popleft()
        self._given = told[0].id
        return told

    def confirmation(self) -> Call[None] | None:
        """What to tell the daemon about an observer's events, if there is something new to tell."""
        if not self._wish.observer or self._given == self._confirmed:
            return None
        self._confirmed = self._given
        return Call("events.ack", lambda _result, _data: None, {"through": self._given})

    def lost(self) -> None:
        """The connection is gone."""
        self._confirmed = None


class EventStream:
    """Events, one after the other; a context manager and an iterator. Reconnects by itself unless told otherwise."""

    def __init__(self, endpoint: Endpoint, client_name: str, wish: EventWish, *, reconnect: bool) -> None:
        """Open it. Raises what the daemon answers."""
        self._endpoint = endpoint
        self._client_name = client_name
        self._state = EventStreamState(wish)
        self._reconnect = reconnect
        deadline = Deadline(ANSWER_S)
        self._connection: Connection | None = Connection(connect(endpoint, deadline))
        try:
            self._open(self._connection, deadline)
        except BaseException:
            self._drop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        """The events, until the stream ends."""
        while (event := self.recv()) is not None:
            yield event

    def lines(self) -> Iterator[bytes]:
        """The events as the daemon wrote them, JSON without its line end, until the stream ends."""
        while (line := self.recv_line()) is not None:
            yield line

    def recv(self, timeout_s: float | None = None) -> Event | None:
        """The next event; None at the end. Raises WaitTimeoutError when none came, UnavailableError when the daemon
        does not come back. An observer's event counts as delivered when the next one is asked for."""
        told = self._take(timeout_s)
        return None if told is None else told[0]

    def recv_line(self, timeout_s: float | None = None) -> bytes | None:
        """The same as `recv`, as the JSON that the daemon wrote: nothing is decoded and encoded again."""
        told = self._take(timeout_s)
        return None if told is None else told[1]

    def _take(self, timeout_s: float | None) -> tuple[Event, bytes] | None:
        deadline = Deadline(timeout_s)
        state = self._state
        while (told := state.next()) is None:
            if state.ended or self._connection is None:
                self._drop()
                return None
            try:
                self._confirm()
                state.received(self._connection.next_reply(deadline, "no event came"))
            except ConnectionLostError:
                self._drop()
                state.lost()
                if not self._reconnect:
                    raise
                self._come_back(deadline)
        return told

    def close(self) -> None:
        """Ends it. What was received counts as delivered."""
        if self._connection is not None:
            try:
                self._confirm()
            except UnavailableError:
                pass
        self._drop()

    def _confirm(self) -> None:
        confirmation = self._state.confirmation()
        if confirmation is not None and self._connection is not None:
            self._connection.tell(confirmation, self._client_name, Deadline(ANSWER_S))

    def _open(self, connection: Connection, deadline: Deadline) -> None:
        call = self._state.call()
        self._state.opened(call.answer(connection.request(call, self._client_name, deadline)))

    def _come_back(self, deadline: Deadline) -> None:
        schedule = RetrySchedule(monotonic())
        while True:
            now = monotonic()
            if schedule.given_up(now):
                raise gone_for_good(self._endpoint.socket_path)
            try:
                found = self._endpoint.connect_once()
                if found is not None:
                    self._connection = Connection(found)
                    self._open(self._connection, Deadline(ANSWER_S))
                    return
            except (ConnectionLostError, DaemonAbsentError):
                self._drop()
            except BaseException:
                self._drop()
                raise
            schedule.failed(now)
            sleep(max(0.0, schedule.next_at - now))
            if deadline.passed:
                raise deadline.error("no event came")

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def gone_for_good(place: str) -> UnavailableError:
    """The error for a daemon that did not come back."""
    return UnavailableError(
        f"the daemon on {place} did not come back within {GIVE_UP_AFTER_S:g} s; "
        "start it with `roost daemon start` and go on from the last event's id"
    )
