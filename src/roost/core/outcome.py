"""How a session ended: the outcome of a termination, and the three ways to write an exit down.

Owns the rule and the conversions. Unknown is a value of its own, never 0.
"""

from __future__ import annotations

import signal as signals

NATURAL = "natural"
SOFT = "soft"
HARD = "hard"
UNKNOWN = "unknown"

#: v1: an exit so much later than the grace period still counts as the first signal's doing.
SLACK_S = 0.25


def outcome_of(*, exited_at: float, terminated_at: float | None, grace_s: float, killed: bool) -> str:
    """natural without a terminate before; hard when the kill was sent or the exit came after grace + 0.25 s; else soft.

    All times are seconds on one clock; a second terminate has replaced the time and grace of the first.
    """
    if terminated_at is None:
        return NATURAL
    if killed or exited_at > terminated_at + grace_s + SLACK_S:
        return HARD
    return SOFT


def signed_code(code: int | None, signal: int | None) -> int | None:
    """The exit as v1 and SessionInfo write it: the code, minus the number for a signal, None when unknown."""
    return -signal if signal else code


def split_code(signed: int | None) -> tuple[int | None, int | None]:
    """(code, signal) from the signed form."""
    if signed is None:
        return None, None
    return (None, -signed) if signed < 0 else (signed, None)


def shell_code(code: int | None, signal: int | None) -> int | None:
    """The exit as a shell reports it: the code, 128 + n for a signal, None when unknown."""
    return 128 + signal if signal else code


def signal_name(number: int) -> str:
    """`SIGINT` for 2; real-time signals without a name of their own are `signal 40`."""
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"
