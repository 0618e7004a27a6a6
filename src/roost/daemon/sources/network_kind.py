"""The category `network`.

Owns the one network watch of the daemon: it is there while somebody is followed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from roost.daemon.sources.kinds import Means, Reports
from roost.daemon.sources.network import TRACE, NetworkWatch
from roost.daemon.sources.process_kind import ProcessKind
from roost.daemon.sources.target import Target
from roost.daemon.sources.worker import Worker


class NetworkKind:
    """See `Kind`."""

    category = "network"

    def __init__(self, means: Means, processes: ProcessKind) -> None:
        self._means = means
        self._processes = processes
        self._watch: NetworkWatch | None = None
        self._followed: dict[str, Reports] = {}
        self._ended: list[Worker] = []

    def begin(self, target: Target, reports: Reports) -> None:
        session_id = target.session_id
        self._followed[session_id] = reports
        watch = self._running()

        def known(_id: str) -> None:
            watch.follow(target, processes, partial(self._means.on_loop.later, reports.ready, session_id))

        processes = self._processes.know(target, "network", Reports(ready=known, failed=reports.failed))

    def end(self, session_id: str) -> None:
        if self._followed.pop(session_id, None) is not None:
            self._processes.know_no_more(session_id, "network")
            if self._watch is not None:
                self._watch.leave(session_id)
        if not self._followed and self._watch is not None:
            watch, self._watch = self._watch, None
            watch.stop()
            self._ended = [worker for worker in self._ended if worker.running] + [watch]

    def settle(self, session_id: str, call: Any) -> bool:
        if self._watch is None or session_id not in self._followed or not self._watch.running:
            return False
        self._watch.settle(session_id, call)
        return True

    def describe(self, session_id: str) -> dict[str, Any]:
        if self._watch is None or session_id not in self._followed:
            return {"source": ""}
        return {"source": self._watch.name, "why_not_exact": self._watch.refused}

    def workers(self) -> list[Worker]:
        return [*self._ended, *([self._watch] if self._watch else [])]

    def _running(self) -> NetworkWatch:
        if self._watch is None or not self._watch.running:
            self._watch = NetworkWatch(
                self._means.delivery,
                partial(self._means.on_loop.later, self._crashed),
                may_trace=TRACE not in self._means.without(),
            )
            self._watch.start()
        return self._watch

    def _crashed(self, error: Exception) -> None:
        self._watch = None
        for session_id, reports in list(self._followed.items()):
            reports.failed(session_id, error)
