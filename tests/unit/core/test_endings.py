"""How sessions end: outcomes and codes."""

from __future__ import annotations

import pytest

from roost.core.outcome import outcome_of, shell_code, signed_code, split_code


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
