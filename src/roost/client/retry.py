"""When to try again after the daemon went away, when to start one, and when to give up.

Owns the schedules; pure, the time is passed in.
"""

from __future__ import annotations

from roost.client.faults import ConnectionLostError, DaemonAbsentError
from roost.errors import UnavailableError

FIRST_PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.05
GIVE_UP_AFTER_S = 60.0
#: The keeper starts a killed daemon again within a second or so: a client only steps in when it did not.
START_DAEMON_AFTER_S = 2.0
#: A daemon that was started and is not listening by then is taken for dead.
START_DAEMON_AGAIN_AFTER_S = 10.0


class RetrySchedule:
    """One outage: the first attempt at once, then with doubling pauses, for a minute."""

    __slots__ = ("_give_up_at", "_pause_s", "_start_daemon_at", "next_at")

    def __init__(self, now: float) -> None:
        self.next_at = now
        self._pause_s = FIRST_PAUSE_S
        self._give_up_at = now + GIVE_UP_AFTER_S
        self._start_daemon_at = now + START_DAEMON_AFTER_S

    def failed(self, now: float) -> None:
        """Takes note of an attempt that led nowhere."""
        self.next_at = now + self._pause_s
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2)

    def given_up(self, now: float) -> bool:
        """Whether it has taken too long."""
        return now >= self._give_up_at

    def daemon_due(self, now: float) -> bool:
        """Whether to start a daemon now; true once for each start that is due."""
        if now < self._start_daemon_at:
            return False
        self._start_daemon_at = now + START_DAEMON_AGAIN_AFTER_S
        return True


class CallRetry:
    """Whether one call is asked again after a failure. A call that may have been carried out is, only if repeatable.

    An absent daemon is an answer at the first attempt, and something that passes once the call has lost a connection.
    """

    def __init__(self, *, repeatable: bool) -> None:
        self._repeatable = repeatable
        self._schedule: RetrySchedule | None = None

    def pause_after(self, error: UnavailableError, now: float) -> float | None:
        """Seconds until the next attempt; None to let the error out."""
        if isinstance(error, ConnectionLostError):
            if error.delivered and not self._repeatable:
                return None
            if self._schedule is None or self._schedule.given_up(now):  # a call may live through several outages
                self._schedule = RetrySchedule(now)
                return 0.0
        elif not isinstance(error, DaemonAbsentError) or self._schedule is None or self._schedule.given_up(now):
            return None
        self._schedule.failed(now)
        return self._schedule.next_at - now
