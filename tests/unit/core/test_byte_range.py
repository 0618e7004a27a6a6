"""Range headers as offsets of a stream."""

from __future__ import annotations

import pytest

from roost.core.byte_range import RangeError, content_range, parse_range


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=100-199", (100, 200)),
        ("bytes = 100 - 199".replace(" - ", "-"), (100, 200)),
        ("BYTES=900-", (900, 1000)),
        ("bytes=900-5000", (900, 1000)),
        ("bytes=-10", (990, 1000)),
        ("bytes=-5000", (0, 1000)),
    ],
)
def test_a_range_is_a_piece_of_the_stream_as_far_as_it_has_come(header: str, place: tuple[int, int]) -> None:
    asked = parse_range(header, 1000)
    assert asked is not None and asked.within(1000) == place


@pytest.mark.parametrize("header", ["", "lines=1-2", "seconds"])
def test_other_units_are_ignored(header: str) -> None:
    assert parse_range(header, 1000) is None


@pytest.mark.parametrize(
    "header", ["bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=1-2,5-6", "bytes=a-b", "bytes=1-2 x", "bytes=\u0661-2"]
)
def test_what_cannot_be_read_is_refused_and_tells_the_end(header: str) -> None:
    with pytest.raises(RangeError) as refused:
        parse_range(header, 1000)
    assert refused.value.end == 1000


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=5000-6000", "bytes=-0"])
def test_what_there_is_nothing_of_is_refused(header: str) -> None:
    asked = parse_range(header, 1000)
    assert asked is not None
    with pytest.raises(RangeError, match="offset 1000"):
        asked.within(1000)


def test_a_length_is_told_only_when_it_is_known() -> None:
    assert content_range(10, 20, None) == "bytes 10-19/*"
    assert content_range(10, 20, 40) == "bytes 10-19/40"
