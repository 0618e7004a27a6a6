"""Where the emulation of output begins, and in which sizes."""

from __future__ import annotations

import pytest

from roost.daemon.screens.beginning import SizeHistory, earliest


class FakeRing:
    """Retains `data` from `start` on."""

    def __init__(self, start: int, data: bytes) -> None:
        self.start = start
        self.end = start + len(data)
        self._data = data

    def read(self, offset: int, limit_bytes: int) -> bytes:
        return self._data[offset - self.start :][:limit_bytes]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"half a line\nwhole", 12),
        (b"31mtext\x1b[32mgreen", 7),
        (b"\x1b[32mgreen\n", 0),
        (b"no boundary at all", 0),
        (b"\nnext", 1),
        (b"ab\x1b[m\n", 2),
    ],
)
def test_a_late_beginning_is_behind_a_line_feed_or_at_an_escape(data: bytes, expected: int) -> None:
    ring = FakeRing(1000, data)
    assert earliest(ring) == 1000 + expected  # type: ignore[arg-type]


def test_the_very_beginning_needs_no_boundary() -> None:
    assert earliest(FakeRing(0, b"half\nwhole")) == 0  # type: ignore[arg-type]


def test_sizes_are_those_from_the_beginning_on() -> None:
    sizes = SizeHistory(0, 24, 80)
    sizes.note(100, 30, 90)
    sizes.note(200, 40, 100)
    sizes.note(200, 41, 101)
    assert sizes.since(0) == [(0, 24, 80), (100, 30, 90), (200, 41, 101)]
    assert sizes.since(150) == [(150, 30, 90), (200, 41, 101)]
    assert sizes.since(500) == [(500, 41, 101)]


def test_a_history_that_began_later_counts_from_its_first_size() -> None:
    assert SizeHistory(300, 24, 80).since(100) == [(100, 24, 80)]
