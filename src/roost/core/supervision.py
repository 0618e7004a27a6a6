"""What becomes of a service: pure decisions about starts, exits and restarts. The time is handed in.

    stopped ──start──▶ starting ──spawned──▶ online ──stop──▶ stopping ──gone──▶ stopped
       ▲                  ▲    ╲               │   ╲──restart──▶ restarting ──gone──▶ starting
       │                  │     ╲ spawn failed │ exit
       │ stop             │ due  ▼             ▼
       ├──────────────  waiting ◀── policy wants it again, and not more than max_restarts in a row
       ├──────────────  errored ◀── it wants it again, but that was the last time
       └──────────────  exited  ◀── it does not: `never`, or `on-failure` after exit code 0

Every state can be stopped or started. Crashes in a row decide: an uptime of `min_uptime_ms` makes the next one the
first again. The n-th waits 2^(n-1) times `restart_delay_ms`, at most MAX_DELAY_MS (a longer base is kept). `restarts`
counts every restart since somebody started the service, asked-for ones too. Times are Unix seconds: they outlive the
daemon, and the exit that happened while none lived is judged by the time at which it happened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

STARTING, ONLINE, WAITING = "starting", "online", "waiting"
STOPPING, RESTARTING = "stopping", "restarting"
STOPPED, EXITED, ERRORED = "stopped", "exited", "errored"
#: States in which a service is meant to run.
ACTIVE = frozenset({STARTING, ONLINE, WAITING, RESTARTING})
#: States that nothing but a request ends.
SETTLED = frozenset({STOPPED, EXITED, ERRORED})

ALWAYS, ON_FAILURE, NEVER = "always", "on-failure", "never"
RESTARTS = (ALWAYS, ON_FAILURE, NEVER)

DEFAULT_DELAY_MS, DEFAULT_MIN_UPTIME_MS = 500, 2000
MAX_DELAY_MS = 30_000


@dataclass(frozen=True, slots=True)
class Policy:
    """When a service that ended by itself is started again. `max_restarts`: 0 for any number in a row."""

    restart: str = ALWAYS
    max_restarts: int = 0
    delay_ms: int = DEFAULT_DELAY_MS
    min_uptime_ms: int = DEFAULT_MIN_UPTIME_MS

    def wants(self, code: int | None) -> bool:
        """Whether it is to run again after that exit code; an unknown one counts as a failure."""
        return self.restart == ALWAYS or (self.restart == ON_FAILURE and code != 0)

    def delay_s(self, crashes: int) -> float:
        """How long the restart after so many crashes in a row waits."""
        doubled = self.delay_ms << min(max(crashes - 1, 0), 32)
        return min(doubled, max(self.delay_ms, MAX_DELAY_MS)) / 1000


@dataclass(frozen=True, slots=True)
class Life:
    """Where a service stands. `code`: of its last exit, minus n for signal n, None when unknown; `reason`: in words."""

    state: str = STOPPED
    crashes: int = 0
    restarts: int = 0
    started_at: float = 0.0
    exited_at: float = 0.0
    code: int | None = None
    due_at: float = 0.0
    reason: str = ""


def begun(life: Life) -> Life:
    """Somebody starts it: all counting begins again."""
    return replace(life, state=STARTING, crashes=0, restarts=0, reason="")


def begun_again(life: Life) -> Life:
    """It is started once more, by the policy or on request."""
    return replace(life, state=STARTING, restarts=life.restarts + 1, reason="")


def asked_again(life: Life) -> Life:
    """Somebody restarts it: crashes are forgotten, the restart is counted."""
    return begun_again(replace(life, crashes=0))


def spawned(life: Life, *, at: float) -> Life:
    """The child runs."""
    return replace(life, state=ONLINE, started_at=at, due_at=0.0)


def not_spawned(life: Life, policy: Policy, *, reason: str, at: float) -> Life:
    """There is no child, for that reason: a crash without an uptime."""
    return _crashed(replace(life, reason=reason), policy, life.crashes, at)


def ended(life: Life, policy: Policy, *, code: int | None, at: float) -> Life:
    """The child ended, and nobody had asked for it."""
    uptime_ms = (at - life.started_at) * 1000
    life = replace(life, code=code, exited_at=at, reason="")
    if not policy.wants(code):
        return replace(life, state=EXITED, crashes=0)
    return _crashed(life, policy, 0 if uptime_ms >= policy.min_uptime_ms else life.crashes, at)


def _crashed(life: Life, policy: Policy, before: int, at: float) -> Life:
    crashes = before + 1
    if policy.max_restarts and crashes > policy.max_restarts:
        reason = life.reason or f"ended {crashes} times in a row, each within {policy.min_uptime_ms} ms"
        return replace(life, state=ERRORED, crashes=crashes, reason=reason)
    return replace(life, state=WAITING, crashes=crashes, due_at=at + policy.delay_s(crashes))


def remaining_s(life: Life, policy: Policy, *, now: float) -> float:
    """How long a waiting service still waits; a clock that was set back makes it no longer than the whole delay."""
    return min(max(0.0, life.due_at - now), policy.delay_s(life.crashes))


def ending(life: Life, *, again: bool) -> Life:
    """Somebody stops it (`again`: to start it once more) and the child is being ended."""
    return replace(life, state=RESTARTING if again else STOPPING)


def stopped(life: Life) -> Life:
    """It is down because somebody wanted that."""
    return replace(life, state=STOPPED, crashes=0, due_at=0.0, reason="")


def saw_end(life: Life, *, code: int | None, at: float) -> Life:
    """Note how an end that was asked for came out."""
    return replace(life, code=code, exited_at=at)


def found_alone(life: Life, policy: Policy, *, now: float) -> Life:
    """What a new daemon makes of a service whose child it cannot find: the machine or the keeper was restarted.

    A start that was under way never happened; a running child has ended, nobody knows how.
    """
    if life.state == ONLINE:
        return ended(life, policy, code=None, at=now)
    if life.state in (STARTING, RESTARTING):
        return replace(life, state=WAITING, due_at=now)
    return stopped(life) if life.state == STOPPING else life
