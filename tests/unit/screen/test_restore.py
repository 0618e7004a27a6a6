"""A terminal that was painted from a snapshot shows the same, and goes on in the same way."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.screen.emulator import make_emulator
from roost.screen.formats.ansi_form import restore
from roost.screen.snapshot import PLAIN, Line, Snapshot, Style

ROWS, COLS = 6, 30
#: What is not painted: where things scrolled to, and lines that a program could only see by scrolling back.
_NOT_PAINTED = frozenset(("offset", "scrollback", "scrollback_lines", "palette", "primary"))


def comparable(screen: Snapshot) -> Snapshot:
    """Without what nobody sees: which rows go on in the next, and whether the blanks at the end were written."""
    return replace(screen, lines=tuple(map(visible, screen.lines)))


def visible(line: Line) -> Line:
    runs = list(line.runs)
    while runs and _blank(runs[-1].style) and not runs[-1].wide:
        text = runs[-1].text.rstrip(" ")
        if text:
            runs[-1] = replace(runs[-1], text=text, cells=runs[-1].cells - len(runs[-1].text) + len(text))
            break
        runs.pop()
    return Line(tuple(runs))


def _blank(style: Style) -> bool:
    """Whether a space in that style looks like nothing."""
    return replace(style, bold=False, italic=False, faint=False, blink=False, foreground=None) == PLAIN


def differences(one: Snapshot, other: Snapshot) -> dict[str, object]:
    one, other = comparable(one), comparable(other)
    found: dict[str, object] = {
        name: (getattr(one, name), getattr(other, name))
        for name in (field.name for field in fields(Snapshot))
        if name not in _NOT_PAINTED and getattr(one, name) != getattr(other, name)
    }
    if one.primary is not None and other.primary is not None:
        texts = [[line.text for line in screen.primary.lines] for screen in (one, other) if screen.primary]
        if texts[0] != texts[1]:
            found["primary"] = texts
    return found


def painted_again(output: bytes, more: bytes = b"") -> dict[str, object]:
    """How a terminal painted anew behind `output` differs, once both have shown `more`."""
    first, second = make_emulator(ROWS, COLS), make_emulator(ROWS, COLS)
    first.feed(output)
    second.feed(b"left from before\r\n" * 9 + restore(first.snapshot(scrollback=50, primary=True)))
    before = differences(first.snapshot(primary=True), second.snapshot(primary=True))
    first.feed(more)
    second.feed(more)
    return before or differences(first.snapshot(primary=True), second.snapshot(primary=True))


CASES = {
    "margins and origin": b"hi\x1b[2;4r\x1b[?6h\x1b[2;3Hx",
    "left and right margins": b"\x1b[?69h\x1b[5;20s\x1b[3;7Hx",
    "keyboard": b"\x1b[>5u\x1b[>4;2m\x1b=\x1b[?1h",
    "mouse": b"\x1b[?1002h\x1b[?1006h\x1b[?1004h",
    "insert, no wrap, hidden bar cursor": b"abc\x1b[4h\x1b[?7l\x1b[5 q\x1b[?25l",
    "line drawing": b"\x1b(0lqqk\x1b[2;2H",
    "shifted charset": b"\x1b)0\x0elqk",
    "pen": b"\x1b[1;3;4:3;38;5;200;48;2;1;2;3;58;5;9mstyled",
    "behind the last column": b"x" * COLS + b"\x1b[32m",
    "behind the last column, wide": "漢".encode() * (COLS // 2),
    "half a sequence": b"text\x1b[1;3",
    "half a character": "漢".encode()[:2],
    "half a title": b"\x1b]2;half",
    "alternate": b"below\x1b[31m\x1b[?1049h\x1b[42mX\x1b[3;5Hhey\x1b]2;title\x07",
    "wrapped lines": b"y" * 75 + b"\r\n" + "é漢👍".encode() * 9,
    "link": b"\x1b]8;;http://a/b\x1b\\link\x1b]8;;\x1b\\ plain",
    "a wide character that did not fit, in another style": "\x1b[1;30H\x1b[44m👍\x1b[31m\r漢字".encode(),
    "a line inserted where a wide character was": "漢字ééééééééééééééééééééword 👍\x1b[44m\x1b[L👍".encode(),
    "colours to the edge": b"\x1b[44m\x1b[2J\x1b[0m\x1b[3;3Hon blue",
}


@pytest.mark.parametrize("output", CASES.values(), ids=CASES)
def test_what_is_painted_is_what_was_there(output: bytes) -> None:
    assert painted_again(output, b"more\r\nand \x1b[7mmore") == {}


_EDITS = [
    *(b"\r\n", b"\r", b"\b", b"\t", b"\x1b[K", b"\x1b[J", b"\x1b[2J", b"\x1b[H", b"\x1b[L", b"\x1b[M", b"\x1b[3@"),
    *(b"\x1b[%d;%dH" % (y, x) for y in (1, 3, 6) for x in (1, 15, 30)),
    *(b"\x1b[%sm" % style for style in (b"0", b"1", b"31", b"44", b"7", b"4:3", b"38;2;9;8;7")),
    *(b"\x1b[2;5r", b"\x1b[r", b"\x1b[4h", b"\x1b[4l", b"\x1bM", b"\x1bD", b"\x1b[S", b"\x1b[T"),
    *(b"\x1b[?2004h", b"\x1b[?25l"),
]
#: A cell that stayed blank because a wide character did not fit is, for the library, no blank that was written: it is
#: not treated the same when characters before it are deleted or erased. Other terminals make no difference.
_DELETING = [*_EDITS, b"\x1b[2P", b"\x1b[3X"]
_NARROW = [text.encode() for text in ("a", "word ", "x" * 31, "e\u0301", "é" * 20)]
_WIDE = [*_NARROW, "漢字".encode(), "👍".encode()]
_SCREENS = [b"\x1b[?1049h", b"\x1b[?1049l"]


def _drawing(*kinds: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(st.one_of(*map(st.sampled_from, kinds)), max_size=40).map(b"".join)


#: Where the cursor was saved last is not known: a program that leaves a screen twice finds out.
@settings(deadline=None, max_examples=200)
@given(_drawing(_DELETING, _WIDE, _WIDE, _SCREENS), _drawing(_EDITS, _WIDE, _WIDE))
def test_output_goes_on_as_if_nothing_had_happened(output: bytes, more: bytes) -> None:
    assert painted_again(output, more) == {}


@settings(deadline=None, max_examples=200)
@given(_drawing(_DELETING, _NARROW, _NARROW, _SCREENS), _drawing(_DELETING, _NARROW, _NARROW))
def test_characters_are_deleted_as_if_nothing_had_happened(output: bytes, more: bytes) -> None:
    assert painted_again(output, more) == {}


def test_leaving_the_alternate_screen_shows_what_it_hid() -> None:
    output = b"shell$ editor\r\n\x1b[32m\x1b[?1049h\x1b[2J\x1b[Htext"
    assert painted_again(output, b"\x1b[?1049lback\r\nshell$ ") == {}


def test_a_smaller_terminal_gets_the_part_at_the_cursor() -> None:
    emulator = make_emulator(10, 40)
    emulator.feed(b"".join(b"line %d\r\n" % i for i in range(8)) + b"prompt")
    small = make_emulator(5, 20)
    small.feed(restore(emulator.snapshot(), 5, 20))
    assert small.text() == ["line 4", "line 5", "line 6", "line 7", "prompt"]
    assert small.cursor() == (4, 6)
