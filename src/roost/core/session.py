"""The life of a session as a state machine: what a terminate, a passed deadline and an exit lead to.

Owns the states and the deadlines. Performs nothing: each event returns the effects to be performed, in order. `now` is
any clock that a later daemon of the same boot can go on with.

The theory. A session is RUNNING until a terminate asks its processes to end (SOFT) and, if the grace period was not
enough, forces them (HARD). Only the reaped status of the child makes it EXITED. What a terminate began goes on after
the child's exit, because its descendants may ignore the first signal: the deadline stays, and then the rest is killed.
A natural exit kills nobody. A terminate in SOFT restarts the clock; in HARD it kills again, never more gently.

              terminate          deadline passed      exited
    RUNNING   SOFT               -                    EXITED
    SOFT      SOFT (new clock)   HARD                 EXITED, clock goes on
    HARD      HARD (new clock)   HARD, clients leave  EXITED, clock stops
    EXITED    EXITED (leftovers) EXITED, leftovers    EXITED (ignored)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from roost.core.outcome import outcome_of

RUNNING, SOFT, HARD, EXITED = "running", "terminating_soft", "terminating_hard", "exited"
STATES = (RUNNING, SOFT, HARD, EXITED)

#: (state, event) → state. `terminate` and `passed` in EXITED concern only what the child left behind.
TRANSITIONS = {
    (RUNNING, "terminate"): SOFT,
    (SOFT, "terminate"): SOFT,
    (HARD, "terminate"): HARD,
    (EXITED, "terminate"): EXITED,
    (SOFT, "passed"): HARD,
    (HARD, "passed"): HARD,
    (EXITED, "passed"): EXITED,
    (RUNNING, "exited"): EXITED,
    (SOFT, "exited"): EXITED,
    (HARD, "exited"): EXITED,
    (EXITED, "exited"): EXITED,
}

#: v1's default where a request says 0, its least in a bulk terminate, and how long after the grace period a client is
#: kept waiting for an exit that does not come.
V1_GRACE_S = 2.0
V1_BULK_LEAST_GRACE_S = 0.001
CLIENTS_WAIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Termination:
    """A terminate under way, as it is stored with the session. at: when it was asked for; killed: the kill was sent."""

    at: float
    grace_s: float
    killed: bool = False

    @property
    def deadline(self) -> float:
        """When something is to happen if nothing has: the kill, after it the clients' release."""
        return self.at + self.grace_s + (CLIENTS_WAIT_S if self.killed else 0.0)


@dataclass(frozen=True, slots=True)
class SaveTermination:
    """Store it before anything is signalled, so that a new daemon goes on with it."""

    termination: Termination


@dataclass(frozen=True, slots=True)
class SignalTree:
    """Signal everything that belongs to the session; `kill` with SIGKILL until nothing is left, else with SIGTERM."""

    kill: bool


@dataclass(frozen=True, slots=True)
class ScheduleDeadline:
    """Call `deadline_passed` at that time; replaces the one before."""

    at: float


@dataclass(frozen=True, slots=True)
class ReleaseClients:
    """No exit is known in time: clients that wait for one are told that the session was terminated."""


@dataclass(frozen=True, slots=True)
class FinishClients:
    """Serve every client to the exit offset, then the exit. Unknown codes are None."""

    code: int | None
    signal: int | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Tell observers: "terminating", "killing" or "exited"."""

    event: str


Effect: TypeAlias = SaveTermination | SignalTree | ScheduleDeadline | ReleaseClients | FinishClients | Publish


class SessionLife:
    """One session's state. A new daemon passes the stored termination and asks `resumed` what to do."""

    __slots__ = ("code", "outcome", "signal", "state", "termination")

    def __init__(self, termination: Termination | None = None) -> None:
        self.termination = termination
        self.state = RUNNING if termination is None else HARD if termination.killed else SOFT
        self.code: int | None = None
        self.signal: int | None = None
        self.outcome: str | None = None

    def resumed(self) -> list[Effect]:
        """What to do first after the daemon was replaced; a deadline in the past passes at once."""
        if self.termination is None:
            return []
        signals: list[Effect] = [SignalTree(kill=True)] if self.termination.killed else []
        return [*signals, ScheduleDeadline(self.termination.deadline)]

    def terminate(self, now: float, grace_s: float) -> list[Effect]:
        """Somebody asks for the end; grace_s: until force is used."""
        kill = self.state == HARD
        self._move("terminate")
        self.termination = Termination(now, grace_s, kill)
        return [
            SaveTermination(self.termination),
            SignalTree(kill=kill),
            ScheduleDeadline(self.termination.deadline),
            *([] if self.state == EXITED else [Publish("terminating")]),
        ]

    def deadline_passed(self, now: float) -> list[Effect]:
        """The scheduled time has come. Too early a call is answered with the right time."""
        if self.termination is None:
            return []
        if now < self.termination.deadline:
            return [ScheduleDeadline(self.termination.deadline)]
        before = self.state
        self._move("passed")
        if before == HARD:
            return [ReleaseClients()]
        if before == EXITED:
            self.termination = None
            return [SignalTree(kill=True)]
        self.termination = Termination(self.termination.at, self.termination.grace_s, killed=True)
        return [
            SaveTermination(self.termination),
            SignalTree(kill=True),
            ScheduleDeadline(self.termination.deadline),
            Publish("killing"),
        ]

    def exited(self, now: float, code: int | None, signal: int | None) -> list[Effect]:
        """The child was reaped at `now`; its stream is drained. A second notice changes nothing."""
        if self.state == EXITED:
            return []
        self._move("exited")
        ended = self.termination
        self.code, self.signal = code, signal
        self.outcome = outcome_of(
            exited_at=now,
            terminated_at=ended.at if ended else None,
            grace_s=ended.grace_s if ended else 0.0,
            killed=ended.killed if ended else False,
        )
        if ended and ended.killed:
            self.termination = None
        return [FinishClients(code, signal, self.outcome), Publish("exited")]

    def _move(self, event: str) -> None:
        self.state = TRANSITIONS[self.state, event]
