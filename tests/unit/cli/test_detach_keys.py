"""The detach keys: their notation and the state machine, as its table says."""

from __future__ import annotations

import pytest

from roost.cli.detach_keys import DetachKeys, parse_detach_keys

PREFIX = b"\x1d"


def usual() -> DetachKeys:
    return DetachKeys(parse_detach_keys("ctrl-],d"))


@pytest.mark.parametrize(
    ("typed", "passed", "leaves"),
    [
        (b"hello", b"hello", False),
        (b"", b"", False),
        (PREFIX, b"", False),
        (PREFIX + b"d", b"", True),
        (b"ab" + PREFIX + b"d" + b"thrown away", b"ab", True),
        (PREFIX + PREFIX, PREFIX, False),
        (PREFIX + PREFIX + b"d", PREFIX + b"d", False),
        (PREFIX + b"x", PREFIX + b"x", False),
        (PREFIX * 3 + b"d", PREFIX, True),
        ("grüße".encode(), "grüße".encode(), False),
    ],
)
def test_keys_follow_the_table_however_the_bytes_are_cut(typed: bytes, passed: bytes, leaves: bool) -> None:
    assert usual().feed(typed) == (passed, leaves)
    keys, collected, left = usual(), b"", False
    for position in range(len(typed)):
        if not left:
            part, left = keys.feed(typed[position : position + 1])
            collected += part
    assert (collected, left) == (passed, leaves)


def test_without_keys_everything_is_passed_on() -> None:
    assert DetachKeys().feed(PREFIX + b"d") == (PREFIX + b"d", False)


def test_a_single_key_leaves_at_once() -> None:
    assert DetachKeys(parse_detach_keys("ctrl-q")).feed(b"a\x11b") == (b"a", True)


def test_the_state_starts_anew_after_leaving() -> None:
    keys = usual()
    assert keys.feed(PREFIX + b"d") == (b"", True)
    assert keys.feed(b"d") == (b"d", False)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("ctrl-],d", (b"\x1d", b"d")),
        ("Ctrl+] d", (b"\x1d", b"d")),
        ("^q", (b"\x11",)),
        ("C-b d", (b"\x02", b"d")),
        ("ctrl-@,q", (b"\x00", b"q")),
        ("^?", (b"\x7f",)),
        ("ctrl-\\,Esc", (b"\x1c", b"\x1b")),
        ("off", ()),
        ("none", ()),
        ("", ()),
    ],
)
def test_notations(text: str, keys: tuple[bytes, ...]) -> None:
    assert parse_detach_keys(text) == keys


@pytest.mark.parametrize("text", ["d", "x,y", "ctrl-],d,e", "ctrl-1", "meta-x", "ctrl-],ctrl-]", "^ü"])
def test_unusable_keys_are_refused_with_advice(text: str) -> None:
    with pytest.raises(ValueError, match=r"give|write|start|choose|Ctrl goes"):
        parse_detach_keys(text)


def test_the_keys_can_be_told_to_a_person() -> None:
    assert usual().text == "Ctrl-] d"
    assert DetachKeys(parse_detach_keys("^?")).text == "Backspace"
    assert DetachKeys(parse_detach_keys("ctrl-q,space")).text == "Ctrl-Q Space"
