"""The category `file`: which mechanism observes a session's places.

Owns the choice and one thread per session.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from roost.daemon.sources.file_inotify import INOTIFY, InotifyTree
from roost.daemon.sources.kinds import Means, Reports
from roost.daemon.sources.target import Target
from roost.daemon.sources.worker import Worker


class FileKind:
    """See `Kind`."""

    category = "file"

    def __init__(self, means: Means) -> None:
        self._means = means
        self._trees: dict[str, InotifyTree] = {}
        self._ended: list[Worker] = []

    def begin(self, target: Target, reports: Reports) -> None:
        on_loop = self._means.on_loop
        tree = InotifyTree(
            target,
            self._means.delivery,
            partial(on_loop.later, self._crashed, target.session_id, reports),
            partial(on_loop.later, reports.ready, target.session_id),
        )
        self._trees[target.session_id] = tree
        tree.start()

    def end(self, session_id: str) -> None:
        tree = self._trees.pop(session_id, None)
        if tree is not None:
            tree.stop()
            self._ended = [worker for worker in self._ended if worker.running] + [tree]

    def settle(self, session_id: str, call: Callable[[], None]) -> bool:
        tree = self._trees.get(session_id)
        if tree is None or not tree.running:
            return False
        tree.settle(call)
        return True

    def describe(self, session_id: str) -> dict[str, Any]:
        tree = self._trees.get(session_id)
        return {"source": INOTIFY, "directories": tree.watched} if tree else {"source": ""}

    def workers(self) -> list[Worker]:
        return [*self._ended, *self._trees.values()]

    def _crashed(self, session_id: str, reports: Reports, error: Exception) -> None:
        self._trees.pop(session_id, None)
        reports.failed(session_id, error)
