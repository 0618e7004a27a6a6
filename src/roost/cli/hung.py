"""A daemon that is there and does not answer: stopped, or busy without end. Its end would lose nothing."""

from __future__ import annotations

import os

from roost.errors import UnavailableError
from roost.paths import Paths

#: How long one that is well may take, on a machine with a lot to do.
ANSWERS_WITHIN_S = 10.0


def hung_error(scope: str | None, within_s: float = ANSWERS_WITHIN_S) -> UnavailableError:
    """What to tell of it, and how to get rid of it."""
    pid = _holder(Paths.for_scope(scope).daemon_lock)
    return UnavailableError(
        f"the daemon (pid {pid or 'unknown'}) does not answer within {within_s:g} s; "
        f"`kill -KILL {pid or 'PID'}` ends it: sessions run on, and the next daemon finds them"
    )


def _holder(lock: str) -> int:
    """The pid in the daemon's lock file, 0 where it is not known or not alive."""
    try:
        with open(lock) as file:
            pid = int(file.readline())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return 0
    return pid
