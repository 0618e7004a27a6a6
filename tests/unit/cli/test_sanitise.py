"""Old output is harmless on somebody's terminal; text that is typed holds no keys."""

from __future__ import annotations

import pytest

from roost.cli.sanitise import Sanitiser
from roost.cli.typed import told_text, typed_text


def shown(data: bytes, *, colour: bool = True) -> bytes:
    return Sanitiser(colour=colour).feed(data)


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        (b"plain\r\n\ttext\n", b"plain\r\n\ttext\n"),
        (b"50%\r60%\b\b", b"50%\r60%\b\b"),
        ("grüße \N{SNOWMAN}".encode(), "grüße \N{SNOWMAN}".encode()),
        (b"a\x1b[31mred\x1b[0mb", b"a\x1b[31mred\x1b[0mb"),
        (b"a\x1b[2J\x1b[1;1Hb", b"ab"),
        (b"\x1b[?1049h\x1b[?2004hb", b"b"),
        (b"\x1b]0;title\x07b", b"b"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", b"link"),
        (b"\x1b[6n\x1b[cb\x1bcd", b"bd"),
        (b"\x1bP$q\x1b\\x", b"x"),
        (b"\x1b(B\x1b7\x1b8x", b"x"),
        (b"bell\x07\x00\x0e", b"bell"),
        (b"\x1b]0;never ends \x1b[31mx", b"\x1b[31mx"),
    ],
)
def test_only_text_and_colours_pass(output: bytes, wanted: bytes) -> None:
    assert shown(output) == wanted
    sanitiser = Sanitiser(colour=True)
    pieces = [sanitiser.feed(output[i : i + 1]) for i in range(len(output))]
    assert b"".join(pieces) == wanted, "cut at every byte"


def test_no_colour_takes_colours_away_too() -> None:
    assert shown(b"a\x1b[31mred", colour=False) == b"ared"


def test_it_is_known_whether_a_colour_passed() -> None:
    sanitiser = Sanitiser(colour=True)
    sanitiser.feed(b"x")
    assert not sanitiser.coloured
    sanitiser.feed(b"\x1b[1m")
    assert sanitiser.coloured


def test_typed_text_loses_its_controls_and_nothing_else() -> None:
    assert typed_text("grüße\tà\r\n".encode()) == ("grüße\tà\r\n".encode(), 0)
    assert typed_text(b"a\x1b[201~b\x00\x7f") == (b"a[201~b", 3)
    assert typed_text("a\x9bb".encode()) == (b"ab", 1)


def test_what_is_left_out_is_said_and_raw_leaves_nothing_out() -> None:
    said: list[str] = []
    assert told_text(b"\x03", raw=True, say=said.append) == b"\x03"
    assert not said
    assert told_text(b"x\x03", raw=False, say=said.append) == b"x"
    assert said == ["1 control character left out of the text; --raw sends every byte"]
