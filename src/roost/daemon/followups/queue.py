"""The queues: one a session, in order, each input typed once and followed until something is seen of it.

Owns the receipts and their store. A receipt is stored before its input is touched; what a killed daemon was writing is
`stalled` for the next one, as it may have arrived: nothing is typed twice.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from dataclasses import replace
from typing import Any

from roost.core.followups import Followup
from roost.daemon import keyboard
from roost.daemon.around import Context
from roost.daemon.asker import ASKER
from roost.daemon.followups.turn import Turns
from roost.daemon.kept_file import KeptFile
from roost.daemon.session import Session
from roost.errors import InvalidError, NoRunError, RoostError, WaitTimeoutError, WrongStateError

log = logging.getLogger(__name__)

MOST_QUEUED = 100
#: Receipts that are over, so many a session; keys are remembered as long.
MOST_KEPT = 64
_WRITE_S = 30.0


class Queues:
    """All of them; an area, as it is told of sessions that are found again."""

    key = "followups"

    def __init__(self, context: Context, store: KeptFile[Followup]) -> None:
        self._context = context
        self._store = store
        self._turns = Turns(context)
        self._all: dict[str, Followup] = {one.id: _taken_over(one) for one in store.read()}
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()

    # --- an area ----------------------------------------------------------------------------------------------------

    def check(self, options: Any) -> None:
        """There is nothing to ask for."""
        raise InvalidError("followups take no options")

    def prepare(self, preparation: Any, options: Any) -> None:
        """Nothing."""

    def on_session(self, session: Session, options: Any, *, adopted: bool) -> None:
        """Go on with what the last daemon had queued."""
        if adopted and self._next(session.id) is not None:
            self._work_on(session)

    # --- in ---------------------------------------------------------------------------------------------------------

    def add(self, session: Session, text: str, *, key: str, enter: bool, paste: bool, now: bool) -> Followup:
        """Queue an input, or find the one of the same key. Raises InvalidError, WrongStateError, RoostError."""
        one = Followup(
            id=f"f-{os.urandom(5).hex()}",
            session_id=session.id,
            session_name=session.record.name,
            text=text,
            queued_at=time.time(),
            key=key,
            enter=enter,
            paste=paste,
            now=now,
            asked_by=ASKER.get(),
        )
        known = next((o for o in self._of(session.id) if key and o.key == key), None)
        if known is not None:
            if not known.says_the_same(one):
                raise InvalidError(f"the key {key!r} was given with another input; a key stands for one")
            return known
        if not session.live:
            raise WrongStateError(f"session {session.record.name} has exited; nothing can be typed into it")
        if sum(not o.over for o in self._of(session.id)) >= MOST_QUEUED:
            raise RoostError(
                f"{MOST_QUEUED} inputs are queued for {session.record.name}; cancel some", kind="exhausted"
            )
        self._set(one)
        self._work_on(session)
        return one

    def cancel(self, id: str) -> Followup:
        """Take an input back that is still queued. Raises NoRunError, WrongStateError."""
        one = self.find(id)
        if one.state != "queued":
            raise WrongStateError(f"followup {one.id} is {one.state}; only what is queued can be taken back")
        return self._end(one, "cancelled", "taken back")

    # --- out --------------------------------------------------------------------------------------------------------

    def find(self, id: str) -> Followup:
        """The receipt of that id. Raises NoRunError."""
        if id not in self._all:
            raise NoRunError(f"no followup is called {id[:80]!r}; `roost receipts --all` lists them")
        return self._all[id]

    def select(self, session_id: str | None, *, all: bool) -> list[Followup]:
        """Receipts in the order of their inputs; without `all` those that are not over."""
        found = self._all.values() if session_id is None else self._of(session_id)
        return [one for one in found if all or not one.over]

    async def until(self, id: str, states: frozenset[str], timeout_s: float | None) -> Followup:
        """Wait until an input is in one of the states or over, or the time is; its receipt."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (one := self.find(id)).over and one.state not in states:
                    await self._changed.wait()
        except TimeoutError:
            pass
        return self.find(id)

    # --- the work ---------------------------------------------------------------------------------------------------

    def _of(self, session_id: str) -> list[Followup]:
        return [one for one in self._all.values() if one.session_id == session_id]

    def _next(self, session_id: str) -> Followup | None:
        return next((one for one in self._of(session_id) if one.state == "queued"), None)

    def _work_on(self, session: Session) -> None:
        if session.id not in self._workers:
            work = self._context.tasks.create_task(self._work(session), name="followups")
            self._workers[session.id] = work

    async def _work(self, session: Session) -> None:
        """Type one after the other, each in its turn, until there is none."""
        try:
            while (one := self._next(session.id)) is not None:
                await self._carry_out(session, one)
        finally:
            del self._workers[session.id]

    async def _carry_out(self, session: Session, one: Followup) -> None:
        ASKER.set(
            one.asked_by
        )  # for the trail: not who began this queue, and also what an earlier daemon was asked for
        try:
            idle_by = "" if one.now else await self._turns.idle(session)
            one = self._all.get(one.id, one)
            if one.state != "queued":
                return  # taken back meanwhile
            data = self._bytes_of(session, one)
            offset = session.streams["stdout"].ring.end
            one = self._set(replace(one, state="writing", idle_by=idle_by, offset=offset))
            await self._context.service.send(session, data, timeout_s=_WRITE_S)
        except WaitTimeoutError as error:
            self._end(one, "stalled", error.message)
            return
        except RoostError as error:
            self._end(one, "failed", error.message)
            return
        one = self._set(replace(one, state="written", written_at=time.time()))
        seen_by = await self._turns.seen(session, offset, one.text)
        if seen_by:
            self._end(replace(one, seen_by=seen_by), "observed", "")
        else:
            self._end(one, "stalled", "it was written, and nothing was seen of it")

    def _bytes_of(self, session: Session, one: Followup) -> bytes:
        data = one.text.encode("utf-8", "surrogateescape")
        if one.paste and session.is_pty:
            data, _ = keyboard.pasted(session, data, "whole")
        return data + (keyboard.enter_bytes(session) if one.enter else b"")

    # --- receipts ---------------------------------------------------------------------------------------------------

    def _end(self, one: Followup, state: str, reason: str) -> Followup:
        over = replace(one, state=state, reason=reason, over_at=time.time()).shortened()
        try:
            return self._set(over)
        except RoostError as error:  # it is over all the same
            log.error("%s", error.message)
            return self._put(over)

    def _set(self, one: Followup) -> Followup:
        """Keep and show a receipt as it is now. Raises RoostError; nothing has changed then."""
        kept = {**self._all, one.id: one}
        over = [other.id for other in kept.values() if other.session_id == one.session_id and other.over]
        for id in over[:-MOST_KEPT]:
            del kept[id]
        table = self._context.table
        kept = {id: other for id, other in kept.items() if table.by_id(other.session_id) is not None}
        self._store.write(kept.values())
        self._all = kept
        return self._put(one)

    def _put(self, one: Followup) -> Followup:
        self._all[one.id] = one
        self._changed.set()
        self._changed = asyncio.Event()
        return one


def _taken_over(one: Followup) -> Followup:
    """What the last daemon had under way is as far as anybody will ever know."""
    if one.state == "writing":
        return replace(one, state="stalled", reason="the daemon ended while it was written; it may have arrived")
    if one.state == "written":
        return replace(one, state="stalled", reason="the daemon ended before anything was seen of it")
    return one
