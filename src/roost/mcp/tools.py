"""The tools: small, typed, with bounded answers. Each is a verb of the asyncio client.

Owns which session a tool may reach: with `only` a single one, and by default never the one that whoever asks runs in,
as a program that types into its own terminal drives itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Literal

from roost.client import AsyncClient
from roost.core.access import DeniedError
from roost.core.plain_text import PlainText
from roost.errors import InvalidError, NoRunError, RoostError, WaitTimeoutError, WrongStateError
from roost.mcp.asking import Asking
from roost.mcp.limits import TEXT_BYTES, capped, limited
from roost.model.sessions import SessionInfo

_MOST_SESSIONS = 100
_SHELLS = frozenset(("bash", "zsh", "fish"))


class Tools:
    """The tools. `asking` tells for whom one works at the moment."""

    def __init__(self, asking: Callable[[], Asking]) -> None:
        self._asking = asking

    @property
    def _client(self) -> AsyncClient:
        return self._asking().client

    async def _find(self, target: str, *, drives: bool = False) -> SessionInfo:
        """The session that is meant. Raises NoRunError for others than the one there is, RoostError for one's own."""
        asking = self._asking()
        info = await asking.client.get(target or asking.only)
        if asking.only and info.id != asking.only:
            raise NoRunError("this server reaches a single session; leave the target out")
        if drives and info.id == asking.own:
            raise RoostError(
                f"session {info.name} is the one that you run in; it does not drive itself. Name another target, or "
                "start the server with --allow-self",
                kind="denied",
            )
        return info

    # --- looking ----------------------------------------------------------------------------------------------------

    async def session_list(self, all: bool = False) -> dict[str, Any]:
        """List sessions: running ones, with `all` exited ones too."""
        only = self._asking().only
        found = [info for info in await self._client.list(all=all) if not only or info.id == only]
        return {"sessions": [_shown(info) for info in found[-_MOST_SESSIONS:]], "count": len(found)}

    async def status(self, target: str = "") -> dict[str, Any]:
        """Look at one session: what it does (starting, working, blocked, idle, done, exited, unknown), why that is
        known, and which approvals it waits for. Without a target it is the latest session."""
        info = await self._find(target)
        why = (await self._client.explain(info.id))["why"]
        pending = await self._client.approvals.list(info.id)
        waits = [{"id": one.id, "tool": one.tool, **limited(one.detail, 1000)} for one in pending]
        return {**_shown(info), "why": why, "end": info.end_offset, "approvals": waits}

    async def read(self, target: str = "", cursor: int | None = None, limit_bytes: int = TEXT_BYTES) -> dict[str, Any]:
        """Read output as plain text: the newest, or from a cursor on. `cursor` of the answer is where to go on;
        `missed_bytes` were gone already."""
        info = await self._find(target)
        limit = max(1, min(limit_bytes, 65536))
        tail = limit if cursor is None else None
        page = await self._client.logs(info.id, from_offset=cursor, tail_bytes=tail, limit_bytes=limit)
        begins_in_middle = cursor is None and page.start_offset > 0  # of a character, or of a sequence for the terminal
        text = _plain(page.data[page.data.find(b"\n") + 1 :] if begins_in_middle else page.data)
        return {"text": text, "cursor": page.next_offset, "end": page.end_offset, "missed_bytes": page.missed}

    async def screen(self, target: str = "") -> dict[str, Any]:
        """See what the terminal shows now, line by line, and where its cursor is."""
        shown = await self._client.screen((await self._find(target)).id)
        place = {"row": shown.cursor.row, "column": shown.cursor.column, "visible": shown.cursor.visible}
        size = {"rows": shown.rows, "cols": shown.cols}
        return {**limited(shown.text), "cursor": place, **size, "hash": shown.hash, "title": shown.title}

    async def wait(
        self,
        conditions: list[str],
        target: str = "",
        cursor: int | None = None,
        all: bool = False,
        timeout_s: float = 30.0,
    ) -> dict[str, Any]:
        """Wait until one condition (with `all` every one) is met: "text=Ready", "regex=...", "screen-text=...",
        "prompt", "command-done", "idle", "idle=2s", "state=idle,done", "exit". Looks from the cursor on, else from
        before the newest input. Answers after 50 s at the latest; not met by then, wait again with the same cursor."""
        info = await self._find(target)
        try:
            waited = await self._client.wait_for(
                info.id, *conditions, all=all, since=cursor, timeout_s=capped(timeout_s)
            )
        except WaitTimeoutError as error:
            return {"met": False, "why": "timeout", "detail": error.message, "cursor": cursor}
        except WrongStateError as error:
            return {"met": False, "why": "exited", "detail": error.message, "cursor": cursor}
        return {"met": True, "matched": [_match(one) for one in waited.matched], "cursor": waited.offset}

    # --- acting -----------------------------------------------------------------------------------------------------

    async def session_start(
        self, command: list[str], name: str = "", cwd: str = "", rows: int = 24, cols: int = 80
    ) -> dict[str, Any]:
        """Start a program in a session of its own, with a terminal; it goes on when you leave."""
        if not command:
            raise InvalidError('give a command, for example ["bash"]')
        options: dict[str, Any] = {"shell": {"integration": True}} if os.path.basename(command[0]) in _SHELLS else {}
        asking = self._asking()
        if asking.only:
            raise DeniedError("this server reaches a single session; it starts no other")
        where = cwd or asking.cwd or None
        env = None if asking.env is None else dict(asking.env)
        session = await asking.client.spawn(
            command, name=name or None, cwd=where, rows=rows, cols=cols, env=env, options=options
        )
        return {**_shown(await session.info()), "cursor": 0}

    async def run(self, command: str, target: str = "", timeout_s: float = 30.0) -> dict[str, Any]:
        """Run a command line in the session's shell and wait for its end: output and exit code. Where the code cannot
        be known it is null and `reason` says why ("timeout": it runs on; read or wait from the cursor)."""
        info = await self._find(target, drives=True)
        done = await self._client.exec(info.id, command, timeout_s=capped(timeout_s), limit_bytes=TEXT_BYTES)
        told = {"exit_code": done.exit_code, "reason": done.reason or None, "explanation": done.explanation or None}
        place = {"start": done.output_offset, "cursor": done.end_offset, "omitted_bytes": done.omitted_bytes}
        return {**told, **place, "text": limited(done.text)["text"], "duration_s": done.duration_s}

    async def send(
        self,
        text: str = "",
        keys: list[str] = [],  # noqa: B006 - it is the schema's default, and never changed
        target: str = "",
        enter: bool = True,
        followup: bool = False,
        key: str = "",
    ) -> dict[str, Any]:
        """Type text and Enter, or text and then keys by name ("C-c", "Up", "Escape"; no Enter by itself then).
        followup: type it when the session is idle. key: the same key is the same input, so that a repeat is harmless.
        Read or wait from the cursor of the answer."""
        info = await self._find(target, drives=True)
        if keys and (followup or key):
            raise InvalidError("followups and repeats are for text; keys are pressed at once")
        if followup or key:
            receipt = await self._client.followup(
                info.id, text, key=key, enter=enter, now=not followup, wait="" if followup else "written", timeout_s=30
            )
            return {"receipt": receipt.id, "state": receipt.state, "cursor": receipt.offset}
        if keys:
            sent = await self._client.keys(info.id, *keys, text=text)
        else:
            sent = await self._client.send(info.id, text, enter=enter, paste=True)
        return {"written": sent.written, "cursor": sent.offset}

    async def signal(self, name: str = "INT", target: str = "") -> dict[str, Any]:
        """Send a signal (INT, TERM, ...) to what runs in front."""
        info = await self._find(target, drives=True)
        return {"signalled": await self._client.signal(info.id, name)}

    async def resize(self, rows: int, cols: int, target: str = "") -> dict[str, Any]:
        """Set the size of the terminal; 0 keeps a side."""
        info = await self._find(target, drives=True)
        now = await self._client.resize(info.id, rows, cols)
        return {"rows": now[0], "cols": now[1]}

    async def approve(
        self, id: str, decision: Literal["approve", "deny"] = "approve", reason: str = ""
    ) -> dict[str, Any]:
        """Answer what a session asked approval for (`status` shows it). An answer counts once."""
        one = await self._client.approvals.get(id)
        asking = self._asking()
        if asking.only and one.session_id != asking.only:
            raise NoRunError("this server reaches a single session, and that was asked by another one")
        if asking.own and one.session_id == asking.own:
            raise RoostError("that was asked by the session that you run in", kind="denied")
        answer = self._client.approvals.approve if decision == "approve" else self._client.approvals.deny
        answered = await answer(id, reason)
        return {"id": answered.id, "state": answered.state, "tool": answered.tool}

    async def stop(self, target: str = "", grace_s: float = 2.0) -> dict[str, Any]:
        """End a session: TERM, then KILL after the grace, down to what left its process group."""
        info = await self._find(target, drives=True)
        [ended] = await self._client.terminate(info.id, grace_s=min(max(grace_s, 0.0), 30.0))
        return dict(ended.to_json())


def _shown(info: SessionInfo) -> dict[str, Any]:
    told = info.activity or {}
    doing = {"activity": told.get("state", "unknown"), "detail": told.get("detail")}
    what = {"command": list(info.argv), "cwd": info.cwd, "exit_code": info.exit_code}
    return {"id": info.id, "name": info.name, "state": info.state, "kind": info.kind, "pid": info.pid, **doing, **what}


def _match(match: Any) -> dict[str, Any]:
    kept = ("condition", "kind", "offset", "end_offset", "line", "exit_code", "code", "state", "row", "column")
    told = {name: match[name] for name in kept if match.get(name) is not None}
    if isinstance(told.get("line"), str):
        told["line"] = limited(told["line"], 1000)["text"]
    return told


def _plain(data: bytes) -> str:
    return PlainText(0).feed(data).text.decode("utf-8", "replace").replace("\r", "")
