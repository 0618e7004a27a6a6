"""The grammar of key names, and what terminals send for keys."""

from __future__ import annotations

import pytest

from roost.core.keys import Encoded, Key, KeyModes, encode_key, encode_keys, is_key, parse_key, typed_keys
from roost.core.modes import TerminalModes
from roost.errors import InvalidError

FRESH = KeyModes()


def sent(name: str, modes: KeyModes = FRESH) -> bytes:
    return encode_key(parse_key(name), modes).data


@pytest.mark.parametrize(
    ("names", "data"),
    [
        (("Enter", "return", "CR", "C-m", "^M"), b"\r"),
        (("C-c", "^c", "^C", "ctrl+c", "Ctrl-C", "control+c", "c-C"), b"\x03"),
        (("M-x", "A-x", "alt+x", "meta-x", "option+x"), b"\x1bx"),
        (("M-X", "M-S-x", "shift+alt+x"), b"\x1bX"),
        (("Tab", "C-i"), b"\t"),
        (("BTab", "S-Tab", "backtab"), b"\x1b[Z"),
        (("Escape", "esc", "^[", "C-["), b"\x1b"),
        (("Space", "spc", " "), b" "),
        (("C-Space", "^@", "C-@"), b"\0"),
        (("Backspace", "BSpace", "^?"), b"\x7f"),
        (("C-Backspace",), b"\b"),
        (("M-Backspace",), b"\x1b\x7f"),
        (("Up", "arrowup", "UP"), b"\x1b[A"),
        (("S-Up",), b"\x1b[1;2A"),
        (("C-M-Left", "ctrl+alt+left", "M-C-Left"), b"\x1b[1;7D"),
        (("Home",), b"\x1b[H"),
        (("C-End",), b"\x1b[1;5F"),
        (("PageUp", "PgUp", "PPage"), b"\x1b[5~"),
        (("S-PageDown",), b"\x1b[6;2~"),
        (("Delete", "Del", "DC"), b"\x1b[3~"),
        (("F1",), b"\x1bOP"),
        (("S-F1",), b"\x1b[1;2P"),
        (("F5",), b"\x1b[15~"),
        (("S-F6", "shift+F6"), b"\x1b[17;2~"),
        (("F12",), b"\x1b[24~"),
        (("F20",), b"\x1b[34~"),
        (("C--", "ctrl+-"), b"-"),
        (("M-+", "alt++", "M-plus"), b"\x1b+"),
        (("-",), b"-"),
        (("+", "plus"), b"+"),
        (("^",), b"^"),
        (("é",), "é".encode()),
        (("S-é",), "É".encode()),
        (("KP5",), b"5"),
        (("KPEnter",), b"\r"),
        (("hex:1b5b41", "HEX:1B5B41"), b"\x1b[A"),
    ],
)
def test_every_spelling_of_a_key_sends_the_same(names: tuple[str, ...], data: bytes) -> None:
    assert {sent(name) for name in names} == {data}


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [("Entre", "Enter"), ("C-Upp", "C-Up"), ("PageDwn", "PageDown"), ("F21", "F2"), ("Spcae", "Space")],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, suggestion: str) -> None:
    with pytest.raises(InvalidError, match=f"no key '{name}'; did you mean {suggestion}"):
        parse_key(name)


@pytest.mark.parametrize("name", ["", "C-", "hex:", "hex:1", "hex:zz", "X-a", "hello", "C-M-", "\x03", "ab"])
def test_what_is_no_key_is_refused(name: str) -> None:
    assert not is_key(name)


def test_application_cursor_keys_change_unmodified_keys_only() -> None:
    modes = KeyModes(cursor=True)
    assert [sent(name, modes) for name in ("Up", "End", "S-Up", "F1", "PageUp")] == [
        b"\x1bOA",
        b"\x1bOF",
        b"\x1b[1;2A",
        b"\x1bOP",
        b"\x1b[5~",
    ]


def test_the_application_keypad_tells_its_keys_from_the_others() -> None:
    modes = KeyModes(keypad=True)
    assert [sent(name, modes) for name in ("KP0", "KP9", "KPEnter", "KP+", "5", "Enter")] == [
        b"\x1bOp",
        b"\x1bOy",
        b"\x1bOM",
        b"\x1bOk",
        b"5",
        b"\r",
    ]


def test_enter_follows_line_feed_mode() -> None:
    assert sent("Enter", KeyModes(newline=True)) == b"\r\n"


@pytest.mark.parametrize(
    ("name", "level_1", "level_2"),
    [
        ("C-a", b"\x01", b"\x1b[27;5;97~"),
        ("C-S-a", b"\x01", b"\x1b[27;6;65~"),
        ("C-,", b"\x1b[27;5;44~", b"\x1b[27;5;44~"),
        ("M-a", b"\x1ba", b"\x1b[27;3;97~"),
        ("S-Enter", b"\x1b[27;2;13~", b"\x1b[27;2;13~"),
        ("C-Tab", b"\x1b[27;5;9~", b"\x1b[27;5;9~"),
        ("a", b"a", b"a"),
        ("Enter", b"\r", b"\r"),
        ("Up", b"\x1b[A", b"\x1b[A"),
    ],
)
def test_modify_other_keys(name: str, level_1: bytes, level_2: bytes) -> None:
    assert (sent(name, KeyModes(modify=1)), sent(name, KeyModes(modify=2))) == (level_1, level_2)


@pytest.mark.parametrize(
    ("flags", "name", "data"),
    [
        (1, "a", b"a"),
        (1, "A", b"A"),
        (1, "C-a", b"\x1b[97;5u"),
        (1, "C-S-a", b"\x1b[97;6u"),
        (1, "M-A", b"\x1b[97;4u"),
        (1, "super+k", b"\x1b[107;9u"),
        (1, "Escape", b"\x1b[27u"),
        (1, "Enter", b"\r"),
        (1, "S-Enter", b"\x1b[13;2u"),
        (1, "C-Backspace", b"\x1b[127;5u"),
        (1, "BTab", b"\x1b[9;2u"),
        (1, "Up", b"\x1b[A"),
        (1, "C-Up", b"\x1b[1;5A"),
        (1, "F1", b"\x1b[P"),
        (1, "F3", b"\x1b[13~"),
        (1, "F13", b"\x1b[57376u"),
        (1, "KPEnter", b"\x1b[57414u"),
        (8, "a", b"\x1b[97u"),
        (8, "A", b"\x1b[97;2u"),
        (8, "!", b"\x1b[49;2u"),
        (8, "Enter", b"\x1b[13u"),
        (8, "Tab", b"\x1b[9u"),
        (8 | 4, "A", b"\x1b[97:65;2u"),
        (8 | 16, "a", b"\x1b[97;;97u"),
        (8 | 4 | 16, "A", b"\x1b[97:65;2;65u"),
    ],
)
def test_the_kitty_keyboard_flags(flags: int, name: str, data: bytes) -> None:
    assert encode_key(parse_key(name), KeyModes(cursor=True, kitty=flags)) == Encoded(data)


@pytest.mark.parametrize("name", ["S-Enter", "C-S-a", "C-1", "C-Tab", "super+a", "S-5"])
def test_a_key_that_the_program_cannot_tell_from_another_is_inexact(name: str) -> None:
    assert not encode_key(parse_key(name), FRESH).exact
    assert encode_key(parse_key(name), KeyModes(kitty=1)).exact is (name != "S-5")


def test_inexact_keys_are_named() -> None:
    keys = [parse_key(name) for name in ("a", "S-Enter", "Up")]
    assert encode_keys(keys, FRESH) == (b"a\r\x1b[A", [keys[1]])


def test_modes_are_those_that_the_program_set() -> None:
    modes = TerminalModes()
    assert KeyModes.of(modes) == FRESH
    modes.switch(1, True)
    modes.switch(66, True)
    modes.kitty_keys.push(5)
    modes.modify_keys = 2
    assert KeyModes.of(modes) == KeyModes(cursor=True, keypad=True, modify=2, kitty=5)


def test_text_is_typed_key_by_key_and_its_line_ends_are_enter() -> None:
    assert encode_keys(typed_keys("aB\t\r\nc\n"), FRESH)[0] == b"aB\t\rc\r"
    assert encode_keys(typed_keys("aB"), KeyModes(kitty=8))[0] == b"\x1b[97u\x1b[98;2u"


def test_text_with_controls_is_refused() -> None:
    with pytest.raises(InvalidError, match="control character"):
        typed_keys("a\x1b[201~")


def test_a_key_of_bytes_is_sent_in_every_mode() -> None:
    assert encode_key(Key(raw=b"\x1b[A"), KeyModes(cursor=True, kitty=31)) == Encoded(b"\x1b[A")
