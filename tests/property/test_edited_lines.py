"""Lines that are changed, against a terminal: what stands there in the end is found as one line of the text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roost.core.edited_line import MAX_REPEATED_BYTES, REPEATED_PER_BYTE
from roost.core.plain_text import PlainText
from roost.screen.emulator import make_emulator

CHANGES = st.sampled_from(
    [
        b"some words",
        b"x",
        b"  ",
        "漢字".encode(),
        "é".encode(),
        "e\u0301".encode(),
        b"\x1b[1mbold\x1b[0m",
        b"\x08",
        b"\x08\x08\x08\x08",
        b"\x08 \x08",
        b"\x1b[C",
        b"\x1b[4C",
        b"\x1b[D",
        b"\x1b[5D",
        b"\x1b[K",
        b"\x1b[1K",
        b"\x1b[2K",
        b"\x1b[J",
        b"\x1b[P",
        b"\x1b[3P",
        b"\x1b[@",
        b"\x1b[2@y",
        b"\x1b[4X",
        b"\x1b[4G",
        b"\x1b[12`",
        b"\r\x1b[K",
        b"\r\x1b[3C",
    ]
)


@given(st.lists(CHANGES, max_size=14))
def test_the_newest_line_is_what_a_terminal_shows(changes: list[bytes]) -> None:
    data = b"".join(changes)
    piece = PlainText(0).feed(data)
    terminal = make_emulator(20, 400)
    try:
        terminal.feed(data)
        shown = terminal.text()[0]
    finally:
        terminal.close()
    line = (piece.text + piece.rest).decode().rpartition("\n")[2]
    assert line.rstrip() == shown.rstrip() or not shown.strip()


@given(st.lists(CHANGES, max_size=14))
def test_a_line_that_is_left_is_whole(changes: list[bytes]) -> None:
    data = b"".join(changes)
    terminal = make_emulator(20, 400)
    try:
        terminal.feed(data)
        shown = terminal.text()[0].rstrip()
    finally:
        terminal.close()
    lines = PlainText(0).feed(data + b"\r\n").text.decode().split("\n")
    assert lines[-1] == ""
    assert lines[-2].rstrip() == shown or not shown


@given(st.lists(st.sampled_from([b"a\x08b\x08", b"\r\x1b[2C\x1b[P", b"\x1b[@", b"\x1b[512Cx\x1b[500D"]), max_size=30))
def test_a_few_bytes_cannot_cause_much_text(changes: list[bytes]) -> None:
    data = b"word " * 700 + b"".join(changes) * 20
    text = PlainText(0).feed(data).text
    blanks = 512 * data.count(b"\x1b[512C")
    assert len(text) <= len(data) + blanks + MAX_REPEATED_BYTES + REPEATED_PER_BYTE * len(data)
