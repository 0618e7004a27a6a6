"""The frame splitter: limits, boundaries, and that pieces of any size give the same frames."""

from __future__ import annotations

import pytest

from roost.errors import ProtocolError
from roost.wire.framing import FrameSplitter, FrameTooLargeError, frame


def test_a_frame_of_exactly_the_limit_passes_and_one_byte_more_does_not() -> None:
    """The limit itself is allowed; above it the error says the size."""
    splitter = FrameSplitter(10)
    splitter.feed(frame(b"x" * 10) + frame(b"y" * 11))
    assert splitter.next_frame() == b"x" * 10
    with pytest.raises(FrameTooLargeError, match=r"^frame decode error") as caught:
        splitter.next_frame()
    assert caught.value.size_bytes == 11
    assert isinstance(caught.value, ProtocolError)


def test_too_large_is_seen_from_the_prefix_alone_and_stays() -> None:
    """Nothing of the payload is waited for, and asking again does not help."""
    splitter = FrameSplitter(10)
    splitter.feed(b"\x00\x00\x00")
    assert splitter.next_frame() is None
    splitter.feed(b"\x0b")
    for _ in range(2):
        with pytest.raises(FrameTooLargeError):
            splitter.next_frame()


def test_a_zero_length_frame_is_a_frame() -> None:
    """It is an empty payload, not nothing."""
    splitter = FrameSplitter(10)
    splitter.feed(frame(b""))
    assert splitter.next_frame() == b""
    assert splitter.next_frame() is None


def test_at_boundary_is_false_only_inside_a_frame() -> None:
    """Between frames an end-of-file is fine; from the first byte of a prefix to the last of a payload it is not."""
    splitter = FrameSplitter(10)
    assert splitter.at_boundary
    whole = frame(b"abc")
    for byte in whole[:-1]:
        splitter.feed(bytes((byte,)))
        assert splitter.next_frame() is None
        assert not splitter.at_boundary
    splitter.feed(whole[-1:])
    assert splitter.next_frame() == b"abc"
    assert splitter.at_boundary


def test_buffered_counts_what_is_held() -> None:
    """Prefix and payload of a frame count until it is taken, in whatever pieces they came."""
    splitter = FrameSplitter(1 << 20)
    whole = frame(b"z" * 10_000) + frame(b"tail")
    for start, end in ((0, 5), (5, 6000), (6000, 6001), (6001, len(whole))):
        splitter.feed(whole[start:end])
        assert splitter.buffered == end
    assert splitter.next_frame() == b"z" * 10_000
    assert splitter.buffered == 8
    assert splitter.next_frame() == b"tail"
    assert splitter.buffered == 0


def test_a_trickled_frame_is_held_in_few_pieces() -> None:
    """A peer that sends a large frame a few bytes at a time costs its bytes, not an object each."""
    splitter = FrameSplitter(1 << 20)
    whole = frame(bytes(100_000))
    for at in range(0, len(whole), 3):
        splitter.feed(whole[at : at + 3])
        assert len(splitter._more) <= 1
    assert splitter.next_frame() == bytes(100_000)


def test_a_whole_frame_in_one_piece_is_cut_out_with_one_copy() -> None:
    """What was fed is kept as it is, and only the payload is copied out of it."""
    splitter = FrameSplitter(1 << 20)
    data = frame(b"a" * 70_000) + frame(b"b")
    splitter.feed(data)
    assert splitter._buffer is data
    assert list(splitter) == [b"a" * 70_000, b"b"]
    assert splitter._buffer is data
