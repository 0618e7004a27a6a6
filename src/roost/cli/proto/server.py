"""The conversation of `roost proto`: every request has one answer with its id, events come in between.

Owns the order: `ready` first; what types goes one after the other, everything else side by side. Ends with stdin, once
what is under way is answered (waits are given up), or with the session.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from roost.cli.proto.stdio import Input, Output
from roost.client import AsyncClient, AsyncSession
from roost.core.plain_text import PlainText
from roost.core.proto_requests import (
    MAX_LINE_BYTES,
    MAX_TRANSCRIPT_LINES,
    BadRequestError,
    Lines,
    ProtoRequest,
    decode_request,
)
from roost.errors import InvalidError, NoRunError, RoostError
from roost.version import __version__

#: Requests under way at once.
MOST_REQUESTS = 64
_TRANSCRIPT_LINES = 100
_TRANSCRIPT_BYTES = 256 * 1024

Serve = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]


class ProtoServer:
    """One conversation about one session."""

    def __init__(self, client: AsyncClient, session: AsyncSession, source: Input, sink: Output) -> None:
        self._client = client
        self._session = session
        self._source = source
        self._sink = sink
        self._typing = asyncio.Lock()
        self._running: dict[asyncio.Task[None], str] = {}
        self._serve: dict[str, Serve] = {
            "send": self._send,
            "followup": self._followup,
            "resume": self._resume,
            "interrupt": self._interrupt,
            "transcript": self._transcript,
            "keys": self._keys,
            "screen": self._screen,
            "wait": self._wait,
            "resize": self._resize,
        }

    async def run(self) -> None:
        """Converse until stdin ends or the session does. Raises OSError when nobody reads any more."""
        info = await self._session.info()
        who = {"id": info.id, "name": info.name, "kind": info.kind, "pid": info.pid, "state": info.state}
        await self._say({"type": "ready", "version": __version__, "session": who})
        async with asyncio.TaskGroup() as tasks:
            events = tasks.create_task(self._tell_events(), name="events")
            requests = tasks.create_task(self._take_requests(tasks), name="requests")
            await asyncio.wait((events, requests), return_when=asyncio.FIRST_COMPLETED)
            if requests.done():
                reason = "stdin ended"
                await self._finish(lambda kind: kind in ("wait", "followup"))
            else:
                reason = "the session has ended"
                requests.cancel()
                await self._finish(lambda _kind: False)
            events.cancel()
        await self._say({"type": "end", "reason": reason})

    async def _finish(self, give_up: Callable[[str], bool]) -> None:
        """Let every request that is under way have its answer; some only that they are given up."""
        for task, kind in list(self._running.items()):
            if give_up(kind):
                task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    async def _say(self, told: Mapping[str, Any]) -> None:
        line = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
        if len(line) > MAX_LINE_BYTES:
            short = {"type": "error", "id": told.get("id"), "kind": "too_large", "error": "the answer is too large"}
            line = json.dumps(short).encode() + b"\n"
        await self._sink.write(line)

    async def _tell_events(self) -> None:
        async for event in self._client.events(self._session.id):
            await self._say({"type": "event", "event": event.as_dict()})

    # --- requests -------------------------------------------------------------------------------------------------

    async def _take_requests(self, tasks: asyncio.TaskGroup) -> None:
        lines = Lines()
        while data := await self._source.read():
            for line in lines.feed(data):
                await self._take(line, tasks)
        for line in lines.end():
            await self._take(line, tasks)

    async def _take(self, line: bytes | None, tasks: asyncio.TaskGroup) -> None:
        if line is not None and not line.strip():
            return
        try:
            request = decode_request(line)
            if len(self._running) >= MOST_REQUESTS:
                raise BadRequestError(f"{MOST_REQUESTS} requests are under way, which is the limit", request.id)
        except BadRequestError as error:
            await self._say({"type": "error", "id": error.id, "kind": error.kind, "error": error.message})
            return
        task = tasks.create_task(self._answer(request), name=request.type)
        self._running[task] = request.type
        task.add_done_callback(lambda done: self._running.pop(done, None))

    async def _answer(self, request: ProtoRequest) -> None:
        try:
            told = {"type": "ack", "id": request.id, **await self._serve[request.type](request.given)}
        except RoostError as error:
            told = {"type": "error", "id": request.id, "kind": error.kind, "error": error.message}
        except asyncio.CancelledError:
            told = {"type": "error", "id": request.id, "kind": "cancelled", "error": "stdin has ended"}
        await self._say(told)

    async def _send(self, given: Mapping[str, Any]) -> dict[str, Any]:
        enter, paste = given.get("enter", True), given.get("paste", True)
        async with self._typing:
            if given.get("key"):
                id, key = self._session.id, given["key"]
                receipt = await self._client.followup(
                    id, given["text"], key=key, enter=enter, paste=paste, now=True, wait="written", timeout_s=30.0
                )
                return {"receipt": receipt.to_json(), "offset": receipt.offset}
            sent = await self._session.send(given["text"], enter=enter, paste=paste)
        return {"written": sent.written, "offset": sent.offset}

    async def _followup(self, given: Mapping[str, Any]) -> dict[str, Any]:
        receipt = await self._client.followup(
            self._session.id,
            given["text"],
            key=given.get("key", ""),
            enter=given.get("enter", True),
            wait=given.get("wait", ""),
            timeout_s=given.get("timeout_s"),
        )
        return {"receipt": receipt.to_json()}

    async def _keys(self, given: Mapping[str, Any]) -> dict[str, Any]:
        async with self._typing:
            sent = await self._client.keys(self._session.id, *given.get("keys", ()), text=given.get("text", ""))
        return {"written": sent.written, "offset": sent.offset, "inexact": list(sent.inexact)}

    async def _interrupt(self, _given: Mapping[str, Any]) -> dict[str, Any]:
        return {"signalled": await self._session.signal("INT")}

    async def _resume(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Answer what this session asked for first; of that tool, where one is named."""
        tool, approvals = given.get("tool_name"), self._client.approvals
        waiting = [one for one in await approvals.list(self._session.id) if tool in (None, one.tool)]
        if not waiting:
            raise NoRunError(f"nothing{f' about {tool}' if tool else ''} waits for approval in this session")
        answer = approvals.approve if given["decision"] == "approve" else approvals.deny
        return {"approval": (await answer(waiting[0].id, given.get("reason", ""))).to_json()}

    async def _transcript(self, given: Mapping[str, Any]) -> dict[str, Any]:
        limit = given.get("limit", _TRANSCRIPT_LINES)
        if limit > MAX_TRANSCRIPT_LINES:
            raise InvalidError(f"{limit} lines; {MAX_TRANSCRIPT_LINES} are the limit")
        page = await self._session.logs(tail_bytes=_TRANSCRIPT_BYTES, limit_bytes=_TRANSCRIPT_BYTES)
        text = PlainText(0).feed(page.data).text.decode("utf-8", "replace").replace("\r", "")
        lines = text.rstrip("\n").split("\n") if text.strip() else []
        kept = lines[-limit:] if limit else []
        return {"type": "transcript", "lines": kept, "omitted": len(lines) - len(kept), "offset": page.next_offset}

    async def _screen(self, given: Mapping[str, Any]) -> dict[str, Any]:
        screen = await self._session.screen(lines=given.get("lines", 0), if_changed=given.get("if_changed"))
        return {"type": "screen", "screen": screen.to_json()}

    async def _wait(self, given: Mapping[str, Any]) -> dict[str, Any]:
        every, since, timeout_s = given.get("all", False), given.get("since"), given.get("timeout_s")
        waited = await self._session.wait_for(*given["for"], all=every, since=since, timeout_s=timeout_s)
        return {"type": "wait", "wait": waited.to_json()}

    async def _resize(self, given: Mapping[str, Any]) -> dict[str, Any]:
        rows, cols = await self._session.resize(given["rows"], given["cols"])
        return {"rows": rows, "cols": cols}
