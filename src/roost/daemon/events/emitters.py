"""Events that programs in sessions tell of themselves: whose they are, how many there may be, and when they count.

Owns the rate of each session and the drops. The session is that of the calling process, never what it says. An event
is acknowledged when it is durable, and not before every observer that blocks has room for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from roost.core.agent_events import check_agent_event
from roost.core.events import GAP, Event
from roost.core.rate import TokenBucket
from roost.daemon.bus import EventBus
from roost.daemon.events.log import EventLog, gap_data
from roost.daemon.session import Session
from roost.daemon.table import SessionTable
from roost.errors import RoostError, WrongStateError
from roost.platform.process_owner import owner_of

log = logging.getLogger(__name__)

#: A session may emit so many events a second, and so many at once.
RATE_PER_S = 2000.0
BURST = 4000
#: How long an emitter is held back for an observer that blocks; then the event counts as missed there.
HOLD_S = 10.0
#: How often drops are told at most.
_TELL_DROPS_S = 1.0


@dataclass(slots=True)
class _Account:
    """What is known of a session's emissions."""

    bucket: TokenBucket
    told: int = 0
    first_drop_at: float | None = None
    accepted: int = 0


@dataclass(slots=True)
class Emitters:
    """All sessions' emissions."""

    loop: asyncio.AbstractEventLoop
    bus: EventBus
    log: EventLog
    table: SessionTable
    keeper_pid: Callable[[], int]
    refused: int = 0  # of callers that belong to no session
    _accounts: dict[str, _Account] = field(default_factory=dict)

    def session_of(self, pid: int) -> Session:
        """The session that a process belongs to. Raises RoostError (denied) for none."""
        owner = owner_of(pid, [session.membership() for session in self.table], keeper_pid=self.keeper_pid())
        session = self.table.by_id(owner) if owner else None
        if session is None:
            self.refused += 1
            raise RoostError(
                f"process {pid} belongs to no session of this daemon; only programs in a session can emit events",
                kind="denied",
            )
        return session

    async def emit(self, session: Session, told: dict[str, Any]) -> Event:
        """Emit what a program of that session tells; to be settled before it is acknowledged.

        Raises InvalidError, WrongStateError after the exit, RoostError (denied, rate_limited).
        """
        claimed = told.get("session")
        if claimed is not None and claimed not in (session.id, session.record.name):
            raise RoostError(
                f"this process belongs to session {session.record.name}, not to {claimed!r}", kind="denied"
            )
        type, data = check_agent_event(told.get("type"), told.get("data"))
        account = self._take_from_rate(session)
        await self.log.room(session.id, "agent", HOLD_S)
        if not session.live:
            raise WrongStateError(f"session {session.record.name} has exited; nothing is told of it any more")
        account.accepted += 1
        return self.bus.emit(session, "agent", type, data, source="emit")

    def _take_from_rate(self, session: Session) -> _Account:
        now = time.monotonic()
        account = self._accounts.get(session.id)
        if account is None:
            self._forget_purged()
            account = self._accounts[session.id] = _Account(TokenBucket(RATE_PER_S, BURST, now))
        if not account.bucket.take(now):
            if account.first_drop_at is None:
                account.first_drop_at = now
                self.loop.call_later(_TELL_DROPS_S, self._tell_drops, session, account, self.log.last)
            raise RoostError(
                f"session {session.record.name} emits more than {RATE_PER_S:g} events a second; "
                f"{account.bucket.refused} were dropped so far",
                kind="rate_limited",
            )
        return account

    def _tell_drops(self, session: Session, account: _Account, after: tuple[int, int]) -> None:
        account.first_drop_at = None
        count, account.told = account.bucket.refused - account.told, account.bucket.refused
        if not session.forgotten:
            data = gap_data("rate", after, self.log.last, count, "agent")
            self.bus.emit(session, "lifecycle", GAP, data, source="emit")

    def _forget_purged(self) -> None:
        for id in [id for id in self._accounts if self.table.by_id(id) is None]:
            del self._accounts[id]

    def status(self) -> dict[str, Any]:
        """Counts by session, and of callers without one."""
        return {
            "accepted": {id: account.accepted for id, account in self._accounts.items()},
            "dropped": {id: a.bucket.refused for id, a in self._accounts.items() if a.bucket.refused},
            "refused": self.refused,
        }
