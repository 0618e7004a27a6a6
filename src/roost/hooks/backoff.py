"""How long to wait after a failure: exponential, with jitter so that many do not come back at once. Pure."""

from __future__ import annotations

import random


def wait_s(failures: int, *, first_s: float, most_s: float, chance: float | None = None) -> float:
    """Seconds to wait after that many failures in a row (from 1): between half of and the whole step."""
    step = min(most_s, first_s * (1 << min(failures - 1, 40)))
    return step * (0.5 + 0.5 * (random.random() if chance is None else chance))
