"""One deadline per operation, passed down to everything the operation waits for."""

from __future__ import annotations

from time import monotonic

from roost.errors import WaitTimeoutError

#: What `poll` can be told at most: 24 days.
_LONGEST_POLL_MS = 2**31 - 1


class Deadline:
    """The moment by which an operation has to be over; without a timeout it never comes."""

    __slots__ = ("_at", "timeout_s")

    def __init__(self, timeout_s: float | None) -> None:
        self.timeout_s = timeout_s
        self._at = None if timeout_s is None else monotonic() + timeout_s

    def remaining_s(self) -> float | None:
        """Seconds left, never negative; None without a limit."""
        return None if self._at is None else max(0.0, self._at - monotonic())

    @property
    def passed(self) -> bool:
        """Whether the moment has come."""
        return self._at is not None and monotonic() >= self._at

    def within_s(self, seconds: float) -> float:
        """The given pause, cut to what is left."""
        left = self.remaining_s()
        return seconds if left is None else min(seconds, left)

    def at_most(self, seconds: float) -> Deadline:
        """This deadline, or one in that many seconds if that is earlier."""
        return Deadline(self.within_s(seconds))

    def poll_ms(self) -> int | None:
        """What is left as `poll` takes it: whole milliseconds, rounded up so that it never spins."""
        left = self.remaining_s()
        return None if left is None else min(int(left * 1000 + 0.999), _LONGEST_POLL_MS)

    def error(self, waited_for: str, *, advice: str = "") -> WaitTimeoutError:
        """The error of an operation whose moment came first."""
        text = f"{waited_for}: not within {self.timeout_s:g} s" if self.timeout_s else waited_for
        return WaitTimeoutError(f"{text}; {advice}" if advice else text)
