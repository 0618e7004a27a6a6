"""The scanner's answer depends on the bytes alone, not on how they were cut; undoing and repeating are exact."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from roost.core.kitty import KittyKeys
from roost.core.modes import TerminalModes
from roost.core.scanner import Scanner
from roost.core.scanner_state import MAX_BYTES

PIECES = [
    b"text\r\n",
    b"\x1b",
    b"\x1b\\",
    b"\x07",
    b"\x0e",
    b"\x0f",
    b"\x18",
    b"\x1b[",
    b"\x1b]",
    b"\x1bP",
    b"\x1bPtmux;",
    b"\x1b\x1b[?25l",
    b"\x1bc",
    b"\x1b[!p",
    b"\x1b=",
    b"\x1b>",
    b"\x1b[31m",
    b"\x1b[0m",
    b"\x1b[m",
    b"\x1b[38;5;12m",
    b"\x1b[?1049h",
    b"\x1b[?1049l",
    b"\x1b[?47h",
    b"\x1b[?1;25l",
    b"\x1b[?25h",
    b"\x1b[?1000;1006h",
    b"\x1b[?1003h",
    b"\x1b[?1000l",
    b"\x1b[?1006l",
    b"\x1b[?2004h",
    b"\x1b[?2026h",
    b"\x1b[4h",
    b"\x1b[>1u",
    b"\x1b[>5u",
    b"\x1b[<u",
    b"\x1b[<2u",
    b"\x1b[=3;2u",
    b"\x1b[>4;2m",
    b"\x1b[>4m",
    b"\x1b(0",
    b"\x1b)0",
    b"\x1b(B",
    b"\x1b[2;10r",
    b"\x1b[r",
    b"\x1b[?6h",
    b"\x1b[5 q",
    b"\x1b]0;title\x07",
    b"\x1b]2;other\x1b\\",
    b"\x1b[22;2t",
    b"\x1b[23;2t",
    b"\x1b]7;file:///tmp\x07",
    b"\x1b]133;A\x07",
    b"\x1b]133;D;7\x1b\\",
    b"\x1b]633;E;make\x07",
    b"\x1b[c",
    b"\x1b[6n",
    b"\x1b]11;?\x07",
    b"\x1b]11;#102030\x07",
    b"\x1b]4;3;rgb:1/2/3;4;?\x1b\\",
    b"\x1b]104;3\x07",
    b"\x1b]111\x07",
    b"\x1bP+q544e\x1b\\",
    b"\x1b]0;" + b"y" * 1030 + b"\x07",
    b"\x1b[?" + b"1;" * 90 + b"25h",
]
PIECE = st.one_of(*[st.sampled_from(PIECES)] * 7, st.binary(max_size=6))
OUTPUT = st.lists(PIECE, min_size=8, max_size=30).map(b"".join)
CUTS = st.lists(st.floats(0, 1), max_size=20)


def feed(output: bytes, cuts: list[float]) -> Scanner:
    """A scanner fed with the output, cut at fractions of its length."""
    scanner = Scanner()
    edges = sorted({int(cut * len(output)) for cut in cuts} | {0, len(output)})
    for start, end in pairwise(edges):
        scanner.feed(output[start:end], start)
    return scanner


def standing(modes: TerminalModes) -> tuple[object, ...]:
    """What a terminal shows of its modes: without offsets, and without what is not repeated on purpose."""
    return (
        modes.changed - {2026},
        modes.mouse,
        modes.encoding,
        modes.alternate,
        modes.kitty.flags,
        modes.kitty_keys.flags,
        modes.modify_keys,
        modes.cursor_shape,
        modes.charsets,
        modes.shift,
        modes.not_utf8,
        modes.region,
    )


@given(output=OUTPUT, cuts=CUTS)
@settings(max_examples=300, deadline=None)
def test_any_cutting_gives_the_same_state(output: bytes, cuts: list[float]) -> None:
    whole, cut = feed(output, []), feed(output, cuts)
    assert cut.state == whole.state
    assert cut.take_queries() == whole.take_queries()


@given(output=OUTPUT)
@settings(max_examples=60, deadline=None)
def test_single_bytes_give_the_same_state(output: bytes) -> None:
    scanner = Scanner()
    for offset in range(len(output)):
        scanner.feed(output[offset : offset + 1], offset)
    whole = feed(output, [])
    assert scanner.state == whole.state
    assert scanner.take_queries() == whole.take_queries()


@given(output=OUTPUT)
@settings(max_examples=200, deadline=None)
def test_undoing_leaves_a_fresh_terminal(output: bytes) -> None:
    scanner = feed(output, [])
    # Anything unfinished is ended first, as the bytes that follow in a terminal would do.
    terminal = feed(output + b"\x18", []) if not scanner._passthrough else feed(output + b"\x1b\\", [])
    if terminal._passthrough:
        terminal.feed(b"\x1b\\", terminal.offset)
    terminal.feed(terminal.reset_string(), terminal.offset)
    assert terminal.reset_string() == b""


@given(output=OUTPUT)
@settings(max_examples=200, deadline=None)
def test_repeating_gives_a_second_terminal_the_same_modes(output: bytes) -> None:
    scanner = feed(output, [])
    second = Scanner()
    second.feed(scanner.restore_string(), 0)
    assert standing(second.modes) == standing(scanner.modes)
    assert second.title == scanner.title
    assert second.restore_string() == scanner.restore_string()


@given(output=OUTPUT, rest=OUTPUT)
@settings(max_examples=200, deadline=None)
def test_a_scanner_made_from_state_goes_on_alike(output: bytes, rest: bytes) -> None:
    whole = feed(output + rest, [])
    first = feed(output, [])
    state = first.state
    assert len(state) <= MAX_BYTES
    second = Scanner.from_state(state)
    assert second.state == state
    second.feed(rest, len(output))
    assert second.state == whole.state


@given(seen=OUTPUT, unseen=OUTPUT)
@settings(max_examples=200, deadline=None)
def test_undoing_everything_is_enough_for_a_terminal_that_is_behind(seen: bytes, unseen: bytes) -> None:
    scanner = feed(seen + unseen + b"\x1b[?1049l", [])
    behind = feed(seen + b"\x18\x1b\\", [])
    if behind._passthrough:
        return
    behind.feed(scanner.reset_string(-1), behind.offset)
    # How many keyboard pushes to take back only its own scanner knows. Origin mode is harmless without margins, and
    # switching it off would move the cursor.
    behind.modes.kitty, behind.modes.kitty_alternate = KittyKeys(), KittyKeys()
    behind.modes.changed.discard(6)
    assert standing(behind.modes) == standing(TerminalModes())


@given(data=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_survived(data: bytes) -> None:
    scanner = feed(data, [])
    assert len(scanner.state) <= MAX_BYTES
    Scanner.from_state(data).feed(data, 0)
