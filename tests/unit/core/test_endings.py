"""How sessions end: outcomes, codes, and the life of a session under terminate."""

from __future__ import annotations

import itertools

import pytest

from roost.core.outcome import outcome_of, shell_code, signed_code, split_code
from roost.core.session import (
    EXITED,
    HARD,
    RUNNING,
    SOFT,
    STATES,
    TRANSITIONS,
    FinishClients,
    Publish,
    ReleaseClients,
    SaveTermination,
    ScheduleDeadline,
    SessionLife,
    SignalTree,
    Termination,
)


@pytest.mark.parametrize(
    ("exited_at", "terminated_at", "killed", "outcome"),
    [
        (50.0, None, False, "natural"),
        (11.0, 10.0, False, "soft"),
        (12.25, 10.0, False, "soft"),
        (12.26, 10.0, False, "hard"),
        (10.5, 10.0, True, "hard"),
    ],
)
def test_outcomes(exited_at: float, terminated_at: float | None, killed: bool, outcome: str) -> None:
    assert outcome_of(exited_at=exited_at, terminated_at=terminated_at, grace_s=2.0, killed=killed) == outcome


@pytest.mark.parametrize(("code", "signal", "signed", "shell"), [(0, None, 0, 0), (7, None, 7, 7), (None, 9, -9, 137)])
def test_codes_in_their_three_forms(code: int | None, signal: int | None, signed: int, shell: int) -> None:
    assert signed_code(code, signal) == signed
    assert shell_code(code, signal) == shell
    assert split_code(signed) == (code, signal)


def test_unknown_stays_unknown() -> None:
    assert signed_code(None, None) is None
    assert shell_code(None, None) is None
    assert split_code(None) == (None, None)


def test_a_natural_exit_kills_nobody() -> None:
    life = SessionLife()
    assert life.exited(5.0, 3, None) == [FinishClients(3, None, "natural"), Publish("exited")]
    assert life.deadline_passed(99.0) == []
    assert life.exited(6.0, 0, None) == []
    assert (life.state, life.code) == (EXITED, 3)


def test_a_terminate_saves_before_it_signals() -> None:
    life = SessionLife()
    effects = life.terminate(10.0, 2.0)
    assert effects[:3] == [SaveTermination(Termination(10.0, 2.0)), SignalTree(kill=False), ScheduleDeadline(12.0)]
    assert life.state == SOFT


def test_grace_passed_kills_and_then_lets_clients_go() -> None:
    life = SessionLife()
    life.terminate(10.0, 2.0)
    assert life.deadline_passed(11.0) == [ScheduleDeadline(12.0)]
    effects = life.deadline_passed(12.0)
    assert SignalTree(kill=True) in effects
    assert ScheduleDeadline(14.0) in effects
    assert life.state == HARD
    assert life.deadline_passed(14.0) == [ReleaseClients()]
    assert life.exited(20.0, None, 9)[0] == FinishClients(None, 9, "hard")


def test_a_second_terminate_restarts_the_clock_and_never_softens() -> None:
    life = SessionLife()
    life.terminate(10.0, 2.0)
    assert ScheduleDeadline(16.0) in life.terminate(11.0, 5.0)
    assert life.exited(15.0, None, 15)[0] == FinishClients(None, 15, "soft")
    hard = SessionLife(Termination(10.0, 2.0, killed=True))
    assert SignalTree(kill=True) in hard.terminate(13.0, 2.0)
    assert hard.state == HARD


def test_what_ignores_the_first_signal_is_killed_also_after_the_childs_exit() -> None:
    life = SessionLife()
    life.terminate(10.0, 2.0)
    life.exited(10.1, 0, None)
    assert life.deadline_passed(12.0) == [SignalTree(kill=True)]
    assert life.deadline_passed(13.0) == []


def test_terminate_after_exit_concerns_leftovers_only() -> None:
    life = SessionLife()
    life.exited(5.0, 0, None)
    assert SignalTree(kill=False) in life.terminate(10.0, 1.0)
    assert life.deadline_passed(11.0) == [SignalTree(kill=True)]
    assert (life.state, life.outcome) == (EXITED, "natural")


def test_a_new_daemon_goes_on_with_a_terminate() -> None:
    assert SessionLife().resumed() == []
    life = SessionLife(Termination(10.0, 2.0))
    assert life.resumed() == [ScheduleDeadline(12.0)]
    assert SignalTree(kill=True) in life.deadline_passed(60.0)
    assert SessionLife(Termination(10.0, 2.0, killed=True)).resumed() == [SignalTree(kill=True), ScheduleDeadline(14.0)]


def test_every_event_has_a_row_in_the_table() -> None:
    missing = set(itertools.product(STATES, ("terminate", "passed", "exited"))) - set(TRANSITIONS)
    assert missing == {(RUNNING, "passed")}
