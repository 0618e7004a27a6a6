"""When a lane looks at its queue: at once, or when events have been gathered for as long as its sink wants.

Owns the timer. Knows nothing of the queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from roost.hooks.sink import Sink

#: Types that come so often that they are gathered for a while instead of waking the sink each time.
GATHERED = frozenset({"response_delta"})
GATHER_S = 0.1


class Gathering:
    """`due` is set when it is time."""

    def __init__(self, sink: Sink) -> None:
        self.due = asyncio.Event()
        self._sink = sink
        self._timer: asyncio.TimerHandle | None = None
        self._long = False  # only events of types that are gathered for long have come since

    def add(self, type: str, is_much: Callable[[], bool]) -> None:
        """An event of that type came into the queue. `is_much`: whether what is there is worth a delivery already."""
        if self.due.is_set():
            return
        long = type in GATHERED
        if self._timer is None or (self._long and not long):
            self._stop()
            seconds = max(self._sink.gather_s, GATHER_S) if long else self._sink.gather_s
            if not seconds:
                self.due.set()
                return
            self._timer = asyncio.get_running_loop().call_later(seconds, self.due.set)
            self._long = long
        if is_much():
            self.due.set()

    def begin_anew(self) -> None:
        """The queue is empty: what comes from now on is gathered from its own beginning, also while a sink is busy."""
        self.due.clear()
        self._stop()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
