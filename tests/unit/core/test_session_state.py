"""Whom is believed about the state of a session."""

from __future__ import annotations

from dataclasses import replace

import pytest

from roost.core.session_state import Told, choose, told_by_agent

START = Told("unknown", "", 0.0, 0.0)
EXITED = Told("exited", "exit", 1.0, 9.0)
AGENT = Told("working", "agent", 1.0, 5.0)
RUNS = Told("working", "shell", 0.9, 2.0)
PROMPT = Told("idle", "shell", 0.95, 6.0)
SCREEN = Told("blocked", "screen", 0.9, 4.0, "approval")


@pytest.mark.parametrize(
    ("exited", "agent", "shell", "screen", "expected"),
    [
        (None, None, None, None, START),
        (None, None, None, SCREEN, SCREEN),
        (None, None, RUNS, None, RUNS),
        (None, None, RUNS, SCREEN, SCREEN),
        (None, None, PROMPT, SCREEN, PROMPT),
        (None, AGENT, RUNS, SCREEN, AGENT),
        (None, AGENT, PROMPT, None, PROMPT),
        (None, AGENT, Told("idle", "shell", 0.95, 1.0), None, AGENT),
        (EXITED, AGENT, PROMPT, SCREEN, EXITED),
    ],
)
def test_who_is_believed(
    exited: Told | None, agent: Told | None, shell: Told | None, screen: Told | None, expected: Told
) -> None:
    assert choose(exited, agent, shell, screen, START) == expected


@pytest.mark.parametrize(
    ("type", "data", "expected"),
    [
        ("response_start", {}, ("working", "")),
        ("tool_lifecycle", {"phase": "end"}, ("working", "")),
        ("approval_lifecycle", {"phase": "requested"}, ("blocked", "approval")),
        ("approval_lifecycle", {"phase": "granted"}, ("working", "")),
        ("response_end", {}, ("done", "")),
        ("generic", {"state": "blocked", "detail": "question"}, ("blocked", "question")),
        ("generic", {"state": "idle", "detail": "question"}, ("idle", "")),
        ("generic", {"state": "exited"}, None),
        ("generic", {}, None),
        ("job_lifecycle", {"phase": "start"}, None),
    ],
)
def test_what_an_agents_event_stands_for(type: str, data: dict[str, str], expected: tuple[str, str] | None) -> None:
    assert told_by_agent(type, data) == expected


def test_what_a_screen_told_is_out_of_date_with_the_next_output_unless_somebody_looks() -> None:
    looked_away = replace(SCREEN, until=100)
    assert not looked_away.out_of_date(100)
    assert looked_away.out_of_date(101)
    assert not SCREEN.out_of_date(101)


def test_nothing_known_is_not_idle() -> None:
    assert START.describe(1.0)["state"] == "unknown"
    assert START.describe(1.0)["source"] is None
