"""The stream of events over HTTP: server-sent events with ids, resumable, with every hole told.

`GET /v1/events`. Owns the stream of one client; the events are the ring's, older ones the journal's.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import msgspec

from roost.core.event_buffer import Key
from roost.core.event_choice import check_types
from roost.core.event_entry import Entry
from roost.core.events import CATEGORIES, GAP, Event, EventFilter, check_categories, parse_event_id
from roost.core.sse import HEARTBEAT
from roost.daemon.events.log import EventLog, gap_data
from roost.daemon.http import asgi
from roost.daemon.http.caller import Caller
from roost.daemon.http.describe import answers, query_parameter
from roost.daemon.http.event_ring import EventRing, encode
from roost.daemon.http.output import EVENTS, HEARTBEAT_S
from roost.daemon.http.routes import Route, Scope
from roost.errors import InvalidError, RoostError

if TYPE_CHECKING:
    from roost.daemon.http.world import World

#: Clients of the stream at once.
MOST_CLIENTS = 400
#: How soon browsers come back.
RETRY = b"retry: 1000\n\n"
#: Events read from the journal at once.
_PAGE = 500


class EventsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which events, and from which id on."""

    since: str = ""
    categories: str = ""
    types: str = ""
    session: str = ""
    heartbeat_s: float = HEARTBEAT_S


def routes(world: World) -> list[Route]:
    """One."""
    log: EventLog = world.shared["journal"]
    ring = EventRing(world.context.loop, world.context.bus, log)

    async def serve(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        caller.require("read")
        if ring.clients >= MOST_CLIENTS:
            raise RoostError(f"{MOST_CLIENTS} clients watch events, which is the limit; try later", kind="exhausted")
        texts = {name: found[-1] for name, found in asgi.query(scope).items()}
        query = asgi.convert(texts, EventsQuery, strict=False)
        if not 0.05 <= query.heartbeat_s <= 3600:
            raise InvalidError(f"heartbeat_s is {query.heartbeat_s}; it goes from 0.05 to 3600")
        want = _want(world, caller, query)
        since = asgi.header(scope, b"last-event-id") or query.since
        after = parse_event_id(since) if since else None
        if after is not None and after > log.last:
            raise InvalidError(f"event {since} has not happened yet; ids come from this daemon")
        if after is not None and want.session_ids and len(want.session_ids) == 1:
            after = await log.since(after, *want.session_ids)
        await asgi.read_body({"headers": []}, receive)
        await _serve(world, _Client(world, ring, log, want, query.heartbeat_s), after, receive, send)

    return [Route("GET", "/v1/events", serve, described=_described())]


def _want(world: World, caller: Caller, query: EventsQuery) -> EventFilter:
    sessions = frozenset((caller.only,)) if caller.only else None
    if query.session:
        sessions = frozenset((caller.find(world.service, query.session).id,))
    return EventFilter(
        check_categories(query.categories.split(",")) if query.categories else None,
        check_types(query.types.split(",")) if query.types else None,
        sessions,
    )


async def _serve(world: World, client: _Client, after: Key | None, receive: Any, send: Any) -> None:
    client.ring.join()
    world.counters.event_clients += 1
    wish = world.context.bus.wish(client.want)
    try:
        await asgi.begin(send, EVENTS)
        await asgi.unless_gone(receive, client.stream(after, send))
    except asgi.ClientGoneError:
        return
    finally:
        wish.close()
        client.ring.leave()
        world.counters.event_clients -= 1


class _Client:
    """One reader: in the ring as long as it keeps up, else in the journal until it has."""

    def __init__(self, world: World, ring: EventRing, log: EventLog, want: EventFilter, heartbeat_s: float) -> None:
        self._world = world
        self.ring = ring
        self._log = log
        self.want = want
        self._heartbeat_s = heartbeat_s
        self._at: Key = log.settled  # the last event it was given or passed

    async def stream(self, after: Key | None, send: Any) -> None:
        """Send what comes, from an id on (None: from now on), until cancelled."""
        self._at = after or self._log.settled
        place = self.ring.place_after(after) if after else self.ring.end
        # Who is cut off before the first event has an id, too.
        await asgi.more(send, b"id: %d.%d\n" % self._at + RETRY)
        if after and place is None:
            await asgi.more(send, self._not_kept(after))
        while True:
            if place is None or self.ring.lapped(place):
                place = await self._catch_up(send)
                continue
            if place >= self.ring.end:
                await self._wait(place, send)
                continue
            batch = self.ring.batch(place, self.want)
            place, self._at = batch.place, batch.key or self._at
            if batch.body:
                self._world.counters.events_sent += batch.count
                await asgi.more(send, batch.body)

    def _not_kept(self, after: Key) -> bytes:
        """Tells of each category that the journal does not keep: what was of it is gone."""
        retention, settled = self._log.journal.retention, self._log.settled
        missing = [name for name in sorted(self.want.categories or CATEGORIES) if not retention.keeps(name)]
        return b"".join([_gap("not_kept", after, settled, name, after) for name in missing])

    async def _wait(self, place: int, send: Any) -> None:
        try:
            async with asyncio.timeout(self._heartbeat_s):
                await self.ring.wait(place)
        except TimeoutError:
            await asgi.more(send, HEARTBEAT)

    async def _catch_up(self, send: Any) -> int | None:
        """Send a page of the journal; the place in the ring behind it, None while there is none."""
        trimmed = self._log.extent.trimmed
        if self._at < trimmed:
            await asgi.more(send, _gap("trimmed", self._at, trimmed))
            self._at = trimmed
        found, self._at = await self._log.journal.read(self._at, self._log.settled, self.want, _PAGE)
        if found:
            self._world.counters.events_sent += len(found)
            await asgi.more(send, b"".join([encode(entry) for entry in found]))
        return self.ring.place_after(self._at)


def _gap(reason: str, after: Key, through: Key, category: str | None = None, go_on: Key | None = None) -> bytes:
    """Says that the events in (after, through] are missing; the id is where to go on from."""
    epoch, seq = go_on or through
    data = gap_data(reason, after, through, None, category)
    return encode(Entry.of(Event(epoch, seq, time.time(), "lifecycle", GAP, data=data)))


def _described() -> dict[str, Any]:
    components: dict[str, Any] = {}
    text = {"type": "string"}
    return {
        "operationId": "get_events",
        "summary": "Events as they happen (server-sent events)",
        "description": "Each has an id `epoch.seq`; come back with `Last-Event-ID` or `since` and nothing is repeated. "
        "What is missing is told by an event `gap`. Comments are heartbeats.",
        "tags": ["events"],
        "x-roost-scope": "read",
        "parameters": [
            query_parameter(
                "since", {**text, "pattern": r"^[0-9]{1,18}\.[0-9]{1,18}$"}, "Only what came after this id"
            ),
            query_parameter("categories", text, f"Of these, with commas between: {', '.join(CATEGORIES)}"),
            query_parameter("types", text, "Of these types, with commas between (docs/events.md)"),
            query_parameter("session", text, "Of this session only"),
            query_parameter(
                "heartbeat_s", {"type": "number", "minimum": 0.05, "maximum": 3600}, "How often, in silence"
            ),
        ],
        "responses": answers({200: ("Events", {EVENTS: {"schema": text}})}, components),
        "components": components,
    }
