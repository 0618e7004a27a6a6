"""The category `process`, and knowing a session's processes for the sake of the others.

Owns the one process watch of the daemon: it is there while somebody is followed.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from roost.daemon.sources.delivery import gap
from roost.daemon.sources.kinds import Means, Reports
from roost.daemon.sources.process import CONNECTOR, TELL, ProcessWatch
from roost.daemon.sources.process_trace import PTRACE, ProcessTrace
from roost.daemon.sources.target import Target
from roost.daemon.sources.worker import Worker
from roost.platform.proc_connector import ProcConnector, open_connector


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
        self._traces: dict[str, ProcessTrace] = {}
        self._untraced: dict[str, str] = {}  # sessions that ptrace cannot follow, and why

    # --- the category -----------------------------------------------------------------------------------------------

    def begin(self, target: Target, reports: Reports) -> None:
        if not target.exact or target.session_id in self._untraced:
            self._follow(target, TELL, reports)
            return
        later = self._means.on_loop.later
        trace = ProcessTrace(
            target,
            self._means.delivery,
            {*self._exclude, self._keeper_pid()},
            partial(later, self._untraceable, target, reports),
            partial(later, reports.ready, target.session_id),
        )
        self._traces[target.session_id] = trace
        trace.start()

    def end(self, session_id: str) -> None:
        trace = self._traces.pop(session_id, None)
        if trace is not None:
            self._retire(trace)
        self._leave(session_id, TELL)

    def settle(self, session_id: str, call: Callable[[], None]) -> bool:
        trace = self._traces.get(session_id)
        if trace is not None and trace.running:
            trace.settle(call)
            return True
        if self._watch is None or (session_id, TELL) not in self._followed or not self._watch.running:
            return False
        self._watch.settle(session_id, call)
        return True

    def describe(self, session_id: str) -> dict[str, Any]:
        if session_id in self._traces:
            return {"source": PTRACE}
        if self._watch is None:
            return {"source": ""}
        told = {"source": self._watch.name, "why_not_exact": self._watch.refused}
        if session_id in self._untraced:
            told["why_not_ptrace"] = self._untraced[session_id]
        return told

    def workers(self) -> list[Worker]:
        return [*self._ended, *self._traces.values(), *([self._watch] if self._watch else [])]

    def _untraceable(self, target: Target, reports: Reports, error: Exception) -> None:
        """Go on by the other mechanism at once, and say from when on."""
        if self._traces.pop(target.session_id, None) is None:
            return  # ended meanwhile: the session's last process is gone
        self._untraced[target.session_id] = str(error)
        self._means.delivery.put(gap(target.session_id, "process", PTRACE, str(error)))
        self._follow(target, TELL, reports)

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
                open_backend=_no_connector if CONNECTOR in self._means.without() else open_connector,
            )
            self._watch.start()
        return self._watch

    def _stop_if_idle(self) -> None:
        if not self._followed and not self._warm and self._watch is not None:
            watch, self._watch = self._watch, None
            self._retire(watch)

    def _retire(self, worker: Worker) -> None:
        worker.stop()
        self._ended = [other for other in self._ended if other.running] + [worker]

    def _crashed(self, error: Exception) -> None:
        self._watch = None
        followed, self._followed = self._followed, {}
        for (session_id, _reason), reports in followed.items():
            reports.failed(session_id, error)


def _no_connector() -> ProcConnector:
    raise OSError(errno.EPERM, "not to be used")
