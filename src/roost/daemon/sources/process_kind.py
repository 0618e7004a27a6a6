"""The category `process`, and knowing a session's processes for the sake of the others.

Owns the one process watch of the daemon: it is there while somebody is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from roost.daemon.sources.kinds import Means, Reports
from roost.daemon.sources.process import TELL, ProcessWatch
from roost.daemon.sources.target import Target
from roost.daemon.sources.worker import Worker


class ProcessKind:
    """See `Kind`."""

    category = "process"

    def __init__(self, means: Means, keeper_pid: Callable[[], int], exclude: Collection[int]) -> None:
        self._means = means
        self._keeper_pid = keeper_pid
        self._exclude = exclude
        self._watch: ProcessWatch | None = None
        self._followed: dict[tuple[str, str], Reports] = {}  # by session and reason
        self._warm = 0
        self._ended: list[Worker] = []

    # --- the category -----------------------------------------------------------------------------------------------

    def begin(self, target: Target, reports: Reports) -> None:
        self._follow(target, TELL, reports)

    def end(self, session_id: str) -> None:
        self._leave(session_id, TELL)

    def settle(self, session_id: str, call: Callable[[], None]) -> bool:
        if self._watch is None or (session_id, TELL) not in self._followed or not self._watch.running:
            return False
        self._watch.settle(session_id, call)
        return True

    def describe(self, session_id: str) -> dict[str, Any]:
        if self._watch is None:
            return {"source": ""}
        return {"source": self._watch.name, "why_not_exact": self._watch.refused}

    def workers(self) -> list[Worker]:
        return [*self._ended, *([self._watch] if self._watch else [])]

    # --- for others -------------------------------------------------------------------------------------------------

    def know(self, target: Target, reason: str, reports: Reports) -> ProcessWatch:
        """Keep track of a session's processes without telling of them; the watch that does."""
        return self._follow(target, reason, reports)

    def know_no_more(self, session_id: str, reason: str) -> None:
        """The reverse of `know`."""
        self._leave(session_id, reason)

    def warm_up(self) -> None:
        """A session is about to start whose processes are wanted from the first moment on."""
        self._warm += 1
        self._running()

    def cool_down(self) -> None:
        """It has started, or did not."""
        self._warm -= 1
        self._stop_if_idle()

    def disown(self, leader: int) -> None:
        """A session has started whose processes nobody wants."""
        if self._watch is not None:
            self._watch.disown(leader)

    # --- the watch --------------------------------------------------------------------------------------------------

    def _follow(self, target: Target, reason: str, reports: Reports) -> ProcessWatch:
        watch = self._running()
        self._followed[target.session_id, reason] = reports
        watch.follow(target, reason, partial(self._means.on_loop.later, reports.ready, target.session_id))
        return watch

    def _leave(self, session_id: str, reason: str) -> None:
        if self._followed.pop((session_id, reason), None) is not None and self._watch is not None:
            self._watch.leave(session_id, reason)
        self._stop_if_idle()

    def _running(self) -> ProcessWatch:
        if self._watch is None or not self._watch.running:
            self._watch = ProcessWatch(
                self._means.delivery,
                self._keeper_pid(),
                self._exclude,
                partial(self._means.on_loop.later, self._crashed),
            )
            self._watch.start()
        return self._watch

    def _stop_if_idle(self) -> None:
        if not self._followed and not self._warm and self._watch is not None:
            watch, self._watch = self._watch, None
            watch.stop()
            self._ended = [worker for worker in self._ended if worker.running] + [watch]

    def _crashed(self, error: Exception) -> None:
        self._watch = None
        followed, self._followed = self._followed, {}
        for (session_id, _reason), reports in followed.items():
            reports.failed(session_id, error)
