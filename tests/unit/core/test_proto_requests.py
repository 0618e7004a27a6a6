"""Lines and requests of `roost proto`."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.core.proto_requests import MAX_LINE_BYTES, BadRequestError, Lines, decode_request

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"\n", b""))), st.integers(1, 7))
def test_lines_are_the_same_however_they_are_cut(lines: list[bytes], size: int) -> None:
    data = b"".join(line + b"\n" for line in lines)
    reader = Lines()
    found = [line for at in range(0, len(data), size) for line in reader.feed(data[at : at + size])]
    assert (found, list(reader.end())) == (lines, [])


def test_a_line_that_is_too_long_is_passed_over_alone() -> None:
    reader = Lines()
    found = list(reader.feed(b"a\n" + b"x" * (MAX_LINE_BYTES + 1) + b"\nb\nc"))
    assert found == [b"a", None, b"b"]
    assert list(reader.end()) == [b"c"]
    assert list(reader.feed(b"x" * MAX_LINE_BYTES + b"\n")) == [b"x" * MAX_LINE_BYTES]


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_no_request_is_a_bad_one(line: bytes) -> None:
    with pytest.raises(BadRequestError):
        decode_request(line)


@given(st.sampled_from(["send", "wait", "resize", "resume", "transcript"]), st.dictionaries(st.text(), json_values))
def test_wrong_fields_are_refused_with_the_id(type: str, fields: dict[str, object]) -> None:
    told = {**fields, "type": type, "id": 7, "nonsense": 1}
    with pytest.raises(BadRequestError) as refused:
        decode_request(json.dumps(told).encode())
    assert refused.value.id in (7, None)
