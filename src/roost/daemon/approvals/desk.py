"""Where requests for approval wait for an answer: one answer each, and everyone is told.

Owns what is pending, until when, and for whom. A change is stored before anybody knows of it. What ends without an
answer (time, the end of the session, an asker that does not come back) is expired, never approved.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import Any

from roost.core.approvals import PENDING, STATE_OF, Approval, shortened
from roost.daemon.bus import EventBus
from roost.daemon.kept_file import KeptFile
from roost.daemon.session import Session
from roost.daemon.table import SessionTable
from roost.errors import InvalidError, NoRunError, RoostError, WrongStateError

log = logging.getLogger(__name__)

MOST_PENDING = 256
#: Of those that are over, so many are kept.
MOST_KEPT = 200
#: An asker whose connection is gone has so long to come back: after a restart of the daemon it does within a second.
GONE_S = 30.0
_FOREVER_S = 86400.0  # timers beyond a day are set again


class _Open:
    """A pending request. askers: connections that wait for the answer."""

    def __init__(self, approval: Approval) -> None:
        self.approval = approval
        self.answered = asyncio.Event()
        self.askers = 0
        self.gone_since = time.monotonic()
        self.timer: asyncio.TimerHandle | None = None


class Desk:
    """All of them; an area, as it is told of sessions that are found again."""

    key = "approvals"

    def __init__(
        self, loop: asyncio.AbstractEventLoop, bus: EventBus, table: SessionTable, store: KeptFile[Approval]
    ) -> None:
        self._loop = loop
        self._bus = bus
        self._table = table
        self._store = store
        kept = store.read()
        self._open = {one.id: _Open(one) for one in kept if one.pending}
        self._over = {one.id: one for one in kept if not one.pending}
        for waiting in self._open.values():
            self._watch(waiting)

    # --- an area ----------------------------------------------------------------------------------------------------

    def check(self, options: Any) -> None:
        """There is nothing to ask for."""
        raise InvalidError("approvals take no options")

    def on_session(self, session: Session, options: Any, *, adopted: bool) -> None:
        """What it has asked for ends with it."""
        session.when_exited.append(lambda: self._end_of(session.id))
        if adopted and not session.live:
            self._end_of(session.id)

    def _end_of(self, session_id: str) -> None:
        for waiting in [w for w in self._open.values() if w.approval.session_id == session_id]:
            self._expire(waiting, "the session has ended")

    # --- asking -----------------------------------------------------------------------------------------------------

    def ask(self, approval: Approval) -> Approval:
        """Ask, or come back to what was asked by the same id. Raises InvalidError, RoostError (exhausted)."""
        known = self._known(approval.id)
        if known is not None:
            if not known.asks_the_same(approval):
                raise InvalidError(f"approval {approval.id} was asked for something else; leave the id to roost")
            return known
        if len(self._open) >= MOST_PENDING:
            raise RoostError(
                f"{MOST_PENDING} approvals are pending, which is the limit; `roost approvals` shows them",
                kind="exhausted",
            )
        self._write(approval)
        waiting = self._open[approval.id] = _Open(approval)
        self._watch(waiting)
        self._tell(approval)
        return approval

    async def answered(self, id: str) -> Approval:
        """Wait for the end of a request. Cancelling means that the asker is gone."""
        waiting = self._open.get(id)
        if waiting is not None:
            waiting.askers += 1
            try:
                await waiting.answered.wait()
            finally:
                waiting.askers -= 1
                waiting.gone_since = time.monotonic()
                if not waiting.answered.is_set():
                    self._watch(waiting)
        return self.find(id)

    # --- answering --------------------------------------------------------------------------------------------------

    def find(self, id: str) -> Approval:
        """The request of that id, or of the only one that begins so. Raises NoRunError, InvalidError."""
        known = self._known(id)
        if known is not None:
            return known
        found = [one for one in self.list(all=False) if id and one.id.startswith(id)]
        if len(found) == 1:
            return found[0]
        if found:
            raise InvalidError(f"{id!r} could be {', '.join(one.id for one in found)}; give more of the id")
        raise NoRunError(f"no approval is called {id[:80]!r}; `roost approvals` shows those that are pending")

    def answer(self, id: str, decision: str, reason: str, by: str) -> Approval:
        """Decide. Raises NoRunError, and WrongStateError for one that is over."""
        approval = self.find(id)
        if not approval.pending:
            how = f"{approval.state}{f' by {approval.decided_by}' if approval.decided_by else ''}"
            raise WrongStateError(f"approval {approval.id} was {how} already; an answer counts once")
        return self._close(self._open[approval.id], STATE_OF[decision], reason, by)

    def withdraw(self, id: str, by: str) -> Approval:
        """Whoever asked does not want to know any more; nothing for one that is over."""
        approval = self.find(id)
        return self._close(self._open[approval.id], "expired", "taken back", by) if approval.pending else approval

    def list(self, *, all: bool) -> list[Approval]:
        """Those that are pending, oldest first; with `all` those before them that are over."""
        pending = [waiting.approval for waiting in self._open.values()]
        return [*self._over.values(), *pending] if all else pending

    def blocked_since(self, session_id: str) -> float | None:
        """Since when a session waits for an approval; None when it does not."""
        asked = [w.approval.asked_at for w in self._open.values() if w.approval.session_id == session_id]
        return min(asked) if asked else None

    # --- its end ----------------------------------------------------------------------------------------------------

    def _known(self, id: str) -> Approval | None:
        waiting = self._open.get(id)
        return waiting.approval if waiting else self._over.get(id)

    def _watch(self, waiting: _Open) -> None:
        """Look at it again when it may be over without an answer."""
        if waiting.timer is not None:
            waiting.timer.cancel()
        left = max(0.0, waiting.approval.expires_at - time.time())
        if not waiting.askers and waiting.approval.waits:
            left = min(left, max(0.0, waiting.gone_since + GONE_S - time.monotonic()))
        waiting.timer = self._loop.call_later(min(left, _FOREVER_S) + 0.001, self._look, waiting)

    def _look(self, waiting: _Open) -> None:
        if time.time() >= waiting.approval.expires_at:
            self._expire(waiting, "nobody answered in time")
        elif not waiting.askers and waiting.approval.waits and time.monotonic() >= waiting.gone_since + GONE_S:
            self._expire(waiting, "whoever asked is gone")
        else:
            self._watch(waiting)

    def _expire(self, waiting: _Open, reason: str) -> None:
        try:
            self._close(waiting, "expired", reason, "")
        except RoostError as error:  # the next daemon would find it pending, and its time over
            log.error("%s", error.message)
            self._move(waiting, replace(waiting.approval, state="expired", reason=reason, decided_at=time.time()))

    def _close(self, waiting: _Open, state: str, reason: str, by: str) -> Approval:
        detail = shortened(waiting.approval.detail)
        over = replace(
            waiting.approval, state=state, reason=reason, detail=detail, decided_at=time.time(), decided_by=by
        )
        self._write(over)
        self._move(waiting, over)
        return over

    def _move(self, waiting: _Open, over: Approval) -> None:
        if waiting.timer is not None:
            waiting.timer.cancel()
        del self._open[over.id]
        self._over[over.id] = over
        for id in list(self._over)[:-MOST_KEPT]:
            del self._over[id]
        waiting.answered.set()
        self._tell(over)

    def _write(self, changed: Approval) -> None:
        kept = {**self._over, **{id: waiting.approval for id, waiting in self._open.items()}}
        kept.pop(changed.id, None)
        self._store.write([*kept.values(), changed])

    def _tell(self, approval: Approval) -> None:
        """Of a session that has exited nothing is told any more: the daemon tells it then."""
        session = self._table.by_id(approval.session_id) if approval.session_id else None
        live = session if session is not None and session.live else None
        self._bus.emit(live, "agent", "approval_lifecycle", approval.told(), source="approvals")

    async def close(self) -> None:
        """The daemon stops; what is pending is pending for the next one."""
        for waiting in self._open.values():
            if waiting.timer is not None:
                waiting.timer.cancel()


def new_approval(id: str, tool: str, detail: str, timeout_s: float, *, waits: bool, by: str) -> Approval:
    """A request that is asked now."""
    now = time.time()
    return Approval(id, tool, detail, now, now + timeout_s, asked_by=by, waits=waits, state=PENDING)
