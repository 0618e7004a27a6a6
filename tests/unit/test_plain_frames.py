"""The frames of a keystroke's round trip, which daemon and keeper share, against those of the whole protocol."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roost import plain_frames
from roost.wire import daemon_v1_pb2 as pb
from roost.wire import frames
from roost.wire.framing import OUTPUT_CHUNK_BYTES, frame

_LENGTHS = [1, 2, 121, 122, 127, 128, 4094, 4095, 16383, 16384, OUTPUT_CHUNK_BYTES, 1 << 20]


@given(st.sampled_from(_LENGTHS) | st.integers(1, 70_000))
def test_output_is_framed_as_the_official_runtime_frames_it(length: int) -> None:
    data = b"x" * length
    wanted = frame(pb.PtyStreamFrame(output=data).SerializeToString())
    assert plain_frames.output_head(length) + data == wanted == frames.output_head(length) + data


@given(st.binary(min_size=1, max_size=300))
def test_input_is_framed_as_the_official_runtime_frames_it(data: bytes) -> None:
    wanted = frame(pb.PtyInputFrame(input=data).SerializeToString())
    assert plain_frames.input_frame(data) == wanted
    assert plain_frames.keystroke(wanted) == (data if len(wanted) < 128 else None)


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=6), st.binary(max_size=200))
def test_several_keystrokes_are_taken_off_and_nothing_of_what_follows(keys: list[bytes], behind: bytes) -> None:
    sent = b"".join(map(plain_frames.input_frame, keys))
    typed, left = plain_frames.keystrokes(sent + behind)
    again = b""
    while (one := plain_frames.keystroke(left[: 4 + left[3]] if len(left) > 6 else b"")) is not None:
        again += one  # what follows happened to be a keystroke, too: it must not have been left
        left = left[6 + len(one) :]
    assert again == b"" and typed.startswith(b"".join(keys))
    assert (sent + behind).endswith(left)
    if not behind:
        assert (typed, left) == (b"".join(keys), b"")


@given(st.binary(max_size=140))
def test_what_is_no_frame_of_input_alone_is_no_keystroke(data: bytes) -> None:
    found = plain_frames.keystroke(data)
    assert found is None or plain_frames.input_frame(found) == data
