"""Arithmetic on offsets: v1's backlog and cursors."""

from __future__ import annotations

import pytest

from roost.core.backlog import V1_CAPACITY, V1Mark, v1_attach, v1_backlog
from roost.core.cursor import Placement, place, take
from roost.errors import InvalidError
from roost.model import Gap

MIB = 1 << 20


def test_a_first_attach_gets_everything() -> None:
    assert v1_attach(V1Mark(), 500, MIB) == ((0, 500, 0), V1Mark(500, 0))


def test_a_second_attach_gets_what_came_since_the_first() -> None:
    _, mark = v1_attach(V1Mark(), 500, MIB)
    assert v1_attach(mark, 700, MIB)[0] == (500, 700, 0)


def test_what_fell_out_is_counted_for_good() -> None:
    first, mark = v1_attach(V1Mark(), MIB + 100, MIB)
    assert first == (100, MIB + 100, 100)
    second, mark = v1_attach(mark, MIB + 150, MIB)
    assert second == (MIB + 100, MIB + 150, 100)
    third, _ = v1_attach(mark, 3 * MIB, MIB)
    assert third == (2 * MIB, 3 * MIB, 100 + MIB - 150)


def test_a_backlog_call_changes_nothing_and_answers_the_same() -> None:
    mark = V1Mark(10, 3)
    assert v1_backlog(mark, 2 * MIB, MIB) == v1_attach(mark, 2 * MIB, MIB)[0]


def test_a_larger_ring_is_a_mebibyte_for_v1_and_a_smaller_one_is_itself() -> None:
    assert v1_backlog(V1Mark(), 5 * MIB, 64 * MIB).start == 5 * MIB - V1_CAPACITY
    assert v1_backlog(V1Mark(), MIB, 65536).missed == MIB - 65536


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, Placement(100)),
        ({"from_offset": 150}, Placement(150)),
        ({"from_offset": 200}, Placement(200)),
        ({"from_offset": 40}, Placement(40, Gap(40, 100))),
        ({"tail_bytes": 30}, Placement(170)),
        ({"tail_bytes": 0}, Placement(200)),
        ({"tail_bytes": 9999}, Placement(100)),
    ],
)
def test_where_a_reader_starts(options: dict[str, int], expected: Placement) -> None:
    assert place(100, 200, **options) == expected


def test_the_first_byte_served_is_behind_the_gap() -> None:
    assert place(100, 200, from_offset=40).next_offset == 100
    assert place(100, 200, from_offset=140).next_offset == 140


@pytest.mark.parametrize("options", [{"from_offset": 201}, {"from_offset": -1}, {"tail_bytes": -1}])
def test_impossible_places_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(InvalidError):
        place(100, 200, **options)


def test_two_ways_to_say_where_are_refused() -> None:
    with pytest.raises(InvalidError, match="not both"):
        place(0, 1, from_offset=0, tail_bytes=1)


def test_steps_of_a_cursor() -> None:
    assert take(150, 100, 200, 20) == (None, 150, 170)
    assert take(40, 100, 200, 64) == (Gap(40, 100), 100, 164)
    assert take(200, 100, 200, 64) == (None, 200, 200)
