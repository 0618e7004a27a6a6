"""A limit to how often something may happen, with room for bursts. Pure: the time is passed in."""

from __future__ import annotations


class TokenBucket:
    """So many in a row, then so many a second. `refused` counts what was over it."""

    __slots__ = ("_at", "_burst", "_left", "_per_s", "refused")

    def __init__(self, per_s: float, burst: int, now: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = float(burst)
        self._at = now
        self.refused = 0

    def take(self, now: float) -> bool:
        """Whether one more may happen now."""
        self._left = min(self._burst, self._left + max(0.0, now - self._at) * self._per_s)
        self._at = max(self._at, now)
        if self._left < 1:
            self.refused += 1
            return False
        self._left -= 1
        return True
