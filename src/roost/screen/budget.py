"""How much of a processor showing output may take, beside what somebody waits for.

Owns the sum. A flood is followed in steps that together stay within the share; a ring that is lapped meanwhile is begun
anew behind it. What somebody asks for is done at once, whatever was spent.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

#: The share of one processor, and what may be saved up while nothing happens.
SHARE = 0.1
BURST_S = 0.03
#: Waiting for less than this is not worth the wake-up.
_QUANTUM_S = 0.002


class Budget:
    """Time to spend, in seconds of processor time."""

    def __init__(self, share: float = SHARE, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._clock = clock
        self._at = clock()
        self.left_s = BURST_S

    def refill(self) -> None:
        """Add what has come together since the last time."""
        now = self._clock()
        self.left_s = min(BURST_S, self.left_s + (now - self._at) * self._share)
        self._at = now

    @contextlib.contextmanager
    def spending(self) -> Iterator[None]:
        """Count what is done within."""
        began = time.thread_time()
        yield
        self.left_s -= time.thread_time() - began

    @property
    def full(self) -> bool:
        """Whether as much is saved up as can be."""
        return self.left_s >= BURST_S

    def wait_s(self) -> float:
        """How long until there is something to spend."""
        return max(0.0, (_QUANTUM_S - self.left_s) / self._share)

    def full_in_s(self) -> float:
        """How long until as much is saved up as can be."""
        return max(0.0, (BURST_S - self.left_s) / self._share)
