"""What the scanner knows after output, and what it writes to undo or repeat it."""

from __future__ import annotations

import pytest

from roost.core.questions import MAX_QUERIES, Query
from roost.core.scanner import Scanner
from roost.core.scanner_state import MAX_BYTES


def scan(*chunks: bytes) -> Scanner:
    scanner = Scanner()
    for chunk in chunks:
        scanner.feed(chunk, scanner.offset)
    return scanner


def test_a_fresh_terminal_needs_nothing() -> None:
    for output in (b"", b"text\r\n", b"\x1b[2J\x1b[H\x1b[10;20Hx\x1b[K", b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\"):
        scanner = scan(output)
        assert scanner.reset_string() == b""
        assert scanner.restore_string() == b""


@pytest.mark.parametrize(
    ("output", "reset", "restore"),
    [
        (b"\x1b[?25l", b"\x1b[?25h", b"\x1b[?25l"),
        (b"\x1b[?1h\x1b=", b"\x1b[?1l\x1b>", b"\x1b[?1h\x1b="),
        (b"\x1b[?66h", b"\x1b>", b"\x1b="),
        (b"\x1b[?7l", b"\x1b[?7h", b"\x1b[?7l"),
        (b"\x1b[?2004h", b"\x1b[?2004l", b"\x1b[?2004h"),
        (b"\x1b[?1004h", b"\x1b[?1004l", b"\x1b[?1004h"),
        (b"\x1b[4h", b"\x1b[4l", b"\x1b[4h"),
        (b"\x1b[?47h", b"\x1b[?47l", b"\x1b[?47h"),
        (b"\x1b[?1047h", b"\x1b[?1047l", b"\x1b[?1047h"),
        (b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?1049h"),
        (b"\x1b[?1006h", b"\x1b[?1006l", b"\x1b[?1006h"),
        (b"\x1b[?1000h", b"\x1b[?1003l\x1b[?1002l\x1b[?1000l", b"\x1b[?1000h"),
        (b"\x1b[?9h", b"\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?9l", b"\x1b[?9h"),
        (b"\x1b[>5u", b"\x1b[<1u", b"\x1b[>5u"),
        (b"\x1b[>1u\x1b[>5u", b"\x1b[<2u", b"\x1b[>1u\x1b[>5u"),
        (b"\x1b[=5u", b"\x1b[=0u", b"\x1b[=5u"),
        (b"\x1b[>4;2m", b"\x1b[>4;0m", b"\x1b[>4;2m"),
        (b"\x1b(0", b"\x0f\x1b(B\x1b)B\x1b*B\x1b+B", b"\x1b(0"),
        (b"\x1b)0\x0e", b"\x0f\x1b(B\x1b)B\x1b*B\x1b+B", b"\x1b)0\x0e"),
        (b"\x1b[5;20r", b"\x1b7\x1b[r\x1b8", b"\x1b7\x1b[5;20r\x1b8"),
        (b"\x1b[5r", b"\x1b7\x1b[r\x1b8", b"\x1b7\x1b[5r\x1b8"),
        (b"\x1b[?1049h\x1b[5;20r", b"\x1b[r\x1b[?1049l", b"\x1b[?1049h\x1b7\x1b[5;20r\x1b8"),
        (b"\x1b[4 q", b"\x1b[0 q", b"\x1b[4 q"),
        (b"\x1b[31m", b"\x1b[m", b""),
        (b"\x1b[?2026h", b"\x1b[?2026l", b""),
        (b"\x1b%@", b"\x1b%G", b"\x1b%@"),
    ],
)
def test_what_is_set_is_undone_and_repeated(output: bytes, reset: bytes, restore: bytes) -> None:
    scanner = scan(output)
    assert scanner.reset_string() == reset
    assert scanner.restore_string() == restore


@pytest.mark.parametrize(
    "output",
    [
        b"\x1b[?25l\x1b[?25h",
        b"\x1b[?1;25h\x1b[?1l",
        b"\x1b[?1002;1006h\x1b[?1002;1006l",
        b"\x1b[?1003h\x1b[?1000l",
        b"\x1b[?1049h\x1b[?47l",
        b"\x1b[>1u\x1b[<u",
        b"\x1b[>1u\x1b[>2u\x1b[<9u",
        b"\x1b[=1u\x1b[<u",
        b"\x1b[=3u\x1b[=3;3u",
        b"\x1b[>4;2m\x1b[>4m",
        b"\x1b[>4;2m\x1b[>4;0m",
        b"\x1b[>4;2m\x1b[>4n",
        b"\x1b(0\x1b(B",
        b"\x0e\x0f",
        b"\x1b[5;20r\x1b[r",
        b"\x1b[5;20r\x1b[;r",
        b"\x1b[4 q\x1b[ q",
        b"\x1b[1;31m\x1b[0m",
        b"\x1b[31m\x1b[m",
        b"\x1b[?66h\x1b>",
        b"\x1b[?1;6;25;7;66l\x1b[4h\x1b[5;6r\x1b[31m\x1b(0\x1b[4 q\x1b[>4;1m\x1b[!p",
        b"\x1b[?1049h\x1b[>1u\x1b[?1000h\x1b[?1006h\x1b[?2004h\x1b[31m\x1b[?25l\x1b)0\x0e\x1bc",
    ],
)
def test_what_was_taken_back_needs_nothing(output: bytes) -> None:
    assert scan(output).reset_string() == b""


def test_several_parameters_count_each() -> None:
    scanner = scan(b"\x1b[?1;25;2004h\x1b[?25;7l")
    assert [scanner.modes.is_set(number) for number in (1, 2004, 25, 7, 1049, 424242)] == [
        True,
        True,
        False,
        False,
        False,
        None,
    ]


def test_the_order_of_undoing_leaves_the_alternate_screen_late_and_shows_the_cursor_last() -> None:
    reset = scan(b"\x1b[?25l\x1b[>1u\x1b[?1049h\x1b[>3u\x1b[?1003;1006;2004h\x1b[31m\x1b[?2026h").reset_string()
    order = [b"[?2026l", b"[<1u", b"[?1003l", b"[?2004l", b"[?1049l", b"[<1u", b"[m", b"[?25h"]
    position = 0
    for sequence in order:
        position = reset.index(b"\x1b" + sequence, position) + 1
    assert reset.endswith(b"\x1b[?25h")
    assert b"\x1b[2J" not in reset
    assert b"\x1b[3J" not in reset
    assert b"\x1bc" not in reset


def test_each_screen_has_its_own_keyboard_stack() -> None:
    scanner = scan(b"\x1b[>1u\x1b[?1049h\x1b[>8u")
    assert scanner.restore_string() == b"\x1b[>1u\x1b[?1049h\x1b[>8u"
    scanner.feed(b"\x1b[?1049l", scanner.offset)
    assert scanner.restore_string() == b"\x1b[>1u"


def test_a_keyboard_stack_is_bounded() -> None:
    scanner = scan(b"\x1b[>1u" * 1000)
    assert scanner.restore_string() == b"\x1b[>1u" * 15


@pytest.mark.parametrize(
    "output",
    [
        b"\x1b]0;[?1049h[?25l\x07",
        b"\x1b]2;text\x1b\\[?25l",
        b"\x1bP1;1q[?25l#0~~\x1b\\",
        b"\x1b_Gf=100;[?25lAAAA\x1b\\",
        b"\x1bPtmux;\x1b\x1b[?1049h\x1b\x1b]0;x\x07\x1b\x1b\\\x1b\\",
        b"\x1b[?25\x18l",
        b"\x1b[?25\x1al",
        b"\x1b\x1b\\[?25l",
    ],
)
def test_the_content_of_strings_and_broken_sequences_set_nothing(output: bytes) -> None:
    scanner = scan(output)
    assert scanner.reset_string() == b""
    assert scanner.modes.is_set(25) is True


def test_an_escape_ends_a_string_as_in_terminals() -> None:
    assert scan(b"\x1b]0;never ended \x1b[?1049h").modes.is_set(1049) is True


def test_what_follows_a_pass_through_counts_again() -> None:
    assert scan(b"\x1bPtmux;\x1b\x1b[?25l\x1b", b"\\\x1b[?2004h").reset_string() == b"\x1b[?2004l"


def test_titles_are_kept_readable_and_bounded() -> None:
    assert scan(b"\x1b]0;h\xc3\xa9llo\x07").title == "héllo"
    assert scan(b"\x1b]2;a\xe2\x80\xaeb\tc\xff\x1b\\").title == "abc�"
    assert scan(b"\x1b]1;icon\x07").title == ""
    assert len(scan(b"\x1b]2;" + "é".encode() * 400 + b"\x07").title) == 80
    assert scan(b"\x1b]2;old\x07\x1b]2;" + b"x" * 5000 + b"\x07").title == "old"
    assert scan(b"\x1b]2;t\x07").restore_string() == b"\x1b]2;t\x07"


def test_a_title_can_be_pushed_and_popped() -> None:
    pushed = b"\x1b]2;shell\x07\x1b[22;2t\x1b]2;vim\x07"
    assert scan(pushed).title == "vim"
    assert scan(pushed, b"\x1b[23;2t").title == "shell"
    assert scan(pushed, b"\x1b[23;1t").title == "vim"
    assert scan(b"\x1b[23t").title == ""


def test_the_directory_is_known() -> None:
    assert scan(b"\x1b]7;file://host/tmp\x07").cwd == "file://host/tmp"
    assert scan(b"\x1b]633;P;Cwd=/srv\x07").cwd == "/srv"
    assert scan(b"\x1b]7;file:///a\x07\x1b]7;file:///" + b"b" * 600 + b"\x07").cwd == ""


def test_shell_marks_are_counted_with_their_offsets() -> None:
    marks = scan(b"\x1b]133;A;k=i\x07$ \x1b]133;B\x07ls\r\n\x1b]133;C\x07", b"a b\r\n\x1b]133;D;2\x1b\\").marks
    assert (marks.count, marks.last, marks.exit_code) == (4, "D", 2)
    assert (marks.prompt_at, marks.output_at, marks.finished_at) == (0, 26, 39)


def test_marks_of_the_other_dialect_tell_the_command() -> None:
    marks = scan(b"\x1b]633;E;echo a\\x3b b\\\\;nonce\x07\x1b]633;D\x07").marks
    assert marks.command == "echo a; b\\"
    assert (marks.last, marks.exit_code) == ("D", None)


@pytest.mark.parametrize(
    ("output", "kind", "detail"),
    [
        (b"\x1b[c", "da1", b"[c"),
        (b"\x1b[0c", "da1", b"[0c"),
        (b"\x1bZ", "da1", b"Z"),
        (b"\x1b[>c", "da2", b"[>c"),
        (b"\x1b[5n", "dsr", b"[5n"),
        (b"\x1b[6n", "cpr", b"[6n"),
        (b"\x1b[?6n", "decdsr", b"[?6n"),
        (b"\x1b[?2026$p", "decrqm", b"[?2026$p"),
        (b"\x1b[4$p", "decrqm", b"[4$p"),
        (b"\x1b[>0q", "xtversion", b"[>0q"),
        (b"\x1b[?u", "kitty", b"[?u"),
        (b"\x1b]11;?\x07", "osc11", b"]11;?"),
        (b"\x1b]4;7;?\x1b\\", "osc4", b"]4;7;?"),
        (b"\x1b]52;c;?\x07", "osc52", b"]52;c;?"),
        (b"\x1bP+q544e\x1b\\", "xtgettcap", b"P+q544e"),
        (b"\x1bP$qm\x1b\\", "decrqss", b"P$qm"),
        (b"\x1b[18t", "size", b"[18t"),
    ],
)
def test_queries_are_noted_where_they_stand(output: bytes, kind: str, detail: bytes) -> None:
    scanner = scan(b"abc\x1b[31m", output[:1], output[1:])
    assert scanner.take_queries() == [Query(8, kind, detail)]
    assert scanner.take_queries() == []


@pytest.mark.parametrize(
    "answer", [b"\x1b[?62;22c", b"\x1b[>1;10;0c", b"\x1b[0n", b"\x1b]11;rgb:0/0/0\x07", b"\x1b[3;4R"]
)
def test_an_echoed_answer_is_no_query(answer: bytes) -> None:
    assert [query for query in scan(answer).take_queries() if query.kind != "da2"] == []


def test_pending_queries_are_bounded_and_the_newest_stay() -> None:
    queries = scan(b"\x1b[c" * 100).take_queries()
    assert len(queries) == MAX_QUERIES
    assert queries[-1].offset == 297


def test_an_unfinished_string_is_kept_only_to_a_bound() -> None:
    scanner = scan(b"\x1b]0;" + b"x" * 100_000)
    assert len(scanner.state) < MAX_BYTES
    scanner.feed(b"x\x07\x1b[?25l", scanner.offset)
    assert scanner.title == ""
    assert scanner.modes.is_set(25) is False


def test_state_is_small_at_its_worst() -> None:
    scanner = scan(
        b"\x1b]7;" + b"\xe2\x82\xac" * 170 + b"\x07",
        b"\x1b]633;E;" + b"\xff" * 900 + b"\x07",
        (b"\x1b]2;" + "€".encode() * 200 + b"\x07\x1b[22t") * 5,
        b"\x1b[?1049h" + b"\x1b[>255u" * 20 + b"\x1b[?1049l" + b"\x1b[>255u" * 20,
        b"\x1b[?1;5;6;12;45;69;1004;2004;2026;2031;2048;1003;1006;1049h\x1b[?7;25l\x1b[4;20h\x1b(%5\x1b)%6\x1b[2;9r",
        b"\x1b]133;A\x07\x1b]133;C\x07\x1b]133;D;255\x07",
        b"\x1b]0;" + b"\xff" * 1020,
    )
    for number in range(100):
        scanner.feed(b"\x18\x1b]4;%d;#aabbcc\x07\x1b]11;#000001\x07" % number, scanner.offset)
    scanner.feed(b"\x1b]0;" + b"\xff" * 1020, scanner.offset)
    assert len(scanner.state) <= MAX_BYTES


def test_state_brings_everything_back() -> None:
    scanner = scan(b"\x1b]12;#123\x07\x1b[?1049h\x1b[>1u\x1b[31m\x1b]2;t\x07\x1b]133;D;1\x07\x1b[5;6r\x1b[?20")
    again = Scanner.from_state(scanner.state)
    assert again.state == scanner.state
    again.feed(b"04h", scanner.offset)
    assert again.modes.is_set(2004) is True


def test_state_that_is_missing_torn_or_foreign() -> None:
    state = scan(b"\x1b[?25l").state
    assert Scanner.from_state(b"").uncertain is False
    for broken in (state[:-1], b"\0" * 30, state[:10] + b"\x00" + state[11:]):
        assert Scanner.from_state(broken).uncertain is True


def test_dirty_says_whether_storing_is_worth_it() -> None:
    scanner = scan(b"\x1b[?25l")
    assert scanner.dirty
    assert scanner.state
    assert not scanner.dirty
    scanner.feed(b"text", scanner.offset)
    assert not scanner.dirty
    scanner.feed(b"\x1b[", scanner.offset)
    assert scanner.dirty


def test_a_state_that_was_not_dirty_may_be_older_than_the_next_chunk() -> None:
    scanner = Scanner.from_state(scan(b"\x1b[?25l").state)
    scanner.feed(b"\x1b[?2004h", 5000)
    assert not scanner.uncertain
    assert scanner.reset_string() == b"\x1b[?2004l\x1b[?25h"


def test_what_was_seen_is_not_seen_twice() -> None:
    scanner = scan(b"\x1b[>1u\x1b[>2u")
    scanner.feed(b"\x1b[>2u\x1b[>3u", 5)
    assert scanner.reset_string() == b"\x1b[<3u"
    scanner.feed(b"\x1b[>9u", 0)
    assert scanner.reset_string() == b"\x1b[<3u"


def test_lost_output_makes_modes_uncertain_until_a_full_reset() -> None:
    scanner = scan(b"\x1b[?1049h\x1b[?20")
    scanner.feed(b"04h\x1b[?25l", 9999)
    assert scanner.uncertain
    assert scanner.modes.is_set(2004) is False
    reset = scanner.reset_string()
    for sequence in (b"\x1b[?1049l", b"\x1b[?2004l", b"\x1b[?1003l", b"\x1b[?1006l", b"\x1b[m", b"\x1b[?25h"):
        assert sequence in reset
    scanner.feed(b"\x1bc", scanner.offset)
    assert not scanner.uncertain
    assert scanner.reset_string() == b""


def test_being_lapped_is_the_same_as_a_hole() -> None:
    scanner = scan(b"\x1b[?25l\x1b[")
    scanner.lapped()
    scanner.feed(b"?2004h", 70000)
    assert scanner.uncertain
    assert scanner.modes.is_set(2004) is False
    assert b"\x1b[?1047l" in scanner.reset_string()


def test_a_terminal_that_is_behind_gets_everything_undone() -> None:
    scanner = scan(b"\x1b[?1000h\x1b[?1000l")
    assert scanner.reset_string(scanner.offset) == b""
    assert b"\x1b[?1000l" in scanner.reset_string(4)


def test_what_adds_up_is_left_to_the_replay() -> None:
    scanner = scan(b"ab\x1b[>1u\x1b[?2004h", b"\x1b[?1049h\x1b[>2u")
    assert scanner.restore_string(0) == b"", "the first output was written to a fresh terminal"
    assert scanner.restore_string(1) == b"\x1b[?2004h"
    assert scanner.restore_string(15) == b"\x1b[?2004h\x1b[>1u"
    assert scanner.restore_string(23) == b"\x1b[?2004h\x1b[>1u\x1b[?1049h"
    assert scanner.restore_string(28) == scanner.restore_string()


def test_a_resize_ends_the_margins_but_not_the_duty_to_undo_them() -> None:
    scanner = scan(b"\x1b[5;20r")
    scanner.resized(24)
    assert scanner.restore_string() != b""
    scanner.resized(50)
    assert scanner.restore_string() == b""
    assert scanner.reset_string() == b"\x1b7\x1b[r\x1b8"


def test_margins_of_the_whole_screen_are_undone_but_not_repeated() -> None:
    scanner = scan(b"\x1b[1;24r")
    assert scanner.reset_string() == b"\x1b7\x1b[r\x1b8"
    assert scanner.restore_string() == b""
    scanner.resized(24)
    assert scanner.restore_string() == b""
    scanner.feed(b"\x1b[1;23r", scanner.offset)
    assert scanner.restore_string() == b"\x1b7\x1b[1;23r\x1b8"


def test_memory_views_are_read_too() -> None:
    scanner = Scanner()
    scanner.feed(memoryview(b"\x1b[?25l"), 0)
    assert scanner.modes.is_set(25) is False
