"""Output as text: the same however it was cut, and every byte of it can be found again in the output."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from roost.core.plain_text import MAX_UNFINISHED_BYTES, PlainText

PIECES = st.sampled_from(
    [
        b"text",
        b"\r\n",
        b"\r",
        b"\r\r\n",
        b"\x1b[31m",
        b"\x1b[0m",
        b"\x1b[3C",
        b"\x1b[2;5H",
        b"\x1b[12",
        b"\x1b",
        b"\x1b]0;title\x07",
        b"\x1b]2;t\x1b\\",
        b"\x1bPq data\x1b\\",
        b"\x1b(B",
        b"\x1b7",
        b"\x08",
        b"\x07",
        b"\x1b]133;A\x07",
        b"\x1b]133;B\x07",
        b"\x1b]133;C\x07",
        b"\x1b]633;E;x\x07",
        "é→".encode(),
    ]
)


def text_of(data: bytes, cuts: list[int]) -> bytes:
    plain, parts, at = PlainText(0), [], 0
    for cut in [*cuts, len(data)]:
        piece = plain.feed(data[at:cut])
        assert [piece.locate(i) for i in range(len(piece.text))] == sorted(
            piece.locate(i) for i in range(len(piece.text))
        )
        parts.append(piece.text)
        for i, byte in enumerate(piece.text):
            stands = data[piece.locate(i)]
            assert byte == stands or byte in b" \n", (
                "where it stands in the output is that byte, or what it is instead of"
            )
        at = cut
    return b"".join(parts)


@given(pieces=st.lists(PIECES, max_size=12), cuts=st.lists(st.integers(0, 120), max_size=4))
@example(pieces=[b"\x1b[12", b"\x1b[0m", b"text"], cuts=[])
@example(pieces=[b"\r", b"\x1b[2;5H"], cuts=[])
@example(pieces=[b"text", b"\r", b"\x1b[31m", b"\r\n"], cuts=[6])
@example(pieces=[b"\r\n", b"\x1b[0m", b"\r", b"\x1b[0m", b"\r\n"], cuts=[7])
def test_text_does_not_depend_on_where_output_is_cut(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces) + b"."
    assert text_of(data, sorted(min(cut, len(data)) for cut in cuts)) == text_of(data, list(range(len(data))))


@given(st.binary(max_size=400), st.integers(0, 400))
def test_any_bytes_have_a_text_that_is_no_longer_and_has_no_controls(data: bytes, cut: int) -> None:
    text = text_of(data, [min(cut, len(data))])
    assert not set(text) & (set(range(32)) - {9, 10, 13})
    assert b"\x1b" not in text


def test_sequences_go_and_what_stands_apart_stays_apart() -> None:
    assert text_of(b"\x1b[1mbold\x1b[0m\r\nx\x1b]0;t\x07y\x1b(B", []) == b"bold\nxy"
    assert text_of(b"two\x1b[1Cwords\x1b[5;1Hplace", []) == b"two words\nplace"


def test_what_is_typed_at_a_prompt_is_no_output() -> None:
    data = b"\x1b]133;A\x07$ \x1b]133;B\x07make\r\n\x1b]633;E;make\x07\x1b]133;C\x07done\r\n\x1b]133;D;0\x07"
    assert text_of(data, []) == b"$ done\n"


def test_a_byte_of_the_text_is_found_in_the_output() -> None:
    piece = PlainText(100).feed(b"ab\x1b[31mcd\r\n\x1b[2Cx")
    assert piece.text == b"abcd\n  x"
    assert [piece.locate(i) for i in (0, 1, 2, 3, 7)] == [100, 101, 107, 108, 115]
    assert piece.locate_end(2) == 102


def test_a_string_without_end_is_skipped_and_not_kept() -> None:
    plain = PlainText(0)
    for _ in range(20):
        assert plain.feed(b"\x1b]52;c;" + b"A" * MAX_UNFINISHED_BYTES).text == b""
    assert plain.feed(b"AA\x07text").text == b"text"


def test_a_carriage_return_ends_a_line_but_not_at_its_beginning() -> None:
    assert text_of(b"$ make\r\n\x1b[?2004l\rbuilt\r\n", []) == b"$ make\nbuilt\n"  # as bash with readline writes it
    assert text_of(b"\rfirst\r\n\r\nlast", []) == b"first\n\nlast"
    assert text_of(b"10%\r20%\r\x1b[K30%\r\x1b[0m\r\ndone", []) == b"10%\n20%\n30%\ndone"
