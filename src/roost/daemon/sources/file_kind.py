"""The category `file`: which mechanism observes a session's places.

Owns the choice: fanotify where the kernel lets us, which attributes every change to a process and covers whole file
systems with one thread; else inotify, one thread per session.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from roost.daemon.sources.file_fanotify import FANOTIFY, FanotifyWatch
from roost.daemon.sources.file_inotify import INOTIFY, InotifyTree
from roost.daemon.sources.kinds import Means, Reports
from roost.daemon.sources.process_kind import ProcessKind
from roost.daemon.sources.target import Target
from roost.daemon.sources.worker import Worker

log = logging.getLogger(__name__)


class FileKind:
    """See `Kind`."""

    category = "file"

    def __init__(self, means: Means, processes: ProcessKind) -> None:
        self._means = means
        self._processes = processes
        self._refused = ""
        self._watch: FanotifyWatch | None = None
        self._attributed: dict[str, Reports] = {}  # sessions observed by fanotify
        self._trees: dict[str, InotifyTree] = {}
        self._ended: list[Worker] = []

    def begin(self, target: Target, reports: Reports) -> None:
        if FANOTIFY not in self._means.without() and self._begin_fanotify(target, reports):
            return
        on_loop = self._means.on_loop
        tree = InotifyTree(
            target,
            self._means.delivery,
            partial(on_loop.later, self._tree_crashed, target.session_id, reports),
            partial(on_loop.later, reports.ready, target.session_id),
        )
        self._trees[target.session_id] = tree
        tree.start()

    def end(self, session_id: str) -> None:
        tree = self._trees.pop(session_id, None)
        if tree is not None:
            self._retire(tree)
        if self._attributed.pop(session_id, None) is not None:
            self._processes.know_no_more(session_id, "file")
            if self._watch is not None:
                self._watch.leave(session_id)
        self._stop_if_idle()

    def settle(self, session_id: str, call: Any) -> bool:
        tree = self._trees.get(session_id)
        if tree is not None and tree.running:
            tree.settle(call)
            return True
        if session_id in self._attributed and self._watch is not None and self._watch.running:
            self._watch.settle(session_id, call)
            return True
        return False

    def describe(self, session_id: str) -> dict[str, Any]:
        tree = self._trees.get(session_id)
        if tree is not None:
            return {"source": INOTIFY, "directories": tree.watched, "why_not_attributed": self._refused}
        return {"source": FANOTIFY if session_id in self._attributed else ""}

    def workers(self) -> list[Worker]:
        return [*self._ended, *self._trees.values(), *([self._watch] if self._watch else [])]

    # --- fanotify ---------------------------------------------------------------------------------------------------

    def _begin_fanotify(self, target: Target, reports: Reports) -> bool:
        """Whether it observes that session; what it needs is found out by trying."""
        try:
            watch = self._running()
            watch.mark(target.places)
        except OSError as error:
            self._refused = error.strerror or str(error)
            log.info("no fanotify for session %s (%s): inotify", target.session_id, self._refused)
            self._stop_if_idle()
            return False
        session_id = target.session_id
        self._attributed[session_id] = reports
        know = Reports(ready=lambda _id: None, failed=lambda _id, error: self._unknown(session_id, error))
        processes = self._processes.know(target, "file", know)
        watch.follow(target, processes, partial(self._means.on_loop.later, reports.ready, session_id))
        return True

    def _running(self) -> FanotifyWatch:
        if self._watch is None or not self._watch.running:
            self._watch = FanotifyWatch(self._means.delivery, partial(self._means.on_loop.later, self._crashed))
            self._watch.start()
        return self._watch

    def _stop_if_idle(self) -> None:
        if not self._attributed and self._watch is not None:
            watch, self._watch = self._watch, None
            self._retire(watch)

    def _retire(self, worker: Worker) -> None:
        worker.stop()
        self._ended = [other for other in self._ended if other.running] + [worker]

    def _unknown(self, session_id: str, error: Exception) -> None:
        """Who belongs to the session is not known any more: begin again."""
        reports = self._attributed.get(session_id)
        if reports is not None:
            reports.failed(session_id, error)

    def _crashed(self, error: Exception) -> None:
        self._watch = None
        for session_id, reports in list(self._attributed.items()):
            reports.failed(session_id, error)

    def _tree_crashed(self, session_id: str, reports: Reports, error: Exception) -> None:
        self._trees.pop(session_id, None)
        reports.failed(session_id, error)
