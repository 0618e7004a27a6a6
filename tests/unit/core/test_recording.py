"""Recordings as lines: offsets, times, losses, and what a kill at any byte of the file leaves behind."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from roost.core.cast import CastHeader, read_cast
from roost.core.recording import (
    Aside,
    Batch,
    Checkpoint,
    Mark,
    encode_batch,
    last_checkpoint,
    parse_checkpoint,
)
from roost.core.redaction import REPLACEMENT, compile_rules

START = Checkpoint(0, 0, 24, 80)
HEAD = CastHeader().line() + START.line().encode()


def events(lines: bytes) -> list[tuple[int, str, str]]:
    cast = read_cast((CastHeader().line() + lines).splitlines(keepends=True))
    return [(event.at_us, event.code, event.data) for event in cast.events]


def text(lines: bytes) -> str:
    return "".join(data for _, code, data in events(lines) if code == "o")


def test_output_is_cut_where_another_moment_begins_and_events_stand_in_their_place() -> None:
    batch = Batch(
        START,
        0,
        b"abcdef",
        marks=[Mark(2, 10), Mark(6, 500_000)],
        asides=[Aside(4, 300_000, "m", "here"), Aside(6, 600_000, "r", "100x30"), Aside(7, 700_000, "m", "later")],
    )
    done = encode_batch(batch)
    assert events(done.lines) == [
        (10, "o", "ab"),
        (500_000, "o", "cd"),
        (500_000, "m", "here"),
        (500_000, "o", "ef"),
        (600_000, "r", "100x30"),
    ]
    assert done.checkpoint == Checkpoint(6, 600_000, 30, 100) and done.asides == 2
    assert last_checkpoint(HEAD + done.lines) == (done.checkpoint, len(HEAD + done.lines))


def test_a_character_that_is_cut_waits_for_its_rest_and_what_is_none_is_replaced() -> None:
    first = encode_batch(Batch(START, 0, "aé😀".encode()[:-1]))
    assert (text(first.lines), first.checkpoint.offset) == ("aé", 3)
    second = encode_batch(Batch(first.checkpoint, 3, "😀".encode() + b"\xff\xe2\x28"))
    assert text(second.lines) == "😀\ufffd\ufffd("
    assert text(encode_batch(Batch(START, 0, b"x\xf0\x9f", final=True)).lines) == "x\ufffd"


def test_nothing_decided_writes_nothing() -> None:
    assert encode_batch(Batch(START, 0, b"\xc3")).lines == b""
    rules = compile_rules(["abc"])
    assert encode_batch(Batch(START, 0, b"no line end"), rules).lines == b""
    assert text(encode_batch(Batch(START, 0, b"no line end", final=True), rules).lines) == "no line end"


def test_a_loss_is_said_with_its_exact_size() -> None:
    done = encode_batch(Batch(replace(START, offset=100), 350, b"more"))
    assert events(done.lines) == [(0, "m", "roost: 250 bytes are missing here"), (0, "o", "more")]
    assert b"# roost gap from=100 to=350\n" in done.lines
    assert (done.checkpoint.offset, done.checkpoint.missed) == (354, 250)


def test_with_rules_the_rest_of_a_line_whose_beginning_was_lost_is_left_out_too() -> None:
    rules = compile_rules(["secret[0-9]+"])
    assert encode_batch(Batch(START, 50, b"ret123"), rules).lines == b"", "its end has not been seen"
    done = encode_batch(Batch(START, 50, b"ret123\nplain\n"), rules)
    assert (text(done.lines), done.checkpoint.missed) == ("plain\n", 57)


def test_rules_see_what_stands_before_the_beginning() -> None:
    rules = compile_rules(["secret[0-9]+"])
    start = Checkpoint(20, 0, 24, 80)
    done = encode_batch(Batch(start, 20, b"23 x\n", context=b"a secret1"), rules)
    assert (text(done.lines), done.checkpoint.offset) == (f"{REPLACEMENT.decode()} x\n", 25)


def test_markers_go_by_the_rules_and_output_of_pipes_gets_carriage_returns() -> None:
    rules = compile_rules(["tok_[a-z]+"])
    done = encode_batch(Batch(START, 0, b"a\n", asides=[Aside(0, 0, "m", "$ x tok_abc")], returns=True), rules)
    assert events(done.lines) == [(0, "m", "$ x [redacted]"), (0, "o", "a\r\n")]


def test_only_a_whole_checkpoint_is_one() -> None:
    line = Checkpoint(5, 1_000_001, 24, 80, missed=2, ended=True).line().encode()
    assert parse_checkpoint(line) == Checkpoint(5, 1_000_001, 24, 80, missed=2, ended=True)
    for end in range(len(line)):
        assert parse_checkpoint(line[:end]) is None
    assert parse_checkpoint(b"# roost gap from=1 to=2\n") is None
    assert last_checkpoint(b'[0.1, "o", "x"]\n') is None


_STREAM = st.lists(
    st.sampled_from([b"hello ", b"\r\n", b"tok_abc", b"tok_", "é😀".encode(), b"\xff", b"\x1b[31m", b"z" * 3000]),
    max_size=25,
).map(b"".join)


@given(
    stream=_STREAM,
    steps=st.lists(st.tuples(st.integers(1, 6000), st.integers(0, 10**6)), max_size=12),
    redacted=st.booleans(),
)
def test_a_recording_killed_anywhere_and_gone_on_with_is_the_same_text(
    stream: bytes, steps: list[tuple[int, int]], redacted: bool
) -> None:
    """Each step writes what has come so far, then a kill leaves the batch cut at any of its bytes."""
    rules = compile_rules(["tok_[a-z]+"] if redacted else [])
    expected = text(encode_batch(Batch(START, 0, stream, final=True, ended=True), rules).lines)
    file, arrived, at = HEAD, 0, START
    for grown, tear in [*steps, (len(stream), 10**6)]:
        arrived = min(len(stream), arrived + grown)
        final = arrived == len(stream)
        lines = encode_batch(Batch(at, at.offset, stream[at.offset : arrived], final=final, ended=final), rules).lines
        file += lines[: min(tear, len(lines))] if tear < 10**6 else lines
        found = last_checkpoint(file)
        assert found is not None
        at, end = found
        file = file[:end]
        if at.ended:
            break
    assert text(file.partition(b"\n")[2]) == expected
    assert at.offset == len(stream)
