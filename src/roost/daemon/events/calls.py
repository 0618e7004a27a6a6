"""Roost's own calls about events: `events.stream`, `events.read`, `events.status`, `history.list`.

Owns their parameters and answers. Ids travel as text (`epoch.seq`), events as lines of JSON in the data.
"""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec

from roost.core.agent_events import MAX_EMIT_BYTES
from roost.core.event_buffer import check_capacity
from roost.core.event_entry import Entry
from roost.core.events import EventFilter, check_categories, chosen, parse_event_id
from roost.daemon.bus import EventBus
from roost.daemon.calls import Calls, Method, Params, Result, caller_pid
from roost.daemon.events.emitters import Emitters
from roost.daemon.events.feed import POLICIES, Feed, FeedSpec
from roost.daemon.events.history import Wish
from roost.daemon.events.log import EventLog
from roost.daemon.events.observer_calls import ObserverStream
from roost.daemon.events.observers import Observers
from roost.daemon.streaming import CallStream, Send, Streaming
from roost.daemon.table import SessionTable
from roost.errors import InvalidError, NoRunError, RoostError

_MOST_READ = 5000


class ChoiceParams(Params, frozen=True):
    """Which events: of one session (a target, "" for the latest live one) or of all without one.

    `session_id` is an exact id, also of a session that was purged.
    """

    target: str | None = None
    session_id: str | None = None
    categories: list[str] | None = None
    types: list[str] | None = None


class StreamParams(ChoiceParams, frozen=True):
    """A stream. `since`: the last id that is known. `until_exit`: it ends with the session's exit."""

    since: str | None = None
    observer: str = ""
    capacity: int = 0
    policy: str = ""
    until_exit: bool = False


class ReadParams(ChoiceParams, frozen=True):
    """A page of the journal behind an id. newest: its end instead of its beginning, if it is longer than a page."""

    since: str = "0.0"
    limit: int = 500
    newest: bool = False


class HistoryParams(Params, frozen=True):
    """Which sessions of the history; times in Unix seconds."""

    target: str = ""
    originator: str = ""
    failed: bool = False
    running: bool = False
    since: float | None = None
    until: float | None = None
    limit: int = 100


class EmitParams(Params, frozen=True):
    """An event of the calling process's session; `session` may say which that is, and is refused if it is not."""

    type: str
    data: dict[str, Any] = {}
    session: str | None = None


class StatusParams(Params, frozen=True):
    """No parameters."""


class EventCalls:
    """Carries them out."""

    def __init__(
        self, log: EventLog, bus: EventBus, emitters: Emitters, table: SessionTable, observers: Observers
    ) -> None:
        self._observers = observers
        self._table = table
        self._log = log
        self._bus = bus
        self._emitters = emitters

    def methods(self) -> dict[str, Method[Any]]:
        """By name."""
        return {
            "events.stream": Method(StreamParams, self._stream),
            "events.read": Method(ReadParams, self._read),
            "events.emit": Method(EmitParams, self._emit),
            "events.status": Method(StatusParams, self._status),
            "history.list": Method(HistoryParams, self._history),
        }

    async def _stream(self, calls: Calls, p: StreamParams, _data: bytes) -> Streaming:
        if p.observer:
            return await self._observed(p)
        session_id, want = await self._chosen(calls, p)
        session = self._table.by_id(session_id) if session_id else None
        policy = p.policy or "journal"
        if policy not in POLICIES:
            raise InvalidError(f"unknown policy {policy!r}; known are {', '.join(POLICIES)}")
        spec = FeedSpec(
            want=want,
            since=None if p.since is None else await self._log.since(parse_event_id(p.since), session_id),
            capacity=check_capacity(p.capacity),
            policy=policy,
            until_exit_of=session_id if session_id and p.until_exit else "",
            over=session_id is not None and (session is None or not session.live),
        )
        feed = Feed(self._log, self._bus, spec)
        return Streaming({"session_id": session_id, "last": _text(self._log.last)}, FeedStream(feed))

    async def _observed(self, p: StreamParams) -> Streaming:
        if p != StreamParams(observer=p.observer, since=p.since):
            raise InvalidError("an observer has a choice, a capacity and a policy of its own; give only since with it")
        observer = await self._observers.find(p.observer)
        since = None if p.since is None else self._log.check_id(parse_event_id(p.since))
        stream = ObserverStream(observer, since)
        return Streaming({"session_id": None, "last": _text(self._log.last)}, stream)

    async def _read(self, calls: Calls, p: ReadParams, _data: bytes) -> Result:
        session_id, want = await self._chosen(calls, p)
        if not 1 <= p.limit <= _MOST_READ:
            raise InvalidError(f"a page of {p.limit} events: give 1 to {_MOST_READ}")
        since = await self._log.since(parse_event_id(p.since), session_id)
        with contextlib.suppress(RoostError):  # what cannot be stored cannot be read either
            await self._log.settle(self._log.last)
        extent, through = self._log.extent, self._log.settled
        start = max(since, extent.trimmed)
        entries, looked = await self._log.journal.read(start, through, want, p.limit, newest=p.newest)
        told = {
            "count": len(entries),
            "next": _text(looked),
            "more": looked < self._log.settled,
            "missing_through": _text(extent.trimmed) if since < extent.trimmed else None,
        }
        return told, joined(entries)

    async def _chosen(self, calls: Calls, p: ChoiceParams) -> tuple[str | None, EventFilter]:
        """The id of the session, if one was named, and the filter. Raises RoostError for what does not exist."""
        check_categories(p.categories or ())
        session_id = p.session_id
        if session_id is None and p.target is not None:
            session_id = await self._find(calls, p.target)
        return session_id, EventFilter(
            categories=chosen("categories", p.categories),
            types=chosen("types", p.types),
            session_ids=None if session_id is None else frozenset({session_id}),
        )

    async def _find(self, calls: Calls, target: str) -> str:
        """The id of a session that is there, or that the history knows by exactly that id."""
        try:
            return calls.service.find(target).id
        except NoRunError:
            known = await self._log.journal.query(Wish(target, limit=2)) if target else []
            if target not in [entry["id"] for entry in known]:
                raise
            return target

    async def _emit(self, _calls: Calls, p: EmitParams, _data: bytes) -> Result:
        pid = caller_pid.get()
        if pid is None:
            raise InvalidError("events can be emitted only by a process of this machine that is known by its pid")
        size = len(msgspec.json.encode(p))
        if size > MAX_EMIT_BYTES:
            raise InvalidError(f"an event of {size} bytes; {MAX_EMIT_BYTES} are the limit")
        session = self._emitters.session_of(pid)
        event = await self._emitters.emit(session, {"type": p.type, "data": p.data, "session": p.session})
        await self._log.settle(event.key)
        return {"id": event.id, "session_id": session.id}, b""

    async def _status(self, _calls: Calls, _p: StatusParams, _data: bytes) -> Result:
        log = self._log
        kept = log.journal.retention
        return {
            "last": _text(log.last),
            "stored_through": _text(log.settled),
            "trimmed_through": _text(log.extent.trimmed),
            "bytes": log.extent.size_bytes,
            "path": log.journal.path,
            "categories": None if kept.categories is None else sorted(kept.categories),
            "age_s": kept.age_s,
            "size_bytes": kept.size_bytes,
            "trouble": log.trouble.message if log.trouble else None,
            "emitted": self._emitters.status(),
        }, b""

    async def _history(self, _calls: Calls, p: HistoryParams, _data: bytes) -> Result:
        if not 1 <= p.limit <= 100_000:
            raise InvalidError(f"{p.limit} sessions: give 1 to 100000")
        with contextlib.suppress(RoostError):
            await self._log.settle(self._log.last)
        wish = Wish(p.target, p.originator, p.failed, p.running, p.since, p.until, p.limit)
        found = await self._log.journal.query(wish)
        if p.target and not found and not await self._log.journal.query(Wish(p.target, limit=1)):
            raise NoRunError(f"no session in the history is called {p.target!r}; `roost history` lists them")
        return {"sessions": found}, b""


class FeedStream(CallStream):
    """A feed on a connection."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def run(self, send: Send) -> None:
        """Send what comes."""
        while entries := await self._feed.next():
            await send({"count": len(entries), "missed": self._feed.missed}, joined(entries))
        if self._feed.ended:
            await send({"end": True}, b"")

    def on_call(self, method: str, params: bytes) -> None:
        """There is nothing to say."""
        raise InvalidError(f"a stream without an observer takes no {method!r}")

    def close(self) -> None:
        """Over."""
        self._feed.close()


def joined(entries: list[Entry]) -> bytes:
    """The events as lines."""
    return b"".join([b"%s\n" % entry.line for entry in entries])


def _text(key: tuple[int, int]) -> str:
    return f"{key[0]}.{key[1]}"
