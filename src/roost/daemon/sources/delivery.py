"""From the threads that read the kernel to the loop that emits: bounded, in order, with every loss counted.

Owns one lane per session. A full lane counts what it drops and says so by a gap as soon as it has room.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

#: Observations a session's lane takes.
LANE_CAPACITY = 16_384
#: Observations emitted in one turn of the loop; the next turn serves everybody else first.
_PER_TURN = 32


@dataclass(frozen=True, slots=True)
class Observation:
    """What a source saw, on its way to becoming an event. `at` in Unix seconds."""

    session_id: str
    category: str
    type: str
    data: dict[str, Any]
    grade: str
    source: str
    at: float


def gap(session_id: str, category: str, source: str, reason: str, **more: Any) -> Observation:
    """Something was missed: how much if that is known (`missed`), and why."""
    data = {"reason": reason, "missed": None, **more}
    return Observation(session_id, category, "gap", data, "exact", source, time.time())


@dataclass(slots=True)
class _Lane:
    waiting: deque[Observation | Callable[[], None]] = field(default_factory=deque)
    missed: dict[tuple[str, str], int] = field(default_factory=dict)  # by category and source


class Delivery:
    """`put` from any thread, `emit` on the loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        emit: Callable[[Observation], None],
        *,
        capacity: int = LANE_CAPACITY,
    ) -> None:
        self._loop = loop
        self._emit = emit
        self._capacity = capacity
        self._lock = threading.Lock()
        self._lanes: dict[str, _Lane] = {}
        self._scheduled = False
        self._closed = False

    def put(self, observation: Observation) -> None:
        """Queue what was seen, or count it as missed."""
        with self._lock:
            lane = self._lanes.setdefault(observation.session_id, _Lane())
            if len(lane.waiting) >= self._capacity:
                key = observation.category, observation.source
                lane.missed[key] = lane.missed.get(key, 0) + 1
                return
            _tell_missed(observation.session_id, lane)
            lane.waiting.append(observation)
            self._schedule()

    def after(self, session_id: str, call: Callable[[], None]) -> None:
        """Have a call made on the loop once everything put so far for that session was emitted."""
        with self._lock:
            lane = self._lanes.setdefault(session_id, _Lane())
            _tell_missed(session_id, lane)
            lane.waiting.append(call)
            self._schedule()

    def forget(self, session_id: str) -> None:
        """That session is over; what waits is dropped, calls are made."""
        with self._lock:
            lane = self._lanes.pop(session_id, None)
        if lane is not None:
            for item in lane.waiting:
                if not isinstance(item, Observation):
                    item()

    def close(self) -> None:
        """Emit nothing more."""
        with self._lock:
            self._closed = True
            self._lanes.clear()

    def _schedule(self) -> None:
        if not self._scheduled and not self._closed:
            self._scheduled = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
                self._loop.call_soon_threadsafe(self._turn)

    def _turn(self) -> None:
        with self._lock:
            for session_id, lane in self._lanes.items():
                if len(lane.waiting) < self._capacity:
                    _tell_missed(session_id, lane)
            batch = self._take()
            self._scheduled = bool(batch)
        for item in batch:
            if isinstance(item, Observation):
                self._emit(item)
            else:
                item()
        if batch:
            self._loop.call_soon(self._turn)

    def _take(self) -> list[Observation | Callable[[], None]]:
        """A share of every lane; empty ones are dropped."""
        self._lanes = {key: lane for key, lane in self._lanes.items() if lane.waiting}
        open_lanes = list(self._lanes.values())
        batch: list[Observation | Callable[[], None]] = []
        for lane in open_lanes:
            for _ in range(min(len(lane.waiting), max(1, _PER_TURN // len(open_lanes)))):
                batch.append(lane.waiting.popleft())
        return batch


def _tell_missed(session_id: str, lane: _Lane) -> None:
    for (category, source), count in lane.missed.items():
        lane.waiting.append(gap(session_id, category, source, "queue_full", missed=count))
    lane.missed.clear()
