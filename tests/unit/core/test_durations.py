"""What people type for times and sizes."""

from __future__ import annotations

import pytest

from roost.core.durations import parse_bytes, parse_duration, parse_winsize
from roost.errors import InvalidError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2s", 2), ("500ms", 0.5), ("1d", 86400), ("1h30m", 5400), ("0", 0), ("1.5", 1.5), (" 2m ", 120), ("0.5h", 1800)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "2x", "-1s", "1h 30m", "1m30", "2ss", "inf", "nan", "1e9", "1" * 40])
def test_no_durations(text: str) -> None:
    with pytest.raises(InvalidError, match="1h30m"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4096", 4096),
        ("64K", 65536),
        ("64M", 64 << 20),
        ("1MiB", 1 << 20),
        ("2 GiB", 2 << 30),
        ("1MB", 10**6),
        ("0", 0),
    ],
)
def test_bytes(text: str, number: int) -> None:
    assert parse_bytes(text) == number


@pytest.mark.parametrize("text", ["", "M", "1T", "1.5M", "-1", "64 X", "0x10"])
def test_no_bytes(text: str) -> None:
    with pytest.raises(InvalidError, match="64M"):
        parse_bytes(text)


def test_terminal_sizes() -> None:
    assert parse_winsize("40x120") == (40, 120)
    assert parse_winsize("0x120") == (0, 120)
    assert parse_winsize("24X80") == (24, 80)


@pytest.mark.parametrize("text", ["", "40", "40x", "x120", "40*120", "-1x5", "70000x80"])
def test_no_terminal_sizes(text: str) -> None:
    with pytest.raises(InvalidError):
        parse_winsize(text)
