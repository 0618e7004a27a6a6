"""Roost's own calls about waiting: `wait.anchor`, `wait.for`, `wait.output`. Owns their parameters and answers."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from roost.core.wait_conditions import parse_conditions
from roost.daemon import views
from roost.daemon.calls import Calls, Method, Params, Result, TargetParams, check_duration
from roost.daemon.session import Session
from roost.daemon.tap import Tap
from roost.daemon.waiting.anchor import Anchor, anchor_of, check_anchor
from roost.daemon.waiting.wait import WaitOptions, WaitResult, Waits
from roost.errors import InvalidError

#: A piece of output that is waited for, at most.
MAX_PIECE_BYTES = 1 << 20


class WaitForParams(Params, frozen=True):
    """What to wait for; see `roost.core.wait_conditions` and `roost.daemon.waiting.wait.WaitOptions`.

    anchor: what `wait.anchor` has answered, so that the wait is the same one when it is asked again.
    """

    conditions: list[str]
    target: str = ""
    all: bool = False
    timeout_s: float | None = None
    since: int | None = None
    stream: str = "stdout"
    anchor: Anchor | None = None


class OutputParams(Params, frozen=True):
    """Output from an offset on, as soon as there is any."""

    target: str = ""
    from_offset: int = 0
    stream: str = "stdout"
    limit_bytes: int = 1 << 16
    timeout_s: float | None = None


def wait_methods(waits: Waits) -> dict[str, Method[Any]]:
    """By name."""

    async def anchor(calls: Calls, p: TargetParams, _data: bytes) -> Result:
        session = calls.service.find(p.target)
        at = msgspec.to_builtins(anchor_of(session, waits.bus))
        return {"session_id": session.id, "name": session.record.name, "anchor": at}, b""

    async def wait_for(calls: Calls, p: WaitForParams, _data: bytes) -> Result:
        session = calls.service.find(p.target)
        if p.since is not None and p.since < 0:
            raise InvalidError(f"since is an offset, not {p.since}")
        check_anchor(p.anchor)
        timeout_s = _timeout(p.timeout_s) if p.anchor is None else p.anchor.left_of(_timeout(p.timeout_s))
        options = WaitOptions(p.all, timeout_s, p.since, p.stream, p.anchor)
        result = await waits.wait_for(session, parse_conditions(p.conditions), options)
        return _answer(session, p, result), b""

    async def wait_output(calls: Calls, p: OutputParams, _data: bytes) -> Result:
        session = calls.service.find(p.target)
        if not 1 <= p.limit_bytes <= MAX_PIECE_BYTES or p.from_offset < 0:
            raise InvalidError(f"a piece has 1 to {MAX_PIECE_BYTES} bytes, from an offset of 0 or more")
        await _until_output(waits, session, p)
        piece = calls.service.read(session, p.stream, from_offset=p.from_offset, limit_bytes=p.limit_bytes)
        until = piece.exit_offset if piece.exit_offset is not None else piece.end_offset
        return {
            "session_id": session.id,
            "start_offset": piece.start_offset,
            "next_offset": piece.next_offset,
            "end_offset": piece.end_offset,
            "missed": piece.missed,
            "ended": piece.closed or (not session.live and piece.next_offset >= until),
            "exit": None if session.live else views.exit_status(session),
        }, piece.data

    return {
        "wait.anchor": Method(TargetParams, anchor),
        "wait.for": Method(WaitForParams, wait_for),
        "wait.output": Method(OutputParams, wait_output),
    }


def _answer(session: Session, p: WaitForParams, result: WaitResult) -> dict[str, Any]:
    hint = ""
    marks = session.shell is not None and session.shell.seen
    if result.why and not marks and any(text in ("prompt", "command-done") for text in p.conditions):
        hint = "its shell has marked no prompt; start it with --shell-integration"
    return {
        "session_id": session.id,
        "name": session.record.name,
        "matched": result.matched,
        "why": result.why,
        "hint": hint,
        "offset": result.offset,
        "missed": result.missed,
        "exit": None if session.live else views.exit_status(session),
    }


def _timeout(timeout_s: float | None) -> float | None:
    return None if timeout_s is None else check_duration(timeout_s)


async def _until_output(waits: Waits, session: Session, p: OutputParams) -> None:
    """Return when there is output behind the offset, or none will come any more, or the time is over."""
    stream = session.stream(p.stream)
    ring = stream.ring

    def over() -> bool:
        return ring.end > p.from_offset or ring.closed or not session.live

    if over():
        return
    done: asyncio.Future[None] = waits.loop.create_future()

    def finish(*_: object) -> None:
        if not done.done():
            done.set_result(None)

    tap = Tap(stream, ring.end, finish, finish)
    tap.open()
    session.when_exited.append(finish)
    try:
        async with asyncio.timeout(_timeout(p.timeout_s)):
            await done
    except TimeoutError:
        pass
    finally:
        tap.close()
        session.when_exited.remove(finish)
