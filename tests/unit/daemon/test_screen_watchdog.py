"""A worker that says nothing hangs only if that is not the doing of others."""

from __future__ import annotations

import os

import pytest

from roost.daemon.screens.worker_link import HUNG_S, STARVED_S, hangs
from roost.platform.processes import cpu_seconds


@pytest.mark.parametrize(
    ("state", "spent_s", "quiet_s", "expected"),
    [
        ("T", 0.0, HUNG_S, True),
        ("S", 0.1, HUNG_S, True),
        ("", 0.0, HUNG_S, True),
        ("R", 0.6, HUNG_S, False),
        ("R", HUNG_S, HUNG_S, True),
        ("R", 0.6, STARVED_S, True),
    ],
)
def test_it_hangs_unless_it_is_kept_from_the_processor(
    state: str, spent_s: float, quiet_s: float, expected: bool
) -> None:
    assert hangs(state, spent_s, quiet_s) is expected


def test_the_processor_time_of_a_process_is_known() -> None:
    spent_s = cpu_seconds(os.getpid())
    sum(range(10**6))
    assert cpu_seconds(os.getpid()) > spent_s > 0
    assert cpu_seconds(2**22 + 5) == 0.0
