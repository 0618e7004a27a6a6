"""Ending sessions: TERM to everything that belongs to one, grace, then freeze, collect and KILL until nothing is left.

Owns the schedule and the collecting; what belongs to a session is decided by `roost.platform.processes`. Survives the
daemon: call time and grace stand in the record, and a new daemon takes the schedule up where it was.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable

from roost.daemon.session import Session
from roost.platform.processes import Membership, Process, members, process_table, send_signal

log = logging.getLogger(__name__)

#: How long the hard part goes on before what is left is called a survivor.
HARD_S = 2.0
#: How often is looked whether stragglers have gone, once the leader has.
STRAGGLER_POLL_S = 0.02
#: How long scans wait for each other, so that ending many sessions reads the process table once.
GATHER_S = 0.005

Pin = Callable[[Session, bool], Awaitable[None]]


class Terminator:
    """Runs the schedules."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        *,
        pin: Pin,
        save: Callable[[Session], None],
        exclude: Callable[[], set[int]],
    ) -> None:
        """`pin` keeps the leader unreaped; `exclude` names the pids that are never signalled (daemon, keeper)."""
        self._tasks = tasks
        self._pin = pin
        self._save = save
        self._exclude = exclude
        self._running: dict[str, asyncio.Task[None]] = {}
        self._scan_waiters: list[tuple[Membership, asyncio.Future[list[Process]]]] = []
        self._scans = False

    def begin(self, session: Session, grace_s: float) -> None:
        """Start the schedule, or restart its clock. Returns at once."""
        session.record.terminate_at = time.time()
        session.record.terminate_grace_s = grace_s
        session.record.terminate_hard = False
        session.survivors = []
        self._save(session)
        self._start(session, soft=True)

    def resume(self, session: Session) -> None:
        """Take up a schedule of the previous daemon."""
        if session.record.terminate_at is not None and session.live:
            self._start(session, soft=False)

    def _start(self, session: Session, *, soft: bool) -> None:
        previous = self._running.get(session.id)
        if previous is not None:
            previous.cancel()
        task = self._tasks.create_task(self._run_or_tell(session, soft=soft), name=f"terminate {session.id}")
        self._running[session.id] = task
        task.add_done_callback(lambda done: self._forget(session.id, done))

    def _forget(self, session_id: str, task: asyncio.Task[None]) -> None:
        if self._running.get(session_id) is task:
            del self._running[session_id]

    async def finished(self, session: Session) -> None:
        """Wait until the session's schedule, if there is one, has run its course."""
        while (task := self._running.get(session.id)) is not None:
            await asyncio.wait([task])

    async def _run_or_tell(self, session: Session, *, soft: bool) -> None:
        """Nothing that the system refuses (processes cannot be looked at: no descriptor is left) ends the daemon."""
        try:
            await self._run(session, soft=soft)
        except OSError as error:
            log.error("session %s could not be ended: %s; try again", session.record.name, error)

    async def _run(self, session: Session, *, soft: bool) -> None:
        await self._set_pinned(session, True)
        try:
            with session.holding_terminal():
                if soft:
                    await self.signal_tree(session, signal.SIGTERM)
                grace_over = (session.record.terminate_at or 0) + session.record.terminate_grace_s
                if not await self._gone_by(session, grace_over):
                    await self._kill(session)
        finally:
            await asyncio.shield(self._set_pinned(session, False))
        if session.live:
            session.clients.cut_terminated()

    async def _set_pinned(self, session: Session, pinned: bool) -> None:
        if session.live or session.pinned:
            await self._pin(session, pinned)
            session.pinned = pinned

    async def _gone_by(self, session: Session, deadline: float) -> bool:
        """Whether the leader and everything with it is gone before the wall clock says `deadline`."""
        remaining = deadline - time.time()
        if session.live:
            try:
                await asyncio.wait_for(session.exited.wait(), max(0.0, remaining))
            except TimeoutError:
                return False
        while await self.collect(session):
            if time.time() >= deadline:
                return False
            await asyncio.sleep(STRAGGLER_POLL_S)
        return True

    async def _kill(self, session: Session) -> None:
        if session.live:
            session.release_tees()
        deadline = time.time() + HARD_S
        while True:
            found = await self.collect(session)
            if not found and not session.live:
                break
            if found and session.live and not session.record.terminate_hard:  # else the first signal is taking effect
                session.record.terminate_hard = True
                self._save(session)
            for process in found:  # freeze first: what stands still cannot fork away between two looks
                send_signal(process, signal.SIGSTOP)
            found = await self.collect(session)
            for process in found:
                send_signal(process, signal.SIGKILL)
            if time.time() >= deadline:
                break
            await asyncio.sleep(STRAGGLER_POLL_S)
        session.survivors = [(p.pid, p.name) for p in await self.collect(session)]

    async def signal_tree(self, session: Session, signal_number: int) -> list[int]:
        """Signal every process of the session, children before parents; the pids that were reached."""
        reached = []
        with session.holding_terminal():
            for process in sorted(await self.collect(session), key=lambda p: p.start_ticks, reverse=True):
                if send_signal(process, signal_number):
                    reached.append(process.pid)
                    if process.state == "T" and signal_number == signal.SIGTERM:
                        send_signal(process, signal.SIGCONT)
        return reached

    async def collect(self, session: Session) -> list[Process]:
        """The session's live processes now. Who asks at about the same time, or while others are looked for, shares one
        look at /proc, which begins after all of them have asked.

        Whoever signals them does both within `Session.holding_terminal`.
        """
        future: asyncio.Future[list[Process]] = asyncio.get_running_loop().create_future()
        self._scan_waiters.append((session.membership(), future))
        if not self._scans:
            self._scans = True
            self._tasks.create_task(self._scan_for_all(), name="process scan")
        return await future

    async def _scan_for_all(self) -> None:
        """One look after the other: with many at once each would take longer than all of them one by one."""
        try:
            while self._scan_waiters:
                await asyncio.sleep(GATHER_S)
                await self._scan()
        finally:
            self._scans = False

    async def _scan(self) -> None:
        waiters, self._scan_waiters = self._scan_waiters, []
        groups = [membership for membership, _ in waiters]
        try:
            found = await asyncio.to_thread(_scan_processes, groups, {os.getpid(), *self._exclude()})
        except OSError as error:
            for _, future in waiters:
                if not future.done():
                    future.set_exception(error)
            return
        for membership, future in waiters:
            if not future.done():
                future.set_result(found[membership.session_id])


def _scan_processes(groups: list[Membership], exclude: set[int]) -> dict[str, list[Process]]:
    return members(groups, process_table(), exclude)
