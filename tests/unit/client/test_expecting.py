"""What is expected, and where it stands; without a daemon."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.client.expecting import EOF, TIMEOUT, Cursor, Expectation, Match
from roost.client.results import OutputPiece
from roost.errors import InvalidError, WaitTimeoutError, WrongStateError


def piece(data: bytes, *, at: int, ended: bool = False, missed: int = 0) -> OutputPiece:
    return OutputPiece(data=data, start_offset=at, next_offset=at + len(data), ended=ended, missed=missed)


def expect(cursor: Cursor, patterns: object, output: bytes = b"", *, ended: bool = True, **how: bool) -> Match:
    one = Expectation("s", cursor, patterns, exact=how.get("exact", False), plain=how.get("plain", False))  # type: ignore[arg-type]
    match = one.look()
    if match is None:
        one.feed(piece(output, at=one.next_offset, ended=ended))
        match = one.look()
    assert match is not None
    return match


@given(st.lists(st.integers(0, 60), max_size=6))
def test_nothing_is_lost_between_two_looks_however_output_comes(cuts: list[int]) -> None:
    output = b"login: \r\npassword: \r\n$ one\r\n$ two\r\n$ "
    points = [0, *sorted(min(cut, len(output)) for cut in cuts), len(output)]
    pieces = [piece(output[a:b], at=a) for a, b in pairwise(points)]
    cursor, seen = Cursor(), b""
    for pattern in ("login: ", "password: ", r"\$ ", r"(\w+)\r\n", r"\$ "):
        one = Expectation("s", cursor, pattern, exact=False, plain=False)
        while (match := one.look()) is None:
            one.feed(pieces.pop(0))
        seen += match.before + match.after
        assert (match.start, match.end) == (len(seen) - len(match.after), len(seen)) == (match.start, cursor.offset)
    assert output.startswith(seen)


def test_the_earliest_match_wins_and_among_equals_the_first_given() -> None:
    match = expect(Cursor(), ["two", "one", "on"], b"one two")
    assert (match.index, match.pattern, match.before, match.after) == (1, "one", b"", b"one")


def test_groups_and_names_and_compiled_expressions() -> None:
    match = expect(Cursor(5), re.compile(r"(?P<n>\d+) of (\d+)(x)?", re.IGNORECASE), b"at 3 OF 10")
    assert (match.group("n"), match.group(2), match.group(3), match.group()) == (b"3", b"10", None, b"3 OF 10")
    assert (match.start, match.end, match.text) == (8, 15, "3 OF 10")


def test_exact_text_is_no_expression() -> None:
    assert expect(Cursor(), "a.c", b"abc a.c", exact=True).start == 4


def test_plain_text_is_found_behind_its_escape_sequences() -> None:
    cursor = Cursor(100)
    match = expect(cursor, "is ready", b"it \x1b[1mis\x1b[0m rea\x1b[31mdy\x1b[0m now", plain=True)
    assert (match.before, match.after, match.start, match.end) == (b"it ", b"is ready", 107, 124)
    assert expect(cursor, "now", plain=True).start == 129


def test_a_line_goes_on_behind_a_match_as_it_stands() -> None:
    cursor = Cursor()
    assert expect(cursor, r"\$ ", b"$ lx\x08 \x08s\r\x1b[3CX\r\nfile\r\n$ ", plain=True).end == 2
    assert expect(cursor, r"\$ ls", plain=True).before == b"lx\n"
    assert expect(cursor, r"[^\n]*X", plain=True).after == b"$ lX", "the column is still known"
    match = expect(cursor, r"\$ ", plain=True)
    assert (match.before, match.end) == (b"\nfile\n", cursor.read_to), (
        "the prompt that was brought back is not a new one"
    )


def test_a_line_end_is_matched_once() -> None:
    cursor, output = Cursor(), b"10%\r20%\r30%"
    assert [expect(cursor, "\n", output[cursor.read_to :], plain=True).before for _ in range(2)] == [b"10%", b"20%"]
    with pytest.raises(WrongStateError):
        expect(cursor, "\n", plain=True)


def test_the_end_is_an_error_unless_it_is_expected() -> None:
    with pytest.raises(WrongStateError, match=r"before 'x' came; there was b'abc'"):
        expect(Cursor(), "x", b"abc")
    match = expect(Cursor(), ["x", EOF], b"abc")
    assert (match.index, match.pattern, match.before, match.end) == (1, EOF, b"abc", 3)


def test_a_timeout_is_an_error_unless_it_is_expected_and_leaves_the_cursor() -> None:
    cursor = Cursor()
    one = Expectation("s", cursor, "x", exact=False, plain=False)
    one.feed(piece(b"abc", at=0))
    with pytest.raises(WaitTimeoutError, match="did not come in time"):
        one.timed_out()
    assert Expectation("s", cursor, ["x", TIMEOUT], exact=False, plain=False).timed_out().before == b"abc"
    assert expect(cursor, "b").start == 1


def test_what_left_the_ring_is_counted_and_no_match_spans_it() -> None:
    cursor = Cursor()
    one = Expectation("s", cursor, "ready", exact=False, plain=False)
    one.feed(piece(b"rea", at=0))
    one.feed(piece(b"dy ready", at=1000, missed=997))
    match = one.look()
    assert match is not None
    assert (match.start, match.missed, match.before) == (1003, 1000, b"dy ")


@pytest.mark.parametrize("patterns", [[], "", "(", [3]])
def test_what_cannot_be_expected_is_refused(patterns: object) -> None:
    with pytest.raises(InvalidError):
        expect(Cursor(), patterns, b"x")
