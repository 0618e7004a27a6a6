"""Server-sent events: what is written is read, however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.core.sse import HEARTBEAT, MOST_EVENT_BYTES, EventTooLargeError, ServerEvent, SseReader, encode_event


def read(stream: bytes, *cuts: int) -> list[ServerEvent]:
    reader = SseReader()
    events = []
    start = 0
    for cut in (*sorted(cuts), len(stream)):
        events += reader.feed(stream[start:cut])
        start = max(start, cut)
    return events


PAYLOAD = st.binary(max_size=40).filter(lambda b: b"\r" not in b)


@given(st.lists(st.tuples(st.sampled_from(["a", "exited", ""]), PAYLOAD, st.integers(0, 99)), max_size=5), st.data())
def test_events_come_through_as_they_were_however_they_are_cut(
    events: list[tuple[str, bytes, int]], data: st.DataObject
) -> None:
    stream = b"".join(encode_event(name, body, f"1.{n}") + HEARTBEAT for name, body, n in events)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))
    assert read(stream, *cuts) == [ServerEvent(name or "message", body, f"1.{n}") for name, body, n in events]


@given(st.lists(st.integers(0, 60), max_size=8))
def test_all_line_ends_count_once_wherever_the_cut_is(cuts: list[int]) -> None:
    stream = b"\xef\xbb\xbfid: 7\r\ndata: one\rdata: two\r\n\r\n: comment\n\ndata\n\n"
    expected = [ServerEvent("message", b"one\ntwo", "7"), ServerEvent("message", b"", "7")]
    assert read(stream, *[cut for cut in cuts if cut < len(stream)]) == expected


def test_the_fine_print_of_the_specification() -> None:
    reader = SseReader("5")
    assert reader.feed(b"event: x\n\ndata:  two spaces\nretry: 250\nretry: soon\nid: a\0b\nunknown: y\n\n") == [
        ServerEvent("message", b" two spaces", "5")
    ]
    assert reader.retry_s == 0.25
    reader.feed(b"id: 6\n\n")
    assert reader.last_id == "6", "an id counts also without data"
    reader.feed(b"id: 7\ndata: half")
    assert reader.last_id == "6", "and not before its event is whole"


def test_an_event_without_an_end_is_given_up() -> None:
    reader = SseReader()
    with pytest.raises(EventTooLargeError):
        for _ in range(MOST_EVENT_BYTES // (1 << 20) + 1):
            reader.feed(b"x" * (1 << 20))
    with pytest.raises(EventTooLargeError):
        many = SseReader()
        for _ in range(MOST_EVENT_BYTES // (1 << 20) + 1):
            many.feed(b"data: " + b"x" * (1 << 20) + b"\n")
