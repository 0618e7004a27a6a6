"""Work that nobody waits for, put off until the daemon would otherwise wait itself.

Owns the order and the bounds: what was left first is done first, a moment after it was left at the latest, and before
anybody can tell that it was not done yet. Who could tell calls `settle` first: whoever looks at the sessions there are,
emits an event, listens for events, or asks for anything but another start.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from functools import partial

log = logging.getLogger(__name__)

#: How long it is left at most. Between starts in a row there is less than that.
WITHIN_S = 0.002
#: How much is left at most.
MOST = 4


class Behind:
    """What is left to be done, in order. Each piece runs to its end before the next one begins."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._left: deque[Callable[[], object]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._at_work = False

    def leave(self, work: Callable[[], object]) -> None:
        """Have it done soon, in the context of the caller."""
        self._left.append(partial(copy_context().run, work))
        if len(self._left) > MOST:
            self.settle()
        elif self._timer is None:
            self._timer = self._loop.call_later(WITHIN_S, self.settle)

    def settle(self) -> None:
        """Do all of it now; nothing for who is called by a piece of it."""
        if not self._left or self._at_work:
            return
        self._at_work = True
        try:
            while self._left:
                try:
                    self._left.popleft()()
                except Exception:
                    log.exception("something that was left to be done failed")
        finally:
            self._at_work = False
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
