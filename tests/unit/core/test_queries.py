"""What is answered to a program that asks its terminal, and where its questions stand."""

from __future__ import annotations

import pytest

from roost.core.modes import TerminalModes
from roost.core.queries import answer, blanked, cursor_report, palette_colour, query_spans
from roost.core.scanner import Scanner


def asked(output: bytes) -> bytes:
    scanner = Scanner()
    scanner.feed(output, 0)
    return b"".join(answer(query, scanner.modes) for query in scanner.take_queries())


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (b"\x1b[c", b"\x1b[?62;22c"),
        (b"\x1b[0c", b"\x1b[?62;22c"),
        (b"\x1b[>c", b"\x1b[>1;10;0c"),
        (b"\x1b[5n", b"\x1b[0n"),
        (b"\x1b[?2004h\x1b[?2004$p", b"\x1b[?2004;1$y"),
        (b"\x1b[?25l\x1b[?25$p", b"\x1b[?25;2$y"),
        (b"\x1b[?7$p", b"\x1b[?7;1$y"),
        (b"\x1b[4h\x1b[4$p", b"\x1b[4;1$y"),
        (b"\x1b[?4242$p", b"\x1b[?4242;0$y"),
        (b"\x1b]10;?\x1b\\", b"\x1b]10;rgb:e5e5/e5e5/e5e5\x1b\\"),
        (b"\x1b]4;196;?\x1b\\", b"\x1b]4;196;rgb:ffff/0000/0000\x1b\\"),
        (b"\x1b]4;1;?;300;?;2;?\x1b\\", b"\x1b]4;1;rgb:cdcd/0000/0000\x1b\\\x1b]4;2;rgb:0000/cdcd/0000\x1b\\"),
        (b"\x1b]11;#123456\x07\x1b]11;?\x1b\\", b"\x1b]11;rgb:1212/3434/5656\x1b\\"),
        (b"\x1b]11;?\x07\x1b]11;#123456\x07", b"\x1b]11;rgb:0000/0000/0000\x1b\\"),
        (
            b"\x1b]10;rgb:f/0/80;#0f0\x07\x1b]10;?;?\x07",
            b"\x1b]10;rgb:ffff/0000/8080\x1b\\\x1b]11;rgb:0000/f0f0/0000\x1b\\",
        ),
        (b"\x1b]4;1;#010203;7;red\x07\x1b]4;1;?\x07", b"\x1b]4;1;rgb:0101/0202/0303\x1b\\"),
        (b"\x1b]4;1;#010203\x07\x1b]104;1\x07\x1b]4;1;?\x07", b"\x1b]4;1;rgb:cdcd/0000/0000\x1b\\"),
        (b"\x1b]4;1;#010203\x07\x1b]104\x07\x1b]4;1;?\x07", b"\x1b]4;1;rgb:cdcd/0000/0000\x1b\\"),
        (b"\x1b]12;#010203\x07\x1b]112\x07\x1b]12;?\x07", b"\x1b]12;rgb:e5e5/e5e5/e5e5\x1b\\"),
        (b"\x1b]12;#010203\x07\x1bc\x1b]12;?\x07", b"\x1b]12;rgb:e5e5/e5e5/e5e5\x1b\\"),
        (b"\x1b[18t\x1b[?u", b""),
    ],
)
def test_answers(question: bytes, expected: bytes) -> None:
    assert asked(question) == expected


def test_the_cursor_counts_from_one() -> None:
    assert cursor_report(0, 4) == b"\x1b[1;5R"


def test_the_palette_is_that_of_xterm() -> None:
    assert [palette_colour(n) for n in (1, 16, 21, 232, 255)] == [
        (205, 0, 0),
        (0, 0, 0),
        (0, 0, 255),
        (8, 8, 8),
        (238, 238, 238),
    ]


OUTPUT = b"one\x1b[ctwo\x1b]11;?\x07three\x1b[31m\x1b]10;?\x1b\\four\x1b[6nfive\x1b]2;title\x07"


def test_questions_are_found_with_what_ends_them() -> None:
    assert [OUTPUT[first - 7 : last - 7] for first, last in query_spans(OUTPUT, 7)] == [
        b"\x1b[c",
        b"\x1b]11;?\x07",
        b"\x1b]10;?\x1b\\",
        b"\x1b[6n",
    ]


def test_what_is_blanked_keeps_its_place_however_the_output_is_cut() -> None:
    spans = query_spans(OUTPUT, 0)
    expected = blanked(OUTPUT, 0, spans)
    assert (
        len(expected) == len(OUTPUT) and expected.replace(b"\0", b"") == b"onetwothree\x1b[31mfourfive\x1b]2;title\x07"
    )
    for cut in range(len(OUTPUT)):
        assert blanked(OUTPUT[:cut], 0, spans) + blanked(OUTPUT[cut:], cut, spans) == expected


def test_more_questions_than_the_scanner_keeps_are_all_found() -> None:
    assert len(query_spans(b"\x1b[c" * 500, 0)) == 500


def test_a_fresh_terminal_says_what_it_is() -> None:
    scanner = Scanner()
    scanner.feed(b"\x1b[>q", 0)
    assert answer(scanner.take_queries()[0], TerminalModes()).startswith(b"\x1bP>|roost(")
