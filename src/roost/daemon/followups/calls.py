"""Roost's own calls about queued input: `followup.add`, `list`, `get`, `cancel`. Owns their parameters."""

from __future__ import annotations

from typing import Any, Literal

from roost.core.followups import check_followup
from roost.daemon.calls import Calls, Method, Params, Result, check_duration
from roost.daemon.followups.queue import Queues
from roost.errors import NoRunError

#: What `wait` waits for: these states, or that it is over.
_UNTIL = {"written": frozenset(("written",)), "observed": frozenset[str]()}


class AddParams(Params, frozen=True):
    """Text that is typed when the session is idle (`now`: at once, behind what is queued), and Enter after it.

    key: makes a repeat harmless: the same key is the same input. paste: in brackets where the program asked for them.
    wait: answer when it was written, or when something was seen of it; with `timeout_s` at the latest then.
    """

    text: str
    target: str = ""
    key: str = ""
    enter: bool = True
    paste: bool = True
    now: bool = False
    wait: Literal["", "written", "observed"] = ""
    timeout_s: float | None = None


class ListFollowupsParams(Params, frozen=True):
    """Receipts, of a session or of all; those that are not over, with `all` the newest others too."""

    target: str | None = None
    all: bool = False


class FollowupParams(Params, frozen=True):
    """One of them; target: of this session; `wait` as when it was added."""

    id: str
    target: str | None = None
    wait: Literal["", "written", "observed"] = ""
    timeout_s: float | None = None


class CancelParams(Params, frozen=True):
    """One that is still queued; target: of this session."""

    id: str
    target: str | None = None


def followup_methods(queues: Queues) -> dict[str, Method[Any]]:
    """By name."""

    async def waited(id: str, wait: str, timeout_s: float | None) -> Result:
        if wait:
            limit = None if timeout_s is None else check_duration(timeout_s)
            return (await queues.until(id, _UNTIL[wait], limit)).describe(), b""
        return queues.find(id).describe(), b""

    async def add(calls: Calls, p: AddParams, _data: bytes) -> Result:
        check_followup(p.text, p.key)
        session = calls.service.find(p.target, live_only=not p.target)
        one = queues.add(session, p.text, key=p.key, enter=p.enter, paste=p.paste, now=p.now)
        return await waited(one.id, p.wait, p.timeout_s)

    async def list_all(calls: Calls, p: ListFollowupsParams, _data: bytes) -> Result:
        session_id = None if p.target is None else calls.service.find(p.target).id
        return {"followups": [one.describe() for one in queues.select(session_id, all=p.all)]}, b""

    def check_session(calls: Calls, id: str, target: str | None) -> None:
        """Raises NoRunError for an input of another session than the one that is named."""
        if target is not None and queues.find(id).session_id != (session := calls.service.find(target)).id:
            raise NoRunError(f"no followup of {session.record.name} is called {id[:80]!r}; `roost receipts` lists them")

    async def get(calls: Calls, p: FollowupParams, _data: bytes) -> Result:
        check_session(calls, p.id, p.target)
        return await waited(p.id, p.wait, p.timeout_s)

    async def cancel(calls: Calls, p: CancelParams, _data: bytes) -> Result:
        check_session(calls, p.id, p.target)
        return queues.cancel(p.id).describe(), b""

    return {
        "followup.add": Method(AddParams, add),
        "followup.list": Method(ListFollowupsParams, list_all),
        "followup.get": Method(FollowupParams, get),
        "followup.cancel": Method(CancelParams, cancel),
    }
