"""The schedules of an outage."""

from __future__ import annotations

import pytest

from roost.client.faults import ConnectionLostError, DaemonAbsentError
from roost.client.retry import GIVE_UP_AFTER_S, CallRetry, RetrySchedule
from roost.errors import UnavailableError

LOST = ConnectionLostError("lost", delivered=True)
NOT_SENT = ConnectionLostError("lost", delivered=False)
ABSENT = DaemonAbsentError("absent")


def test_the_first_attempt_is_at_once_and_pauses_grow_up_to_50_ms() -> None:
    schedule = RetrySchedule(100.0)
    assert schedule.next_at == 100.0
    pauses = []
    for _ in range(8):
        schedule.failed(200.0)
        pauses.append(round(schedule.next_at - 200.0, 3))
    assert pauses == [0.01, 0.02, 0.04, 0.05, 0.05, 0.05, 0.05, 0.05]


def test_a_daemon_is_started_after_two_seconds_and_again_only_much_later() -> None:
    schedule = RetrySchedule(0.0)
    assert [now for now in (0, 1.9, 2.1, 2.2, 5, 12, 12.2) if schedule.daemon_due(now)] == [2.1, 12.2]


def test_it_gives_up_after_a_minute() -> None:
    schedule = RetrySchedule(0.0)
    assert not schedule.given_up(59.9)
    assert schedule.given_up(GIVE_UP_AFTER_S)


def test_what_may_have_been_carried_out_is_not_repeated() -> None:
    assert CallRetry(repeatable=False).pause_after(LOST, 0) is None
    assert CallRetry(repeatable=False).pause_after(NOT_SENT, 0) == 0
    assert CallRetry(repeatable=True).pause_after(LOST, 0) == 0


def test_an_absent_daemon_is_waited_for_only_after_a_loss() -> None:
    assert CallRetry(repeatable=True).pause_after(ABSENT, 0) is None
    retry = CallRetry(repeatable=True)
    assert retry.pause_after(LOST, 0) == 0
    assert retry.pause_after(ABSENT, 1) == pytest.approx(0.01)
    assert retry.pause_after(ABSENT, GIVE_UP_AFTER_S) is None


def test_what_the_daemon_itself_calls_unavailable_is_not_repeated() -> None:
    assert CallRetry(repeatable=True).pause_after(UnavailableError("keeper gone"), 0) is None


def test_a_call_lives_through_several_outages() -> None:
    retry = CallRetry(repeatable=True)
    assert retry.pause_after(LOST, 0) == 0
    assert retry.pause_after(LOST, 1000) == 0
    assert retry.pause_after(ABSENT, 1001) == pytest.approx(0.01)
