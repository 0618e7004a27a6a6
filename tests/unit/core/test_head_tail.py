"""The beginning and the end of output are kept, and the hole is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roost.core.head_tail import HeadTail


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=30), st.integers(2, 200), st.integers(0, 100), st.data())
def test_kept_and_missing_add_up(pieces: list[bytes], limit: int, begin: int, data: st.DataObject) -> None:
    kept, whole = HeadTail(limit), b"".join(pieces)
    at = begin
    for piece in pieces:
        kept.add(at, piece)
        at += len(piece)
    start = data.draw(st.integers(begin, at))
    end = data.draw(st.integers(start, at))
    parts, missing = kept.between(start, end)
    wanted = whole[start - begin : end - begin]
    assert sum(map(len, parts)) + missing == len(wanted)
    if not missing:
        assert b"".join(parts) == wanted
    assert sum(map(len, kept.between(begin, at)[0])) <= limit + 50


def test_a_hole_in_what_came_is_counted_too() -> None:
    kept = HeadTail(100)
    kept.add(0, b"abc")
    kept.add(10, b"xyz")
    assert kept.between(0, 13) == ([b"abc", b"xyz"], 7)
