"""Playing a recording: what is written when, and what keys do. Time and keys are the test's."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.cli.player import Pace, Player
from roost.cli.player_keys import key_names
from roost.core.cast import Cast, CastEvent, CastHeader

EVENTS = [
    CastEvent(0, "o", "a"),
    CastEvent(1_000_000, "o", "b"),
    CastEvent(1_500_000, "m", "mark"),
    CastEvent(21_000_000, "o", "c"),
    CastEvent(22_000_000, "x", "0"),
]


class Stage:
    """Clock, keys and screen in one: waiting moves the clock, keys come at set times."""

    def __init__(self, pace: Pace, presses: list[tuple[float, str]]) -> None:
        self.now = 0.0
        self.presses = presses
        self.shown: list[tuple[float, str]] = []
        self.player = Player(
            lambda: Cast(CastHeader(), iter(EVENTS)), self.write, self.clear, self, lambda: self.now, pace
        )

    def write(self, data: bytes) -> None:
        self.shown.append((round(self.now, 3), data.decode()))

    def clear(self) -> None:
        self.shown.append((round(self.now, 3), "clear"))

    def wait(self, timeout_s: float | None) -> list[str]:
        until = float("inf") if timeout_s is None else self.now + timeout_s
        if self.presses and self.presses[0][0] <= until:
            at, key = self.presses.pop(0)
            self.now = max(self.now, at)
            return [key]
        assert timeout_s is not None, "paused for ever"
        self.now = until
        return []


def play(pace: Pace | None = None, *presses: tuple[float, str]) -> tuple[list[tuple[float, str]], bool]:
    stage = Stage(pace or Pace(), list(presses))
    ended = stage.player.run()
    return stage.shown, ended


def test_output_comes_at_its_time() -> None:
    assert play() == ([(0, "a"), (1, "b"), (21, "c")], True)


def test_speed_idle_limit_and_start() -> None:
    assert play(Pace(speed=2))[0] == [(0, "a"), (0.5, "b"), (10.5, "c")]
    assert play(Pace(idle_limit_us=500_000))[0] == [(0, "a"), (0.5, "b"), (1.5, "c")]
    assert play(Pace(start_us=20_000_000))[0] == [(0, "a"), (0, "b"), (1, "c")]


def test_a_pause_stops_time_and_steps_go_through_it() -> None:
    assert play(None, (0.5, "pause"), (9, "pause"))[0] == [(0, "a"), (9.5, "b"), (29.5, "c")]
    shown, _ = play(None, (0.5, "pause"), (5, "step"), (6, "step"), (7, "pause"))
    assert shown == [(0, "a"), (5, "b"), (26.5, "c")]


def test_forward_and_back_show_what_was_there() -> None:
    assert play(None, (0.5, "forward"))[0] == [(0, "a"), (0.5, "b"), (16, "c")]
    shown, _ = play(None, (3, "back"), (3.5, "forward"))
    assert shown == [(0, "a"), (1, "b"), (3, "clear"), (3, "a"), (3.5, "b"), (19, "c")]


def test_a_marker_is_jumped_to_and_quit_quits() -> None:
    assert play(None, (0.25, "marker"))[0] == [(0, "a"), (0.25, "b"), (19.75, "c")]
    assert play(None, (0.25, "quit")) == ([(0, "a")], False)


def test_answers_of_the_terminal_are_no_keys() -> None:
    answers = b"\x1b[?62;22c\x1bP>|xterm q ]\x1b\\\x1b]10;rgb:1/2/3 q\x07\x1b[12;40R\x1b[I"
    assert key_names(answers + b" q\x1b[C\x1bOD") == (["pause", "quit", "forward", "back"], b"")


@given(st.lists(st.integers(0, 40), max_size=5))
def test_keys_that_come_in_pieces_are_the_same_keys(cuts: list[int]) -> None:
    data = b" \x1b[C\x1b[?62;22c\x1bP>|q\x1b\\.]q"
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    names: list[str] = []
    rest = b""
    for start, end in itertools.pairwise(places):
        found, rest = key_names(rest + data[start:end])
        names += found
    assert (names, rest) == key_names(data)


@pytest.mark.parametrize("junk", [b"\x1bP" + b"x" * 5000, b"\x1b]" + b"y" * 5000])
def test_a_sequence_without_an_end_is_not_kept_for_ever(junk: bytes) -> None:
    assert key_names(junk) == ([], b"")
