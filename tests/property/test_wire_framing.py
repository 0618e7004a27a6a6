"""Framing, cut anywhere, gives the same frames."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roost.wire.conversation import ServerConversation
from roost.wire.frames import encode_input
from roost.wire.framing import MAX_REQUEST_BYTES, FrameSplitter, FrameTooLargeError, frame

# Short ones, and some longer than what is gathered as small.
PAYLOADS = st.lists(
    st.one_of(st.binary(max_size=20), st.integers(0, 12_000).map(lambda n: bytes(n % 251 for n in range(n)))),
    max_size=6,
)


@given(st.lists(st.binary(max_size=12), min_size=1, max_size=4))
def test_a_cut_at_every_boundary(payloads: list[bytes]) -> None:
    """Whatever single place the stream is cut at, drained there or only at the end, the frames are the same."""
    stream = b"".join(map(frame, payloads))
    for cut in range(len(stream) + 1):
        for drained in (True, False):
            splitter = FrameSplitter(MAX_REQUEST_BYTES)
            splitter.feed(stream[:cut])
            taken = list(splitter) if drained else []
            splitter.feed(stream[cut:])
            assert taken + list(splitter) == payloads
            assert splitter.at_boundary


@given(PAYLOADS, st.lists(st.integers(1, 9_000), max_size=12), st.lists(st.booleans(), max_size=14))
def test_any_cuts_at_any_pace(payloads: list[bytes], sizes: list[int], drains: list[bool]) -> None:
    """Pieces of any size, drained at any time, give the same frames, and what is held is counted."""
    stream = b"".join(map(frame, payloads))
    splitter = FrameSplitter(MAX_REQUEST_BYTES)
    taken: list[bytes] = []
    at = 0
    for index, size in enumerate([*sizes, len(stream)]):
        splitter.feed(stream[at : at + size])
        at = min(at + size, len(stream))
        if index < len(drains) and drains[index]:
            taken += splitter
        assert splitter.buffered == at - sum(len(payload) + 4 for payload in taken)
    assert taken + list(splitter) == payloads
    assert splitter.at_boundary


@given(st.binary(max_size=200), st.integers(0, 300))
def test_garbage_is_frames_or_too_large(garbage: bytes, limit: int) -> None:
    """Any bytes are frames within the limit, then a rest that is incomplete or announces too much."""
    splitter = FrameSplitter(limit)
    splitter.feed(garbage)
    taken: list[bytes] = []
    try:
        taken += splitter
        too_large = False
    except FrameTooLargeError as error:
        too_large = True
        assert error.size_bytes > limit
    assert all(len(payload) <= limit for payload in taken)
    rest = garbage[sum(len(payload) + 4 for payload in taken) :] if not too_large else None
    if rest is not None:
        assert len(rest) < 4 or int.from_bytes(rest[:4], "big") > len(rest) - 4


@given(st.binary(min_size=1, max_size=4), st.one_of(st.binary(max_size=140), st.binary(max_size=130).map(encode_input)))
def test_the_short_way_of_a_keystroke_finds_what_the_long_one_does(before: bytes, received: bytes) -> None:
    """Whatever was received: input found in the short way is all that the long way finds, and only at a boundary."""
    short, long = ServerConversation(), ServerConversation()
    assert short.keystroke(received) is None  # these are requests
    for conversation in (short, long):
        conversation.start_stream()
    found = short.keystroke(received)
    if found is not None:
        assert list(long.feed(received)) == [found]
        assert not long.buffered
    short.feed(before)
    assert not short.buffered or short.keystroke(received) is None
