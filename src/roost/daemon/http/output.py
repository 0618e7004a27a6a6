"""Output over HTTP: a range of what is retained, or what follows for as long as it comes.

`GET /v1/sessions/{target}/output`. Offsets are absolute, in bytes since the start of the stream, also those of a Range
header. Nothing is left out silently: a range says how much of what was asked for is gone; a raw stream that would
have a hole ends in the middle instead (the client asks again from where it was and is told); a stream of events says
`gap`.
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import msgspec

from roost.core.byte_range import RangeError, content_range, parse_range
from roost.core.cursor import place
from roost.core.sse import HEARTBEAT, encode_event
from roost.daemon.http import asgi
from roost.daemon.http.caller import Caller
from roost.daemon.http.describe import answers, path_parameter, query_parameter
from roost.daemon.http.routes import Route, Scope
from roost.daemon.session import Session
from roost.daemon.tap import Tap
from roost.daemon.views import exit_status
from roost.errors import InvalidError, RoostError

if TYPE_CHECKING:
    from roost.daemon.http.world import World

PATH = "/v1/sessions/{target}/output"
EVENTS = "text/event-stream"
#: One range at most.
MOST_RANGE_BYTES = 4 << 20
DEFAULT_BYTES = 1 << 20
#: What a follower that does not read may have waiting in here, before the ring has to.
MOST_WAITING_BYTES = 256 * 1024
HEARTBEAT_S = 15.0
_OFFSET = {"type": "integer", "minimum": 0}


class OutputQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which output, from where, and how much. With `follow` it goes on; `lossless`: the program waits for us."""

    stream: str = "stdout"
    from_offset: int | None = None
    tail_bytes: int | None = None
    limit_bytes: int | None = None
    follow: bool = False
    lossless: bool = False


class BrokenStreamError(RoostError):
    """Bytes are gone that a raw stream cannot tell of: the answer ends in the middle."""


def routes(world: World) -> list[Route]:
    """One."""

    async def serve(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        caller.require("read")
        session = caller.find(world.service, values["target"])
        wanted = _wanted(scope)
        if wanted.lossless:
            caller.require("type")
        if not wanted.follow:
            await _range(world, session, wanted, _asked_range(scope, session, wanted), send)
            return
        as_events = EVENTS in asgi.header(scope, b"accept")
        await _follow(world, session, wanted, receive, send, as_events=as_events)

    return [Route("GET", PATH, serve, described=_described())]


def _wanted(scope: Scope) -> OutputQuery:
    texts = {name: found[-1] for name, found in asgi.query(scope).items()}
    wanted = asgi.convert(texts, OutputQuery, strict=False)
    last_id = asgi.header(scope, b"last-event-id")
    if wanted.follow and last_id.isascii() and last_id.isdigit():
        wanted.from_offset, wanted.tail_bytes = int(last_id), None
    for name in ("from_offset", "tail_bytes", "limit_bytes"):
        value = getattr(wanted, name)
        if value is not None and not 0 <= value < 1 << 63:
            raise InvalidError(f"{name} is {value}; offsets and lengths count bytes from 0 on")
    if wanted.from_offset is not None and wanted.tail_bytes is not None:
        raise InvalidError("give from_offset or tail_bytes, not both")
    return wanted


def _asked_range(scope: Scope, session: Session, wanted: OutputQuery) -> int | None:
    """Turn a Range header into an offset to read from, and the one to stop before; None without such a header.

    Raises RangeError for what there is nothing of.
    """
    if asgi.header(scope, b"if-range"):  # there is nothing that it could match: then a Range does not count
        return None
    ring = session.stream(wanted.stream).ring
    asked = parse_range(asgi.header(scope, b"range"), ring.end)
    if asked is None:
        return None
    if wanted.from_offset is not None or wanted.tail_bytes is not None:
        raise InvalidError("give a Range header or offsets in the query, not both")
    wanted.from_offset, stop = asked.within(ring.end)
    wanted.limit_bytes = min(wanted.limit_bytes or MOST_RANGE_BYTES, stop - wanted.from_offset)
    return stop


async def _range(world: World, session: Session, wanted: OutputQuery, stop: int | None, send: Any) -> None:
    piece = world.service.read(
        session,
        wanted.stream,
        from_offset=wanted.from_offset,
        tail_bytes=wanted.tail_bytes,
        limit_bytes=min(DEFAULT_BYTES if wanted.limit_bytes is None else wanted.limit_bytes, MOST_RANGE_BYTES),
    )
    data = piece.data if stop is None else piece.data[: max(0, stop - piece.start_offset)]
    next_offset = piece.start_offset + len(data)
    headers = {
        "Roost-Session": session.id,
        "Roost-Start-Offset": str(piece.start_offset),
        "Roost-Next-Offset": str(next_offset),
        "Roost-End-Offset": str(piece.end_offset),
        "Roost-Missed-Bytes": str(piece.missed),
        "Roost-State": "running" if session.live else "exited",
        "Accept-Ranges": "bytes",
    }
    if piece.exit_offset is not None:
        headers["Roost-Exit-Offset"] = str(piece.exit_offset)
    if stop is not None:
        if not data:
            begin = piece.start_offset
            raise RangeError(f"these bytes are not retained any more; the output begins at offset {begin}", begin)
        length = piece.end_offset if piece.closed else None
        headers["Content-Range"] = content_range(piece.start_offset, next_offset, length)
    world.counters.output_bytes += len(data)
    await asgi.send_bytes(send, data, asgi.BYTES, 200 if stop is None else 206, headers)


async def _follow(
    world: World, session: Session, wanted: OutputQuery, receive: Any, send: Any, *, as_events: bool
) -> None:
    stream = session.stream(wanted.stream)
    ring = stream.ring
    placed = place(ring.start, ring.end, from_offset=wanted.from_offset, tail_bytes=wanted.tail_bytes)
    start = placed.offset if as_events else placed.next_offset
    follower = _Follower(session, wanted, start)
    headers = {"Roost-Session": session.id, "Roost-Start-Offset": str(start)}
    if not as_events:
        headers["Roost-Missed-Bytes"] = str(placed.next_offset - placed.offset)
    await asgi.read_body({"headers": []}, receive)
    follower.tap.open()
    try:
        await asgi.begin(send, EVENTS if as_events else asgi.BYTES, headers)
        await asgi.unless_gone(receive, _copy(world, follower, send, as_events=as_events))
    except asgi.ClientGoneError:
        return
    finally:
        follower.tap.close()
    await asgi.end(send)


class _Follower:
    """What a tap gives, until it is sent."""

    def __init__(self, session: Session, wanted: OutputQuery, start: int) -> None:
        self.session = session
        self.waiting: list[tuple[int, bytes, int]] = []  # offset, bytes, end of a gap (0: none)
        self.size = 0
        self.more = asyncio.Event()
        self.at = start
        self.tap = Tap(session.stream(wanted.stream), start, self._on_data, self._on_gap, lossless=wanted.lossless)

    def _on_data(self, offset: int, data: bytes) -> bool:
        self.waiting.append((offset, data, 0))
        self.size += len(data)
        self.more.set()
        return self.size < MOST_WAITING_BYTES

    def _on_gap(self, start: int, end: int) -> None:
        self.waiting.append((start, b"", end))
        self.more.set()

    def take(self) -> list[tuple[int, bytes, int]]:
        taken, self.waiting, self.size = self.waiting, [], 0
        self.more.clear()
        self.tap.resume()
        return taken

    @property
    def ended(self) -> bool:
        """Whether everything up to the exit was taken."""
        end = self.tap.stream.ring.exit_offset
        return not self.session.live and not self.waiting and (end is None or self.at >= end)


async def _copy(world: World, follower: _Follower, send: Any, *, as_events: bool) -> None:
    exited = follower.session.exited
    async with asyncio.TaskGroup() as group:
        waiter = group.create_task(_wake_at_exit(exited, follower.more))
        while not follower.ended:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await follower.more.wait()
            except TimeoutError:
                if as_events:
                    await asgi.more(send, HEARTBEAT)
                continue
            taken = follower.take()
            body = _events(taken) if as_events else _bytes(taken)
            if taken:
                offset, data, gap_end = taken[-1]
                follower.at = gap_end or offset + len(data)
            if body:
                world.counters.output_bytes += len(body)
                await asgi.more(send, body)
            if not follower.session.live and follower.tap.stream.ring.exit_offset is None:
                break
        waiter.cancel()
    if as_events and not follower.session.live:
        status = msgspec.json.encode(exit_status(follower.session))
        await asgi.more(send, encode_event("exited", status, str(follower.at)))


async def _wake_at_exit(exited: asyncio.Event, more: asyncio.Event) -> None:
    await exited.wait()
    more.set()


def _bytes(taken: list[tuple[int, bytes, int]]) -> bytes:
    """The bytes of a raw stream. Raises BrokenStreamError at a gap."""
    for offset, _, gap_end in taken:
        if gap_end:
            raise BrokenStreamError(f"{gap_end - offset} bytes from offset {offset} on were overwritten")
    return b"".join([data for _, data, _ in taken])


def _events(taken: list[tuple[int, bytes, int]]) -> bytes:
    """The same as events; the id of each is the offset to go on from."""
    parts = []
    for offset, data, gap_end in taken:
        if gap_end:
            parts.append(encode_event("gap", b'{"from":%d,"to":%d}' % (offset, gap_end), str(gap_end)))
        else:
            body = b'{"offset":%d,"data":"%b"}' % (offset, base64.b64encode(data))
            parts.append(encode_event("output", body, str(offset + len(data))))
    return b"".join(parts)


def _described() -> dict[str, Any]:
    components: dict[str, Any] = {}
    raw = {"schema": {"type": "string", "format": "binary"}}
    return {
        "operationId": "get_sessions_target_output",
        "summary": "Output: a range of what is retained, or what follows",
        "description": "Without `follow`: bytes from an offset, with `Roost-Start-Offset`, `Roost-Next-Offset`, "
        "`Roost-End-Offset`, `Roost-Missed-Bytes` and, after the exit, `Roost-Exit-Offset`. With `follow`: raw bytes "
        "until the exit (an answer that ends in the middle means that bytes were lost: ask again), or, with `Accept: "
        "text/event-stream`, events `output`, `gap` and `exited` whose id is the offset to go on from. A Range header "
        "counts absolute offsets: `bytes=1000-1999`, `bytes=1000-`, `bytes=-500`.",
        "tags": ["sessions"],
        "x-roost-scope": "read",
        "parameters": [
            path_parameter("target"),
            query_parameter("stream", {"type": "string", "enum": ["stdout", "stderr"]}, "Pipe sessions have two"),
            query_parameter("from_offset", _OFFSET, "Absolute offset; without it all that is retained"),
            query_parameter("tail_bytes", _OFFSET, "So many bytes before the end instead"),
            query_parameter("limit_bytes", _OFFSET, f"At most so many (up to {MOST_RANGE_BYTES})"),
            query_parameter("follow", {"type": "boolean"}, "Go on with what follows"),
            query_parameter("lossless", {"type": "boolean"}, "The program waits for this reader (needs scope type)"),
        ],
        "responses": answers(
            {
                200: ("Output", {asgi.BYTES: raw, EVENTS: {"schema": {"type": "string"}}}),
                206: ("What a Range header asked for, as far as it is retained", {asgi.BYTES: raw}),
            },
            components,
        ),
        "components": components,
    }
