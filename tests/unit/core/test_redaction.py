"""Redaction: what is hidden, what is refused, and that cuts change nothing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.core.redaction import (
    LOOK_BACK_BYTES,
    REPLACEMENT,
    WINDOW_BYTES,
    Redactor,
    Rule,
    compile_rules,
    redact_text,
)
from roost.errors import InvalidError


def redact(rules: tuple[Rule, ...], *chunks: bytes) -> bytes:
    redactor = Redactor(rules, 0)
    pieces = [piece for chunk in chunks for piece in redactor.feed(chunk)] + redactor.flush()
    at = 0
    for piece in pieces:
        assert piece.start == at and piece.end > at, "pieces are contiguous"
        assert piece.hidden or len(piece.data) == piece.end - piece.start
        at = piece.end
    assert at == sum(map(len, chunks))
    return b"".join(piece.data for piece in pieces)


def test_a_match_is_hidden_and_only_its_groups_if_it_has_some() -> None:
    rules = compile_rules([r"tok_[a-z]+", r"pass(?:word)?=(\S+)"])
    assert redact(rules, b"a tok_abc b\npassword=xyz tok_q\n") == (b"a [redacted] b\npassword=[redacted] [redacted]\n")


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("(?i)Tok_[a-z]+", b"TOK_abc"),
        ("(?:a|b)c", b"bc"),
        ("x{2,}y?", b"xxx"),
        ("(?i:KEY)=.", b"key=1"),
        ("a?b?[0-9]", b"7"),
        ("(?:ab)+cd", b"ababcd"),
        ("(pre)?fix", b"fix"),
        ("[ab]{3}", b"bab"),
    ],
)
def test_no_line_is_passed_by_that_has_a_match(rule: str, line: bytes) -> None:
    assert redact(compile_rules([rule]), b"---\n" + line + b"\n---\n") != b"---\n" + line + b"\n---\n"


def test_overlapping_and_touching_matches_are_one() -> None:
    rules = compile_rules(["abcd", "cdef", "gh"])
    assert redact(rules, b"-abcdefgh-\n") == b"-[redacted]-\n"


def test_a_rule_does_not_see_beyond_a_line() -> None:
    rules = compile_rules(["a.*b", r"x\s+y", "^begin"])
    assert redact(rules, b"a\nb\nx\ny\nend begin\nbegin\n") == b"a\nb\nx\ny\nend begin\n[redacted]\n"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("(", "no regular expression"),
        ("a*", "empty"),
        ("(a+)+b", "for ever"),
        ("(?:foo|bar)+x", "for ever"),
        ("[é]x", "bytes"),
        ("xé+", "bytes"),
        ("x" * 2000, "characters"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_with_the_reason(rule: str, words: str) -> None:
    with pytest.raises(InvalidError, match=words):
        compile_rules([rule])


def test_a_literal_beyond_ascii_can_be_hidden() -> None:
    assert redact(compile_rules(["pässwörd"]), "my pässwörd\n".encode()) == b"my [redacted]\n"


@pytest.mark.parametrize(
    "secret",
    [
        "ghp_" + "a" * 36,
        "AKIAABCDEFGHIJKLMNOP",
        "sk-proj-abcdefghijklmnopqrstuvwx",
        "xoxb-123456789012-abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefgh-ijk",
        "glpat-abcdefghijklmnopqrst",
        "A" * 64,
    ],
)
def test_the_built_in_rules_hide_well_known_forms(secret: str) -> None:
    rules = compile_rules([], common=True)
    assert secret not in redact_text(rules, f"{secret}\r\n")


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("DB_PASSWORD=hunter2", "DB_PASSWORD=[redacted]"),
        ('"api_key": "abc"', '"api_key": "[redacted]"'),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
        ("https://me:pw@host/x", "https://me:[redacted]@host/x"),
        ("the password is long", "the password is long"),
    ],
)
def test_the_built_in_rules_hide_values_and_keep_names(line: str, kept: str) -> None:
    assert redact_text(compile_rules([], common=True), line) == kept


def test_a_secret_of_the_look_back_length_is_found_anywhere_in_a_long_line() -> None:
    rules = compile_rules(["S[a-z]+E"])
    secret = b"S" + b"q" * (LOOK_BACK_BYTES - 2) + b"E"
    for before in (0, 1, LOOK_BACK_BYTES - 1, LOOK_BACK_BYTES, WINDOW_BYTES - 1, 3 * LOOK_BACK_BYTES + 17):
        assert redact(rules, b"." * before + secret + b"." * 5000) == b"." * before + REPLACEMENT + b"." * 5000


def test_no_more_than_a_window_is_held_back() -> None:
    redactor = Redactor(compile_rules(["abc"]), 0)
    decided = 0
    for _ in range(100):
        decided += sum(piece.end - piece.start for piece in redactor.feed(b"x" * 777))
    assert 100 * 777 - decided < WINDOW_BYTES


_TEXT = st.lists(
    st.sampled_from([b"tok_", b"abc", b"\n", b" ", b"=", b"pass", b"x" * 900, b"y" * 3000, b"\xc3", b"\xa9", b"\r"]),
    max_size=30,
).map(b"".join)


@given(text=_TEXT, cuts=st.lists(st.integers(0, 20000), max_size=20))
def test_cuts_change_nothing(text: bytes, cuts: list[int]) -> None:
    """The result depends on the bytes alone."""
    rules = compile_rules([r"tok_[a-z]+", r"pass=(\S+)", "x{5,}y"])
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    chunks = [text[a:b] for a, b in itertools.pairwise(places)]
    assert redact(rules, *chunks) == redact(rules, text)
