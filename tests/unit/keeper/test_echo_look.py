"""The look for an echo: how long it is, and how many keystrokes go without one where it never pays off."""

from __future__ import annotations

from typing import Any

import pytest

from roost.keeper import echo_look
from roost.keeper.echo_look import LOOK_S, SKIPS_MOST, EchoLook

STREAM: Any = object()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(echo_look, "time", clock)
    return clock


def look_in_vain(look: EchoLook, clock: Clock) -> None:
    look.begin(STREAM)
    clock.now += LOOK_S * 1.01
    look.give_way()


def keystrokes_without(look: EchoLook) -> int:
    """How many keystrokes go by until one is worth a look."""
    return next(count for count in range(1000) if look.pays_off())


def test_it_looks_for_so_long_and_no_longer(clock: Clock) -> None:
    look = EchoLook()
    look.begin(STREAM)
    clock.now += LOOK_S * 0.99
    look.give_way()
    assert look.stream is STREAM
    clock.now += LOOK_S * 0.02
    look.give_way()
    assert look.stream is None


def test_more_and_more_keystrokes_go_without_one_while_it_is_in_vain(clock: Clock) -> None:
    look, skipped = EchoLook(), []
    for _ in range(9):
        skipped.append(keystrokes_without(look))
        look_in_vain(look, clock)
    assert skipped == [0, 1, 3, 7, 15, 31, 63, SKIPS_MOST, SKIPS_MOST]


def test_an_echo_that_came_makes_each_keystroke_worth_one_again(clock: Clock) -> None:
    look = EchoLook()
    for _ in range(4):
        look_in_vain(look, clock)
        keystrokes_without(look)
    look.begin(STREAM)
    look.found()
    assert look.stream is None
    assert keystrokes_without(look) == 0
    look_in_vain(look, clock)
    assert keystrokes_without(look) == 1
