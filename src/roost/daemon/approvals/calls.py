"""Roost's own calls about approvals: `approvals.ask`, `list`, `get`, `answer`, `withdraw`.

Owns their parameters, whose session a request is about, and who may not answer it: a process of that very session.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Literal

from roost.core.approvals import MAX_REASON_CHARACTERS, Approval, check_question
from roost.daemon.approvals.desk import Desk, new_approval
from roost.daemon.around import Context
from roost.daemon.asker import ASKER
from roost.daemon.calls import Calls, Method, Params, Result, caller_pid
from roost.daemon.own_session import session_of
from roost.daemon.session import Session
from roost.errors import InvalidError, NoRunError, RoostError, WrongStateError


class AskParams(Params, frozen=True):
    """A request for approval; the answer comes when it is decided or over (`wait` false: at once).

    target: the session that it is about; left out it is that of the calling process, if there is one. id: makes a
    repeat harmless: who asks again by it waits for the same answer.
    """

    tool: str
    detail: str = ""
    target: str | None = None
    timeout_s: float = 60.0
    id: str = ""
    wait: bool = True


class ListApprovalsParams(Params, frozen=True):
    """Those that are pending; with `all` also the newest that are over. target: only those of a session."""

    all: bool = False
    target: str | None = None


class WhichParams(Params, frozen=True):
    """One of them, by its id or the beginning of a pending one's; target: that this session has asked for."""

    id: str
    target: str | None = None


class AnswerParams(Params, frozen=True):
    """The decision; it counts once. target: as of every other question about one of them."""

    id: str
    decision: Literal["approve", "deny"]
    target: str | None = None
    reason: str = ""


def approval_methods(context: Context, desk: Desk) -> dict[str, Method[Any]]:
    """By name."""

    def own_session() -> Session | None:
        return session_of(caller_pid.get(), context.table, keeper_pid=context.service.link.pid)

    async def ask(calls: Calls, p: AskParams, _data: bytes) -> Result:
        check_question(p.id, p.tool, p.detail, p.timeout_s)
        session = own_session() if p.target is None else calls.service.find(p.target)
        if session is not None and not session.live:
            raise WrongStateError(f"session {session.record.name} has exited; it cannot need an approval any more")
        id = p.id or f"a-{os.urandom(5).hex()}"
        approval = new_approval(id, p.tool, p.detail, p.timeout_s, waits=p.wait, by=ASKER.get())
        if session is not None:
            approval = replace(approval, session_id=session.id, session_name=session.record.name)
        desk.ask(approval)
        return (await desk.answered(id) if p.wait else desk.find(id)).describe(), b""

    async def list_all(calls: Calls, p: ListApprovalsParams, _data: bytes) -> Result:
        found = desk.list(all=p.all)
        if p.target is not None:
            only = calls.service.find(p.target).id
            found = [one for one in found if one.session_id == only]
        return {"approvals": [one.describe() for one in found]}, b""

    def find(calls: Calls, id: str, target: str | None) -> Approval:
        """Raises NoRunError, also for one that another session than the one that is named has asked for."""
        found = desk.find(id)
        if target is not None and found.session_id != (session := calls.service.find(target)).id:
            raise NoRunError(f"{session.record.name} has asked for no approval that is called {id[:80]!r}")
        return found

    async def get(calls: Calls, p: WhichParams, _data: bytes) -> Result:
        return find(calls, p.id, p.target).describe(), b""

    async def answer(calls: Calls, p: AnswerParams, _data: bytes) -> Result:
        asked = find(calls, p.id, p.target)
        if len(p.reason) > MAX_REASON_CHARACTERS:
            raise InvalidError(f"a reason of {len(p.reason)} characters; {MAX_REASON_CHARACTERS} are the limit")
        own = own_session()
        if own is not None and asked.session_id == own.id:
            raise RoostError(
                f"this process belongs to session {own.record.name}, which is the one that asks; "
                "answer from outside of it, or on its page",
                kind="denied",
            )
        return desk.answer(p.id, p.decision, p.reason, ASKER.get()).describe(), b""

    async def withdraw(calls: Calls, p: WhichParams, _data: bytes) -> Result:
        find(calls, p.id, p.target)
        return desk.withdraw(p.id, ASKER.get()).describe(), b""

    return {
        "approvals.ask": Method(AskParams, ask),
        "approvals.list": Method(ListApprovalsParams, list_all),
        "approvals.get": Method(WhichParams, get),
        "approvals.answer": Method(AnswerParams, answer),
        "approvals.withdraw": Method(WhichParams, withdraw),
    }
