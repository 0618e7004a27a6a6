"""asciicast files: read in three versions, written in two."""

from __future__ import annotations

import json

import pytest

from roost.core.cast import CastEvent, CastHeader, as_version_2, as_version_3, event_line, read_cast
from roost.errors import InvalidError

V3 = b"""{"version": 3, "term": {"cols": 90, "rows": 30, "type": "xterm", "theme": {}}, "title": "T", "new": 1}
# a comment
[0.25, "o", "a\\u001b[1m"]
[1.5, "r", "100x40"]
[0.000001, "q", "unknown"]
[2, "x", "3"]
"""


def test_version_3_counts_from_the_event_before_and_skips_comments() -> None:
    cast = read_cast(V3.splitlines(keepends=True))
    assert (cast.header.cols, cast.header.rows, cast.header.term, cast.header.title) == (90, 30, "xterm", "T")
    assert list(cast.events) == [
        CastEvent(250_000, "o", "a\x1b[1m"),
        CastEvent(1_750_000, "r", "100x40"),
        CastEvent(1_750_001, "q", "unknown"),
        CastEvent(3_750_001, "x", "3"),
    ]


def test_version_2_has_times_since_the_start() -> None:
    lines = [b'{"version": 2, "width": 80, "height": 24, "env": {"TERM": "vt100"}}\n', b'[1.5, "o", "x"]\n']
    cast = read_cast([*lines, b'[2.0, "m", ""]'])
    assert (cast.header.term, cast.header.version) == ("vt100", 2)
    assert [event.at_us for event in cast.events] == [1_500_000, 2_000_000]


def test_version_1_is_one_document() -> None:
    text = json.dumps({"version": 1, "width": 80, "height": 24, "stdout": [[0.5, "a"], [0.5, "b"]]}, indent=1)
    cast = read_cast(text.encode().splitlines(keepends=True))
    assert list(cast.events) == [CastEvent(500_000, "o", "a"), CastEvent(1_000_000, "o", "b")]


def test_a_torn_last_line_is_left_out_and_any_other_is_an_error() -> None:
    assert len(list(read_cast([*V3.splitlines(keepends=True), b'[1.0, "o", "to']).events)) == 4
    with pytest.raises(InvalidError, match="f:2"):
        list(read_cast([V3.splitlines(keepends=True)[0], b"[1.0\n", b'[1, "o", ""]\n'], "f").events)


@pytest.mark.parametrize("first", [b"", b"hello\n", b"[1]\n", b'{"version": 4}\n', b'{"version": 3}\n'])
def test_what_is_no_cast_is_refused(first: bytes) -> None:
    with pytest.raises(InvalidError):
        read_cast([first])


def test_the_export_to_version_2_says_the_same() -> None:
    lines = list(as_version_2(read_cast(V3.splitlines(keepends=True))))
    again = read_cast(lines)
    assert (again.header.version, again.header.cols, again.header.term) == (2, 90, "xterm")
    expected = list(read_cast(V3.splitlines(keepends=True)).events)[:3]
    assert list(again.events) == [*expected, CastEvent(3_750_001, "m", "exit 3")]
    assert list(read_cast(as_version_3(read_cast(lines))).events)[:3] == expected


def test_lines_are_json_whatever_they_say() -> None:
    for text in ('\x00\x1f\x7f\u2028"\\é😀', "\ud800"):
        line = event_line(1_234_567, "o", text).encode("utf-8", "replace")
        time, _code, _data = json.loads(line)
        assert (time, line.count(b"\n")) == (1.234567, 1)
    assert json.loads(CastHeader(command='a "b"\n').line())["command"] == 'a "b"\n'
