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

EDITS = st.sampled_from(
    [
        b"\x08",
        b"\x08\x08\x08",
        b"\x1b[C",
        b"\x1b[2D",
        b"\x1b[K",
        b"\x1b[1K",
        b"\x1b[2K",
        b"\x1b[J",
        b"\x1b[2P",
        b"\x1b[@",
        b"\x1b[3X",
        b"\x1b[G",
        b"\x1b[5G",
        b"\x1b[A",
        b"\t",
        b" ",
        b"xy",
        "漢".encode(),
        "e\u0301".encode(),
        b"\xe9",
        b"\n",
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
            found = piece.locate(i)
            assert byte in (data[found], *b" \n", *data[: found + 4]), (
                "where it stands in the output is that byte, or what brings it back, or what it is instead of"
            )
        at = cut
    return b"".join(parts) + piece.rest


@given(pieces=st.lists(PIECES, max_size=12), cuts=st.lists(st.integers(0, 120), max_size=4))
@example(pieces=[b"\x1b[12", b"\x1b[0m", b"text"], cuts=[])
@example(pieces=[b"\r", b"\x1b[2;5H"], cuts=[])
@example(pieces=[b"text", b"\r", b"\x1b[31m", b"\r\n"], cuts=[6])
@example(pieces=[b"\r\n", b"\x1b[0m", b"\r", b"\x1b[0m", b"\r\n"], cuts=[7])
def test_text_does_not_depend_on_where_output_is_cut(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces) + b"."
    assert text_of(data, sorted(min(cut, len(data)) for cut in cuts)) == text_of(data, list(range(len(data))))


@given(pieces=st.lists(PIECES | EDITS, max_size=16), cuts=st.lists(st.integers(0, 120), max_size=4))
def test_text_of_changed_lines_does_not_depend_on_where_output_is_cut(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces) + b"."
    assert text_of(data, sorted(min(cut, len(data)) for cut in cuts)) == text_of(data, list(range(len(data))))


@given(pieces=st.lists(PIECES | EDITS, max_size=16), cut=st.integers(0, 120))
def test_the_way_that_finds_offsets_gives_the_same_text_as_the_fast_one(pieces: list[bytes], cut: int) -> None:
    data = b"".join(pieces) + b"."
    cut = min(cut, len(data))
    slow = PlainText(0)
    text = slow.feed(b"\x1b]133;D\x07" + data[:cut]).text + slow.feed(data[cut:] + b"\x1b]133;D\x07").text
    assert text_of(data + b"\x1b]0;t\x07", [cut]) == text + slow.feed(b"").rest


@given(pieces=st.lists(PIECES | EDITS, max_size=12), index=st.integers(0, 60))
def test_reading_on_behind_some_text_gives_the_rest_of_it(pieces: list[bytes], index: int) -> None:
    data = b"".join(pieces) + b".\r\n"
    piece = PlainText(0).feed(data)
    index = min(index, len(piece.text))
    while piece.text[index : index + 1] > b"\x7f" and piece.text[index] < 0xC0:  # what was found ends with a character
        index += 1
    resumed = piece.resume(index)
    left = resumed.feed(data[resumed.offset :]).text
    assert piece.text.endswith(left), "nothing comes twice"
    assert len(piece.text) - len(left) - index < 90, "and nothing is lost but of what a change has repeated"


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


def test_a_changed_line_is_a_line_of_its_own() -> None:
    assert text_of(b"$ ls\x08\x08cd\r\n", []) == b"$ ls\n$ cd\n"
    assert text_of(b"$ lx\x08 \x08s", []) == b"$ lx\n$ ls", "as a terminal echoes a backspace"
    assert text_of(b"$ lx\x08\x1b[Ks", []) == b"$ lx\n$ ls", "and readline"
    assert text_of(b"make\x08\x08\x08\x08make\r\n", []) == b"make\n", "writing what is there is a movement"
    assert text_of(b"10%\x08\x08\x0820%\x08\x08\x08done", []) == b"10%\n20%\ndone"
    assert text_of(b"[|] on it\r\x1b[C/\r\x1b[C-\r\n", []) == b"[|] on it\n[/] on it\n[-] on it\n"


def test_what_is_inserted_in_a_line_is_found_at_once_and_added_once() -> None:
    plain = PlainText(0)
    piece = plain.feed(b"$ echo hello\r\x1b[7C\x1b[1@X")  # as readline inserts
    assert (piece.text, piece.rest) == (b"$ echo hello\n$ echo X", b"hello")
    piece = plain.feed(b"\r\n")
    assert (piece.text, piece.rest) == (b"hello\n", b"")


def test_what_readline_writes_is_what_stands_there() -> None:
    data = b"$ Qecho hezXY\r\x1b[C\x1b[C\x1b[3Pecho two"  # the previous command of its history
    assert text_of(data, []) == b"$ Qecho hezXY\n$ echo two"
    data = b"$ \r(reverse-i-search)`': \x08\x08\x08e': echo two\r$ echo two\x1b[K"
    assert text_of(data, []).rpartition(b"\n")[2] == b"$ echo two"
    assert b"(reverse-i-search)`e': echo two" in text_of(data, [])


def test_text_that_only_comes_back_is_marked() -> None:
    piece = PlainText(0).feed(b"$ ls\x08\x08cd")
    assert (piece.text, piece.copies) == (b"$ ls\n$ cd", [(4, 7)])
    assert piece.locate(5) == 6, "it stands where it was brought back"


def test_a_string_without_end_is_skipped_and_not_kept() -> None:
    plain = PlainText(0)
    for _ in range(20):
        assert plain.feed(b"\x1b]52;c;" + b"A" * MAX_UNFINISHED_BYTES).text == b""
    assert plain.feed(b"AA\x07text").text == b"text"


def test_a_carriage_return_ends_a_line_but_not_at_its_beginning() -> None:
    assert text_of(b"$ make\r\n\x1b[?2004l\rbuilt\r\n", []) == b"$ make\nbuilt\n"  # as bash with readline writes it
    assert text_of(b"\rfirst\r\n\r\nlast", []) == b"first\n\nlast"
    assert text_of(b"10%\r20%\r\x1b[K30%\r\x1b[0m\r\ndone", []) == b"10%\n20%\n30%\ndone"
