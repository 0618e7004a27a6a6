"""When a daemon that died is started again. Pure: times are passed in."""

from __future__ import annotations

LAST_S = 60.0
FORGIVEN_AFTER_S = 60.0


class Backoff:
    """At once, then after 1, 2, 4 … 60 s; a daemon that lived for a minute wipes the slate."""

    __slots__ = ("attempts",)

    def __init__(self, attempts: int = 0) -> None:
        self.attempts = attempts

    def next_delay_s(self, lived_s: float) -> float:
        """How long to wait after a daemon that lived that long (0: it never said hello)."""
        if lived_s >= FORGIVEN_AFTER_S:
            self.attempts = 0
        delay = 0.0 if self.attempts == 0 else min(LAST_S, 2.0 ** (self.attempts - 1))
        self.attempts = min(self.attempts + 1, 10)
        return delay
