"""The detach keys: their notation and the state machine, as its table says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


CTRL_D = b"\x1b[100;5u"


@pytest.mark.parametrize(
    ("typed", "passed", "leaves"),
    [
        (b"\x1b[93;5ud", b"", True),  # the kitty keyboard protocol
        (b"\x1b[27;5;93~d", b"", True),  # xterm's modifyOtherKeys
        (b"\x1b[93;5:1u\x1b[100;1:1;100u", b"", True),  # every key is reported, with its text
        (b"\x1b[93:125;69u\x1b[100;65u", b"", True),  # caps lock is on, alternatives are reported
        (b"\x1b[93;133ud", b"", True),  # num lock
        (b"\x1b[57442;5u\x1b[93;5u\x1b[93;5:3u\x1b[57442;1:3u\x1b[100u", b"\x1b[57442;5u", True),  # with letting go
        (b"\x1b[93;5u\x1b[93;5:3ux", b"\x1b[93;5u\x1b[93;5:3ux", False),
        (b"\x1b[93;5u\x1b[93;5:3u\x1b[93;5u", b"\x1b[93;5u", False),
        (b"\x1b[93;5u" + CTRL_D, b"\x1b[93;5u" + CTRL_D, False),
        (b"\x1b[93;6u\x1b[93ud", b"\x1b[93;6u\x1b[93ud", False),  # Ctrl-Shift-], and ] alone
        (b"\x1b[A\x1b[1;5Cab\x1b", b"\x1b[A\x1b[1;5Cab\x1b", False),
        (PREFIX + b"\x1b[A", PREFIX + b"\x1b[A", False),
    ],
)
def test_keys_count_in_every_form_that_a_terminal_sends(typed: bytes, passed: bytes, leaves: bool) -> None:
    """Programs have the terminal encode keys; what is no detach key reaches them as it was sent."""
    assert usual().feed(typed) == (passed, leaves)


def test_the_second_key_may_be_encoded_too() -> None:
    """Keys other than letters, and capital ones."""
    assert DetachKeys(parse_detach_keys("ctrl-@,Esc")).feed(b"\x1b[32;5u\x1b[27u") == (b"", True)
    assert DetachKeys(parse_detach_keys("ctrl-b,D")).feed(b"\x02\x1b[100;2u") == (b"", True)
    assert DetachKeys(parse_detach_keys("^?")).feed(b"\x1b[63;5u") == (b"", True)


PASTE = b"\x1b[200~a" + PREFIX + b"d" + PREFIX * 2 + b"\x1b[93;5ud\x1b[20\x1b[201~"


def test_what_is_pasted_is_no_key_however_it_is_cut() -> None:
    """A paste arrives byte for byte, and the keys work again behind it."""
    for first in range(len(PASTE) + 1):
        for second in range(first, len(PASTE) + 1):
            keys = usual()
            pieces = [keys.feed(piece) for piece in (PASTE[:first], PASTE[first:second], PASTE[second:])]
            assert b"".join(passed for passed, _ in pieces) == PASTE and not any(leave for _, leave in pieces)
            assert keys.feed(b"x" + PREFIX + b"d") == (b"x", True)


def test_a_paste_may_follow_the_prefix() -> None:
    """The prefix was meant for the session then."""
    keys = usual()
    assert keys.feed(PREFIX) == (b"", False)
    assert keys.feed(PASTE) == (PREFIX + PASTE, False)
    assert keys.feed(PREFIX + b"d") == (b"", True)


@given(st.lists(st.sampled_from([b"\x1b", b"[", b"2", b"0", b"1", b"~", b";5u", b"93", b"ab", PASTE])))
def test_nothing_that_is_typed_is_lost(pieces: list[bytes]) -> None:
    """Without the keys themselves every byte goes on at once, whatever the pieces resemble."""
    keys = usual()
    assert [keys.feed(piece)[0] for piece in pieces] == pieces


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
