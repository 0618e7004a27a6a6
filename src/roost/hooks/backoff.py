"""How long to wait after a failure: exponential, with jitter so that many do not come back at once. Pure."""

from __future__ import annotations


def wait_s(failures: int, *, first_s: float, most_s: float, chance: float | None = None) -> float:
    """Seconds to wait after that many failures in a row (from 1): between half of and the whole step."""
    if chance is None:
        import random  # here, since few daemons have a sink, and fewer one that fails

        chance = random.random()
    step = min(most_s, first_s * (1 << min(failures - 1, 40)))
    return step * (0.5 + 0.5 * chance)
