"""A category that nobody has wanted yet: it knows its name, and loads its mechanisms with the first session.

Owns the moment of loading. Most daemons observe no files and no connections; what that takes would be a sixth of their
start and several megabytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from roost.daemon.sources.kinds import Kind, Reports
from roost.daemon.sources.target import Target
from roost.daemon.sources.worker import Worker

K = TypeVar("K", bound=Kind)


class Asleep(Generic[K]):
    """See `Kind`; `make` imports and makes the real one."""

    def __init__(self, category: str, make: Callable[[], K]) -> None:
        self.category = category
        self._make = make
        #: The real one, once somebody has wanted it.
        self.awake: K | None = None

    def wake(self) -> K:
        """The real one, made if it was not there yet."""
        if self.awake is None:
            self.awake = self._make()
        return self.awake

    def begin(self, target: Target, reports: Reports) -> None:
        self.wake().begin(target, reports)

    def end(self, session_id: str) -> None:
        if self.awake is not None:
            self.awake.end(session_id)

    def settle(self, session_id: str, call: Callable[[], None]) -> bool:
        return self.awake is not None and self.awake.settle(session_id, call)

    def describe(self, session_id: str) -> dict[str, Any]:
        return {"source": ""} if self.awake is None else self.awake.describe(session_id)

    def workers(self) -> list[Worker]:
        return [] if self.awake is None else self.awake.workers()
