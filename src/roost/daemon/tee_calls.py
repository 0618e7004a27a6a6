"""Roost's own calls about tees: `tees.add`, `tees.list`, `tees.remove`.

Owns their parameters and answers; the work is the service's. A path travels as the call's data: bytes, any encoding.
"""

from __future__ import annotations

import os
from typing import Any

from roost.daemon.calls import Calls, Method, Params, Result
from roost.daemon.session import Session
from roost.daemon.tee import TeeSpec, TeeStatus


class AddParams(Params, frozen=True):
    """A tee to start. `path` is for callers that have text only; the call's data comes first."""

    target: str = ""
    path: str = ""
    stream: str = "stdout"
    append: bool = True
    capacity_bytes: int = 0
    markers: bool = True
    block: bool = False
    rotate_bytes: int = 0
    keep: int = 0


class ListParams(Params, frozen=True):
    """Whose tees; of all sessions without a target."""

    target: str | None = None


class RemoveParams(Params, frozen=True):
    """The tee to remove."""

    target: str
    handle: int


def tee_methods() -> dict[str, Method[Any]]:
    """By name."""
    return {
        "tees.add": Method(AddParams, _add),
        "tees.list": Method(ListParams, _list),
        "tees.remove": Method(RemoveParams, _remove),
    }


async def _add(calls: Calls, p: AddParams, data: bytes) -> Result:
    session = calls.service.find(p.target)
    spec = TeeSpec(
        stream=p.stream,
        path=data or os.fsencode(p.path),
        append=p.append,
        capacity_bytes=p.capacity_bytes,
        markers=p.markers,
        block=p.block,
        rotate_bytes=p.rotate_bytes,
        keep=p.keep,
    )
    handle = await calls.service.add_tee(session, spec)
    return tee_info(session, calls.service.tee_status(session, handle)), b""


async def _list(calls: Calls, p: ListParams, _data: bytes) -> Result:
    sessions = calls.service.select() if p.target is None else [calls.service.find(p.target)]
    return {"tees": [tee_info(s, tee.status()) for s in sessions for tee in s.tees.values()]}, b""


async def _remove(calls: Calls, p: RemoveParams, _data: bytes) -> Result:
    session = calls.service.find(p.target)
    status = calls.service.tee_status(session, p.handle)
    await calls.service.remove_tee(session, p.handle)
    return tee_info(session, status), b""


def tee_info(session: Session, status: TeeStatus) -> dict[str, Any]:
    """One tee. Bytes of the path that are not UTF-8 are shown as U+FFFD."""
    return {
        "session_id": session.id,
        "name": session.record.name,
        "handle": status.handle,
        "stream": status.stream,
        "path": status.path.decode("utf-8", "replace"),
        "state": "disconnected" if status.disconnected else "closed" if status.closed else "open",
        "error": status.error,
        "written_bytes": status.written_bytes,
        "missed_bytes": status.missed_bytes,
        "uncertain": status.uncertain,
        "append": status.append,
        "block": status.block,
        "markers": status.markers,
        "rotate_bytes": status.rotate_bytes,
        "keep": status.keep,
    }
