"""Roost's calls about observers, and the stream that delivers what one has buffered.

Owns the window of what is on its way: an event counts as delivered when the client has confirmed it (`events.ack`), or
says at the next connection that it has it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from roost.core.event_buffer import Key
from roost.core.events import parse_event_id
from roost.daemon.calls import Calls, Method, Params, Result
from roost.daemon.events.feed import FRAME_BYTES, FRAME_EVENTS, told_of
from roost.daemon.events.observers import Observer, Observers, ObserverSpec
from roost.daemon.streaming import CallStream, Send
from roost.errors import InvalidError

#: Events that may be on their way without being confirmed.
WINDOW = 4 * FRAME_EVENTS


class AddParams(Params, frozen=True):
    """An observer to register; without categories it sees all, capacity 0 is the default."""

    target: str = ""
    categories: list[str] | None = None
    capacity: int = 0
    policy: str = "drop_oldest"


class RemoveParams(Params, frozen=True):
    """The observer to remove."""

    id: str


class ListParams(Params, frozen=True):
    """Whose observers; those of all sessions without a target."""

    target: str | None = None


class _Ack(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    through: str


class ObserverCalls:
    """`observers.add`, `observers.remove`, `observers.list`."""

    def __init__(self, observers: Observers) -> None:
        self._observers = observers

    def methods(self) -> dict[str, Method[Any]]:
        """By name."""
        return {
            "observers.add": Method(AddParams, self._add),
            "observers.remove": Method(RemoveParams, self._remove),
            "observers.list": Method(ListParams, self._list),
        }

    async def _add(self, calls: Calls, p: AddParams, _data: bytes) -> Result:
        spec = ObserverSpec.checked(p.categories, p.capacity, p.policy)
        return self._observers.add(calls.service.find(p.target), spec).told(), b""

    async def _remove(self, _calls: Calls, p: RemoveParams, _data: bytes) -> Result:
        observer = await self._observers.find(p.id)
        self._observers.remove(observer)
        return observer.told(), b""

    async def _list(self, calls: Calls, p: ListParams, _data: bytes) -> Result:
        chosen = list(self._observers) if p.target is None else self._observers.of(calls.service.find(p.target).id)
        for observer in chosen:
            await self._observers.find(observer.record.id)
        return {"observers": [observer.told() for observer in chosen]}, b""


class ObserverStream(CallStream):
    """Delivers an observer's events on a connection. The last one that reads is the one that reads on."""

    def __init__(self, observer: Observer, since: Key | None) -> None:
        """`since`: what the client has already. Whoever else reads this observer is ended."""
        if observer.reader is not None:
            observer.reader()
        self._observer = observer
        self._replaced = False
        self._closed = False
        self._last: Key = (0, 0)
        observer.reader = self._replace
        observer.disconnected = False
        if since is not None:
            observer.confirm(since)
        if observer.buffer.hand_out_again():
            observer.store()

    async def run(self, send: Send) -> None:
        """Send what is buffered and what comes."""
        observer = self._observer
        while not self._closed and not self._replaced:
            notices, observer.notices = observer.notices, []
            room = WINDOW - (observer.buffer.buffered - observer.buffer.waiting)
            entries = told_of(observer.buffer.take(min(FRAME_EVENTS, room), FRAME_BYTES)) if room > 0 else []
            if entries:
                self._last = entries[-1].key
                await observer.stored()  # the next daemon must not count as missed what somebody has
            if entries or notices:
                told = {"count": len(entries), "missed": observer.buffer.missed}
                await send(told, b"".join([b"%s\n" % entry.line for entry in (*notices, *entries)]))
                continue
            observer.more.clear()
            await observer.more.wait()
        if self._replaced:
            await send({"end": True, "why": "replaced"}, b"")

    def on_call(self, method: str, params: bytes) -> None:
        """The client confirms what it has taken. Raises InvalidError."""
        if method != "events.ack":
            raise InvalidError(f"an observer's stream takes no {method!r}")
        try:
            through = parse_event_id(msgspec.json.decode(params, type=_Ack).through)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise InvalidError(f"events.ack: {error}") from error
        self._observer.confirm(min(through, self._last))
        self._observer.more.set()

    def _replace(self) -> None:
        """Somebody else reads this observer now, or it was removed."""
        self._replaced = True
        self._observer.reader = None
        self._observer.more.set()

    def close(self) -> None:
        """The connection is gone; what was not confirmed is delivered again."""
        if self._closed:
            return
        self._closed = True
        if self._observer.reader == self._replace:
            self._observer.reader = None
            self._observer.disconnected = True
        self._observer.more.set()
