"""The life of a service against a plain model, and the delays that its crashes cost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.core import supervision as sv
from roost.core.supervision import Life, Policy

policies = st.builds(
    Policy,
    restart=st.sampled_from(sv.RESTARTS),
    max_restarts=st.integers(0, 4),
    delay_ms=st.sampled_from([1, 500, 20_000, 40_000]),
    min_uptime_ms=st.sampled_from([1, 2000]),
)
codes = st.one_of(st.none(), st.integers(-64, 255))


@given(policy=policies, runs=st.lists(st.tuples(codes, st.floats(0, 10)), max_size=20))
def test_a_life_is_that_of_a_plain_counter(policy: Policy, runs: list[tuple[int | None, float]]) -> None:
    """Whatever the exits and uptimes: the same number of crashes in a row, the same state, the same delay."""
    now, in_a_row = 1e9, 0
    life = sv.spawned(sv.begun(Life()), at=now)
    for restarts, (code, uptime_s) in enumerate(runs, 1):
        started, now = now, now + uptime_s
        life = sv.ended(life, policy, code=code, at=now)
        assert life.code == code and life.exited_at == now
        if policy.restart == "never" or (policy.restart == "on-failure" and code == 0):
            assert life.state == sv.EXITED
            return
        in_a_row = 1 if (now - started) * 1000 >= policy.min_uptime_ms else in_a_row + 1
        assert life.crashes == in_a_row
        if policy.max_restarts and in_a_row > policy.max_restarts:
            assert life.state == sv.ERRORED and life.reason
            return
        assert life.state == sv.WAITING
        remaining = sv.remaining_s(life, policy, now=now)
        assert remaining == pytest.approx(policy.delay_s(in_a_row), abs=1e-4)
        now += remaining
        life = sv.spawned(sv.begun_again(life), at=now)
        assert (life.state, life.restarts) == (sv.ONLINE, restarts)


@given(policy=policies, crashes=st.integers(1, 200))
def test_delays_double_up_to_the_cap_and_never_shrink(policy: Policy, crashes: int) -> None:
    this, following = policy.delay_s(crashes), policy.delay_s(crashes + 1)
    cap = max(sv.MAX_DELAY_MS, policy.delay_ms) / 1000
    assert policy.delay_ms / 1000 <= this <= following <= cap
    assert following == min(2 * this, cap)


@given(policy=policies, now=st.floats(0, 2e9), due=st.floats(0, 2e9), crashes=st.integers(1, 9))
def test_a_clock_that_jumps_makes_no_wait_longer_than_the_delay(
    policy: Policy, now: float, due: float, crashes: int
) -> None:
    life = Life(state=sv.WAITING, crashes=crashes, due_at=due)
    assert 0 <= sv.remaining_s(life, policy, now=now) <= policy.delay_s(crashes)


def test_the_numbers_of_the_protocol() -> None:
    delays = [Policy().delay_s(n) for n in range(1, 9)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert Policy().min_uptime_ms == 2000 and Policy().max_restarts == 0


@pytest.mark.parametrize("state", sorted({*sv.ACTIVE, *sv.SETTLED, sv.STOPPING}))
def test_from_every_state_it_can_be_started_and_stopped(state: str) -> None:
    life = Life(state=state, crashes=3, restarts=7, reason="why", due_at=5.0)
    begun = sv.begun(life)
    assert (begun.state, begun.crashes, begun.restarts, begun.reason) == (sv.STARTING, 0, 0, "")
    stopped = sv.stopped(life)
    assert (stopped.state, stopped.crashes, stopped.reason, stopped.due_at) == (sv.STOPPED, 0, "", 0.0)
    again = sv.asked_again(life)
    assert (again.state, again.crashes, again.restarts) == (sv.STARTING, 0, 8)


@pytest.mark.parametrize(
    ("state", "restart", "expected"),
    [
        (sv.ONLINE, "always", sv.WAITING),
        (sv.ONLINE, "on-failure", sv.WAITING),
        (sv.ONLINE, "never", sv.EXITED),
        (sv.STARTING, "never", sv.WAITING),
        (sv.RESTARTING, "never", sv.WAITING),
        (sv.WAITING, "always", sv.WAITING),
        (sv.STOPPING, "always", sv.STOPPED),
        (sv.STOPPED, "always", sv.STOPPED),
        (sv.EXITED, "always", sv.EXITED),
        (sv.ERRORED, "always", sv.ERRORED),
    ],
)
def test_a_service_whose_child_is_nowhere(state: str, restart: str, expected: str) -> None:
    """A start that was under way is made good; a run that was lost counts as an exit with an unknown code."""
    found = sv.found_alone(Life(state=state, started_at=1.0, code=7), Policy(restart=restart), now=100.0)
    assert found.state == expected
    assert found.code == (None if state == sv.ONLINE else 7)


@given(policy=policies, attempts=st.integers(1, 10))
def test_a_start_that_fails_counts_as_a_crash_and_keeps_its_reason(policy: Policy, attempts: int) -> None:
    life = sv.begun(Life())
    for attempt in range(1, attempts + 1):
        life = sv.not_spawned(life, policy, reason="no such file", at=10.0)
        assert (life.crashes, life.reason) == (attempt, "no such file")
        if policy.max_restarts and attempt > policy.max_restarts:
            assert life.state == sv.ERRORED
            return
        assert life.state == sv.WAITING
        life = replace(life, state=sv.STARTING)
