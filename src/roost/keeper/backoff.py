"""When a daemon that died is started again. Pure: times are passed in."""

from __future__ import annotations

LAST_S = 60.0
#: Starts that cost nothing: a daemon may be killed a few times in a row without anybody noticing.
FREE = 3
#: A daemon that served for so long pays for one start. One that is killed as soon as it answers has lived longer, so
#: whoever kills daemons all day never waits; one that cannot say hello, or dies of what it adopts, has not.
PAID_AFTER_S = 0.05
_MOST = FREE + 7


class Backoff:
    """At once for daemons that served; for those that die as they come a few times at once, then after 1, 2, 4 … 60 s.

    `attempts`: starts that no service has paid for yet.
    """

    __slots__ = ("attempts",)

    def __init__(self, attempts: int = 0) -> None:
        self.attempts = attempts

    def next_delay_s(self, lived_s: float) -> float:
        """How long to wait after a daemon that lived that long (0: it never said hello)."""
        self.attempts = max(0, self.attempts - int(lived_s / PAID_AFTER_S))
        delay = 0.0 if self.attempts < FREE else min(LAST_S, 2.0 ** (self.attempts - FREE))
        self.attempts = min(self.attempts + 1, _MOST)
        return delay
