"""How often somebody may ask: a bucket that fills at a steady rate. Pure; the time is passed in."""

from __future__ import annotations


class Bucket:
    """Holds up to `burst`, fills by `per_s` a second."""

    __slots__ = ("_at", "_left", "burst", "per_s")

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self.per_s = per_s
        self.burst = burst
        self._left = burst
        self._at = now

    def take(self, now: float) -> float:
        """Take one; 0.0 if there was one, else the seconds until there is."""
        self._left = min(self.burst, self._left + (now - self._at) * self.per_s)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self.per_s


class Buckets:
    """A bucket for each name, of the names seen lately; the number of names is bounded."""

    def __init__(self, per_s: float, burst: float, most: int = 1024) -> None:
        self._per_s = per_s
        self._burst = burst
        self._most = most
        self._buckets: dict[str, Bucket] = {}

    def take(self, name: str, now: float) -> float:
        """Take one from the bucket of that name; the seconds to wait, 0.0 for none."""
        bucket = self._buckets.pop(name, None)
        if bucket is None:
            if len(self._buckets) >= self._most:
                del self._buckets[next(iter(self._buckets))]  # the one that was asked for longest ago
            bucket = Bucket(self._per_s, self._burst, now)
        self._buckets[name] = bucket
        return bucket.take(now)
