"""Which source runs for which session: exactly while somebody wants its category and the session lives.

Owns the decision, the retries of failed sources, and what is said of them (`source_failed`, `source_recovered`, the
doctor's line). What a source does is its kind's business; nothing here blocks or raises into a session.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from roost.daemon.bus import EventBus
from roost.daemon.session import Session
from roost.daemon.sources.delivery import Delivery, Observation
from roost.daemon.sources.kinds import Kind, Reports
from roost.daemon.sources.target import Target
from roost.daemon.table import SessionTable

log = logging.getLogger(__name__)

#: Between a failure and the next attempt: the first, and the longest.
_RETRY_S, _RETRY_MOST_S = 1.0, 60.0
#: How long the end of a session waits for what its sources still have to tell.
SETTLE_S = 5.0

Key = tuple[str, str]


@dataclass(slots=True)
class _Run:
    """One source of one session: `starting`, `running` or `failed`."""

    state: str
    since: float
    error: str = ""
    failures: int = 0
    retry: asyncio.TimerHandle | None = None


class Supervisor:
    """All sources. Only on the loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        tasks: asyncio.TaskGroup,
        bus: EventBus,
        table: SessionTable,
        target_of: Callable[[Session], Target],
    ) -> None:
        self._loop = loop
        self._tasks = tasks
        self._bus = bus
        self._table = table
        self._target_of = target_of
        self._kinds: dict[str, Kind] = {}
        self._runs: dict[Key, _Run] = {}
        self._observed: set[str] = set()  # sessions whose end is waited for, and told after what led to it
        self._exits: dict[str, Callable[[], None]] = {}
        self._refreshing = False
        self._closed = False
        self.delivery = Delivery(loop, self._emit)
        bus.on_wants_changed(self.refresh)

    def add(self, kind: Kind) -> None:
        """Know a category."""
        self._kinds[kind.category] = kind

    # --- who is observed --------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Start and stop what should run, soon."""
        if not self._refreshing and not self._closed:
            self._refreshing = True
            self._loop.call_soon(self._refresh)

    def _refresh(self) -> None:
        self._refreshing = False
        if self._closed:
            return
        categories = [category for category in self._kinds if self._bus.category_wanted(category)]
        if not categories and not self._runs:
            return  # the usual case, at every start of a session among many
        wanted = {
            (session.id, category)
            for session in self._table
            if session.live or session.id in self._observed
            for category in categories
            if self._bus.wanted(session.id, category)
        }
        for key in [key for key in self._runs if key not in wanted]:
            self._end(key)
        for key in sorted(wanted - set(self._runs), key=_processes_first):
            self._runs[key] = _Run("starting", time.time())
            self._begin(key)
            self._wait_for_end(key[0])

    def _wait_for_end(self, session_id: str) -> None:
        session = self._table.by_id(session_id)
        if session is not None and session.live and session_id not in self._observed:
            self._observed.add(session_id)
            self._tasks.create_task(self._until_end(session), name=f"sources of {session_id}")

    async def _until_end(self, session: Session) -> None:
        await session.exited.wait()
        for category in await self.settle(session.id):
            self._bus.emit(session, category, "gap", {"reason": "exit_told_first", "missed": None})
        self._ended(session.id)

    def _ended(self, session_id: str) -> None:
        self._observed.discard(session_id)
        tell_exit = self._exits.pop(session_id, None)
        if tell_exit is not None:
            tell_exit()
        self.refresh()

    def _begin(self, key: Key) -> None:
        session_id, category = key
        session = self._table.by_id(session_id)
        run = self._runs.get(key)
        if session is None or run is None:
            return
        run.retry = None
        run.state, run.since = "starting", time.time()
        reports = Reports(
            ready=lambda _id: self._ready(key, run), failed=lambda _id, error: self._failed(key, run, error)
        )
        try:
            self._kinds[category].begin(self._target_of(session), reports)
        except (OSError, RuntimeError) as error:
            self._failed(key, run, error)

    def _end(self, key: Key) -> None:
        run = self._runs.pop(key)
        if run.retry is not None:
            run.retry.cancel()
        self._kinds[key[1]].end(key[0])
        if not any(session_id == key[0] for session_id, _ in self._runs):
            self.delivery.forget(key[0])

    def _ready(self, key: Key, run: _Run) -> None:
        if self._runs.get(key) is not run or run.state == "running":
            return
        if run.failures:
            self._say(key, "source_recovered", {"category": key[1]})
        run.state, run.since, run.error, run.failures = "running", time.time(), "", 0

    def _failed(self, key: Key, run: _Run, error: Exception) -> None:
        if self._runs.get(key) is not run or run.state == "failed":
            return
        reason = _reason(error)
        log.warning("source of %s events of session %s failed: %s", key[1], key[0], reason)
        if not run.failures:
            self._say(key, "source_failed", {"category": key[1], "error": reason})
        run.state, run.since, run.error = "failed", time.time(), reason
        run.failures += 1
        self._kinds[key[1]].end(key[0])
        delay = min(_RETRY_MOST_S, _RETRY_S * 2 ** (run.failures - 1))
        run.retry = self._loop.call_later(delay, self._begin, key)

    def _say(self, key: Key, type: str, data: dict[str, Any]) -> None:
        self._bus.emit(self._table.by_id(key[0]), "daemon", type, data)

    def _emit(self, seen: Observation) -> None:
        session = self._table.by_id(seen.session_id)
        if session is not None and (seen.session_id, seen.category) in self._runs:
            self._bus.emit(
                session, seen.category, seen.type, seen.data, grade=seen.grade, source=seen.source, at=seen.at
            )

    # --- for other areas --------------------------------------------------------------------------------------------

    def defer_exit(self, session: Session, tell: Callable[[], None]) -> bool:
        """Whether `tell` will be called once the sources have told all that led to a session's exit."""
        if session.id not in self._observed or self._closed:
            return False
        self._exits[session.id] = tell
        return True

    async def settle(self, session_id: str, timeout_s: float = SETTLE_S) -> list[str]:
        """Wait until what happened in a session up to now was emitted, so that its exit can be told last.

        Returns the categories that did not get there in time.
        """
        waiting: dict[str, asyncio.Future[None]] = {}
        for owner, category in list(self._runs):
            if owner == session_id:
                waiting[category] = done = self._loop.create_future()
                if not self._kinds[category].settle(session_id, _resolver(done)):
                    self.delivery.after(session_id, _resolver(done))
        if waiting:
            await asyncio.wait(waiting.values(), timeout=timeout_s)
        return [category for category, done in waiting.items() if not done.done()]

    def status(self) -> list[dict[str, Any]]:
        """Every source that runs or should."""
        return [
            {
                "session_id": session_id,
                "category": category,
                "state": run.state,
                "since": run.since,
                "error": run.error,
                **self._kinds[category].describe(session_id),
            }
            for (session_id, category), run in sorted(self._runs.items())
        ]

    def check(self) -> dict[str, Any]:
        """The doctor's line."""
        failed = [one for one in self.status() if one["state"] == "failed"]
        running = sorted({one["source"] for one in self.status() if one["state"] == "running"})
        detail = f"{len(self._runs)} wanted" + (f" ({', '.join(running)})" if running else "")
        if failed:
            detail = "; ".join(f"{one['category']} of {one['session_id']}: {one['error']}" for one in failed)
        advice = "" if not failed else "it is tried again by itself; see docs/sources.md for what each source needs"
        return {"name": "event sources", "ok": not failed, "detail": detail, "advice": advice}

    # --- the end ----------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """End every source; no thread is left."""
        for session_id in list(self._exits):
            self._ended(session_id)
        for key in list(self._runs):
            self._end(key)
        self._closed = True
        workers = [worker for kind in self._kinds.values() for worker in kind.workers()]
        for worker in workers:
            worker.stop()
        await asyncio.to_thread(_join_all, workers)
        self.delivery.close()


def _processes_first(key: Key) -> tuple[bool, Key]:
    """What a session's processes did before it was known is told to whoever follows them first."""
    return key[1] != "process", key


def _join_all(workers: Iterable[Any]) -> None:
    for worker in workers:
        worker.join()


def _resolver(done: asyncio.Future[None]) -> Callable[[], None]:
    def resolve() -> None:
        with contextlib.suppress(asyncio.InvalidStateError):
            done.set_result(None)

    return resolve


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {error}"
