"""Looking for text and expressions in output that comes in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.core.patterns import WINDOW_BYTES, Found, Literal, Pattern, Regex, TextWindow
from roost.core.plain_text import PlainText
from roost.errors import InvalidError


def look(pattern: Pattern, *pieces: bytes) -> Found | None:
    plain, window = PlainText(0), TextWindow()
    for piece in pieces:
        window.add(plain.feed(piece))
        found = window.find(pattern)
        if found is not None:
            return found
    return None


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_text_is_found_wherever_the_output_is_cut(one: int, two: int) -> None:
    data = b"first\r\nSer\x1b[1mver rea\x1b[0mdy on 80\r\nlast"
    first, second = sorted((one, two))
    found = look(Literal("Server ready"), data[:first], data[first:second], data[second:])
    assert found is not None
    assert (found.offset, found.end_offset, found.text) == (7, 27, "Server ready")
    assert found.line.startswith("Server ready")


def test_an_expression_has_groups_and_names() -> None:
    found = look(Regex(r"(\d+) of (?P<all>\d+) (x)?"), b"done 3 ", b"of 10 steps")
    assert found is not None
    assert (found.text, found.groups, found.named) == ("3 of 10 ", ("3", "10", None), (("all", "10"),))


def test_an_expression_that_would_take_for_ever_elsewhere_takes_no_time() -> None:
    assert look(Regex(r"(a+)+$x"), b"a" * 5000 + b"b") is None


@pytest.mark.parametrize("expression", ["(", "(?=x)", r"(a)\1", "", "a" * 3000])
def test_an_expression_that_cannot_be_used_is_refused(expression: str) -> None:
    with pytest.raises(InvalidError):
        Regex(expression)


def test_an_empty_match_is_none() -> None:
    assert look(Regex("x*"), b"abc") is None
    found = look(Regex("x*"), b"abc", b"dx")
    assert found is not None and found.offset == 4


def test_what_a_line_brings_back_is_not_found_again_but_as_a_part_of_something_new() -> None:
    plain, window = PlainText(0), TextWindow()
    plain.feed(b"$ l")
    window.add(plain.feed(b"\x08cd"))
    assert window.find(Literal("$ ")) is None, "the prompt stood there before"
    found = window.find(Literal("$ cd"))
    assert found is not None
    assert (found.offset, found.end_offset, found.line) == (4, 6, "$ cd")


def test_what_stands_behind_the_cursor_is_found_with_what_came_before_it() -> None:
    found = look(Literal("$ echo Xhello"), b"$ echo hello\r\x1b[7C", b"\x1b[1@X")
    assert found is not None and found.line == "$ echo Xhello"
    assert look(Literal("hello"), b"$ echo hello", b"\r\x1b[7C\x1b[1@X") is not None
    plain, window = PlainText(0), TextWindow()
    plain.feed(b"$ echo hello")
    window.add(plain.feed(b"\r\x1b[7C\x1b[1@X"))
    assert window.find(Literal("hello")) is None


def test_a_match_does_not_span_a_gap() -> None:
    plain, window = PlainText(0), TextWindow()
    window.add(plain.feed(b"rea"))
    plain.lapped(10)
    window.cut()
    window.add(plain.feed(b"dy"))
    assert window.find(Literal("ready")) is None


def test_the_window_is_bounded_and_reaches_as_far_as_it_says() -> None:
    plain, window = PlainText(0), TextWindow()
    window.add(plain.feed(b"begin "))
    for _ in range(40):
        window.add(plain.feed(b"x" * 4000))
    assert len(window._text) < 2 * WINDOW_BYTES
    window.add(plain.feed(b" end"))
    assert window.find(Regex("(?s)begin.*end")) is None
    assert window.find(Regex("(?s)x.* end")) is not None


def test_places_and_repeats_are_right_in_a_window_that_has_forgotten_much() -> None:
    plain, window, written = PlainText(0), TextWindow(), 0
    for _ in range(300):
        edits = b"$ ls -l\x08\x08\x08" + b"\x08|\x08/\x08-" * 100 + b"\r\n"
        written += len(edits)
        window.add(plain.feed(edits))
    assert len(window._text) < 2 * WINDOW_BYTES
    assert len(window._copies) < len(window._text), "what repeats is forgotten with its text"
    window.add(plain.feed(b"$ l"))
    assert window.find(Literal("$ l")) is not None
    window.add(plain.feed(b"\x08cd here"))
    assert window.find(Literal("$ ")) is None, "the prompt stood there before"
    found = window.find(Literal("$ cd here"))
    assert found is not None
    assert (found.offset, found.end_offset) == (written + 4, written + 3 + 8)
