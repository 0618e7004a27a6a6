"""Values on the command line, and how numbers are shown."""

from __future__ import annotations

import pytest

from roost.cli.values import parse_capacity, parse_pair, parse_signal, parse_size
from roost.cli.wording import count, show_duration
from roost.core.outcome import signal_name
from roost.errors import InvalidError


def test_pairs_keep_everything_after_the_first_equals_sign() -> None:
    assert parse_pair("A=b=c") == ("A", "b=c")
    assert parse_pair("A=") == ("A", "")


@pytest.mark.parametrize("text", ["A", "=b", ""])
def test_half_pairs_are_refused(text: str) -> None:
    with pytest.raises(InvalidError, match="KEY=VALUE"):
        parse_pair(text)


def test_a_size_has_rows_first() -> None:
    assert parse_size("40x120") == (40, 120)
    assert parse_size("1X65535") == (1, 65535)


@pytest.mark.parametrize("text", ["0x80", "24x0", "70000x80", "24x70000", "24", "axb", "-1x80", "24x80x3"])
def test_sizes_that_no_terminal_has_are_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        parse_size(text)


def test_a_capacity_of_nothing_is_refused() -> None:
    assert parse_capacity("64M") == 64 << 20
    with pytest.raises(InvalidError):
        parse_capacity("0")


@pytest.mark.parametrize("text", ["INT", "SIGINT", "int", "2"])
def test_signals_by_name_and_number(text: str) -> None:
    assert parse_signal(text) == 2


@pytest.mark.parametrize("text", ["SIG_DFL", "DFL", "99", "HELLO", "", "-1"])
def test_unknown_signals_are_refused(text: str) -> None:
    with pytest.raises(InvalidError, match="kill -l"):
        parse_signal(text)


def test_counts_and_durations_read_well() -> None:
    assert count(1, "byte") == "1 byte"
    assert count(12345, "byte") == "12,345 bytes"
    assert [show_duration(s) for s in (0.4, 45, 60, 200, 7500, 522000)] == [
        "0s",
        "45s",
        "1m",
        "3m 20s",
        "2h 5m",
        "6d 1h",
    ]


def test_signal_names() -> None:
    assert signal_name(9) == "SIGKILL"
    assert signal_name(40) == "signal 40"
