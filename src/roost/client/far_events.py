"""Events of a daemon that is reached over HTTP: a stream of server-sent events that goes on where it stopped.

Owns the place (the last id), the connection and its renewal. Payloads are handed on as they came; who wants them as
`Event`s has them read once. What the lines mean is `roost.core.sse`.
"""

from __future__ import annotations

import json
from collections import deque
from contextlib import ExitStack
from time import monotonic, sleep
from urllib.parse import urlencode

from roost.client.deadline import Deadline
from roost.client.event_stream import ANSWER_S, EventStream, EventWish, gone_for_good
from roost.client.far import FarDaemon, opened, receive
from roost.client.faults import ConnectionLostError, DaemonAbsentError
from roost.client.retry import RetrySchedule
from roost.core.events import Event
from roost.core.sse import EventTooLargeError, ServerEvent, SseReader
from roost.errors import InvalidError, ProtocolError, WaitTimeoutError


class FarEventState:
    """Where one reader is, and what it asks for. Pure."""

    def __init__(self, wish: EventWish) -> None:
        """Raises InvalidError for what a stream over HTTP does not do."""
        if wish.observer or wish.policy not in (None, "journal") or wish.capacity:
            raise InvalidError("observers, policies and capacities are for the daemon's own socket, not for HTTP")
        self._wish = wish
        self._reader = SseReader(wish.since or "")
        self._ready: deque[ServerEvent] = deque()
        self.ended = False

    @property
    def path(self) -> str:
        """What to ask for."""
        wish = self._wish
        choice = {
            "session": wish.target,
            "categories": None if wish.categories is None else ",".join(wish.categories),
            "types": None if wish.types is None else ",".join(wish.types),
        }
        given = {name: value for name, value in choice.items() if value is not None}
        return "/v1/events" + (f"?{urlencode(given)}" if given else "")

    def headers(self) -> tuple[tuple[str, str], ...]:
        """How far we are."""
        since = self._reader.last_id
        return (("Accept", "text/event-stream"), *((("Last-Event-ID", since),) if since else ()))

    def connected(self) -> None:
        """A fresh stream begins: half an event of the last one is of no use."""
        self._reader = SseReader(self._reader.last_id)

    def received(self, data: bytes) -> None:
        """Bytes of the stream. Raises ProtocolError."""
        try:
            self._ready.extend(self._reader.feed(data))
        except EventTooLargeError as error:
            raise ProtocolError(f"what answers is no stream of events: {error}") from error

    def next(self) -> ServerEvent | None:
        """The next event that has been received."""
        if not self._ready:
            return None
        event = self._ready.popleft()
        if self._wish.until_exit and event.event == "exited":
            self.ended = True
            self._ready.clear()
        return event


def as_event(told: ServerEvent) -> Event:
    """The event that the payload says. Raises ProtocolError."""
    try:
        return Event.from_json(json.loads(told.data))
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"the daemon sent an event that cannot be read: {error!r}") from error


class FarEventStream(EventStream):
    """The blocking form; promises as of `EventStream`."""

    def __init__(self, daemon: FarDaemon, wish: EventWish, *, reconnect: bool) -> None:
        """Open it. Raises what the daemon answers."""
        self._daemon = daemon
        self._far = FarEventState(wish)
        self._reconnect = reconnect
        self._stack = ExitStack()
        self._connect(Deadline(ANSWER_S))

    def recv(self, timeout_s: float | None = None) -> Event | None:
        """The next event; None at the end. Raises WaitTimeoutError when none came."""
        told = self._next(timeout_s)
        return None if told is None else as_event(told)

    def recv_line(self, timeout_s: float | None = None) -> bytes | None:
        """The same, its payload as it came."""
        told = self._next(timeout_s)
        return None if told is None else told.data

    def _next(self, timeout_s: float | None) -> ServerEvent | None:
        deadline = Deadline(timeout_s)
        while (told := self._far.next()) is None:
            if self._far.ended:
                self.close()
                return None
            try:
                self._far.received(self._receive(deadline))
            except ConnectionLostError:
                self._stack.close()
                if not self._reconnect:
                    raise
                self._come_back(deadline)
        return told

    def _receive(self, deadline: Deadline) -> bytes:
        try:
            data = receive(self._socket, self._answer, deadline, "events")
        except TimeoutError:
            raise deadline.error("no event came") from None
        except OSError as error:
            raise ConnectionLostError(f"the connection to {self._daemon.base} was lost", delivered=True) from error
        if self._answer.done:
            raise ConnectionLostError("the stream of events ended", delivered=True)
        return data

    def _connect(self, deadline: Deadline) -> None:
        self._far.connected()
        request = opened(self._daemon, "GET", self._far.path, b"", deadline, self._far.headers())
        self._socket, self._answer, first = self._stack.enter_context(request)
        self._far.received(first)

    def _come_back(self, deadline: Deadline) -> None:
        schedule = RetrySchedule(monotonic())
        while True:
            now = monotonic()
            if schedule.given_up(now):
                raise gone_for_good(self._daemon.base)
            try:
                self._connect(Deadline(ANSWER_S))
                return
            except (ConnectionLostError, DaemonAbsentError, WaitTimeoutError):
                self._stack.close()
            schedule.failed(now)
            sleep(max(0.0, schedule.next_at - now))
            if deadline.passed:
                raise deadline.error("no event came")

    def close(self) -> None:
        """Ends it."""
        self._far.ended = True
        self._stack.close()
