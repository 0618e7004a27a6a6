"""Which size a terminal has with several clients."""

from __future__ import annotations

import pytest

from roost.core.sizing import Sizing, Winsize, check_size
from roost.errors import InvalidError


def test_sizes_are_checked_and_zero_keeps() -> None:
    assert check_size(0, 120, Winsize(40, 80)) == (40, 120)
    assert check_size(65535, 1) == (65535, 1)
    with pytest.raises(InvalidError, match="rows 70000"):
        check_size(70000, 80)
    with pytest.raises(InvalidError, match="cols -1"):
        check_size(24, -1)


def test_an_unknown_policy_is_named() -> None:
    with pytest.raises(InvalidError, match=r"'largest'.*latest, smallest"):
        Sizing(policy="largest")


def test_latest_follows_who_typed_last() -> None:
    sizing = Sizing()
    assert sizing.join("a", 30, 100) == (30, 100)
    assert sizing.join("b", 50, 150) == (50, 150)
    assert sizing.typed("a") == (30, 100)
    assert sizing.client_resized("b", 60, 160) == (30, 100)
    assert sizing.client_resized("a", 31, 0) == (31, 100)
    assert sizing.typed("b") == (60, 160)
    assert sizing.leave("b") == (31, 100)
    assert sizing.leave("a") == (31, 100)


def test_a_viewer_that_never_joined_changes_nothing() -> None:
    sizing = Sizing(Winsize(24, 80))
    assert sizing.typed("viewer") == (24, 80)
    assert sizing.client_resized("viewer", 1, 1) == (24, 80)
    assert sizing.leave("viewer") == (24, 80)


def test_smallest_fits_everybody() -> None:
    sizing = Sizing(policy="smallest")
    sizing.join("a", 30, 200)
    assert sizing.join("b", 50, 100) == (30, 100)
    assert sizing.typed("b") == (30, 100)
    assert sizing.client_resized("a", 20, 90) == (20, 90)
    assert sizing.leave("a") == (50, 100)


def test_leader_follows_the_first_to_come() -> None:
    sizing = Sizing(policy="leader")
    sizing.join("a", 30, 100)
    assert sizing.join("b", 50, 150) == (30, 100)
    assert sizing.typed("b") == (30, 100)
    assert sizing.leave("a") == (50, 150)


def test_fixed_listens_only_to_an_explicit_resize() -> None:
    sizing = Sizing(Winsize(24, 80), "fixed")
    assert sizing.join("a", 30, 100) == (24, 80)
    assert sizing.resize(40, 0) == (40, 80)
    assert sizing.client_resized("a", 9, 9) == (40, 80)


def test_an_explicit_resize_stands_until_a_clients_turn_comes() -> None:
    sizing = Sizing()
    sizing.join("a", 30, 100)
    assert sizing.resize(40, 120) == (40, 120)
    assert sizing.typed("a") == (40, 120)
    assert sizing.join("b", 30, 100) == (30, 100)


def test_a_refused_size_changes_nothing() -> None:
    sizing = Sizing(Winsize(24, 80))
    with pytest.raises(InvalidError):
        sizing.resize(70000, 80)
    assert sizing.size == (24, 80)
