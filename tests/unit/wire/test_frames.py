"""Frames of an attachment: what extended clients get beside v1's bytes. What protobuf makes of them is a property."""

from __future__ import annotations

import pytest

from roost.wire import frames
from roost.wire.framing import OUTPUT_CHUNK_BYTES, FrameSplitter

EXIT = frames.ExitInfo(None, 9, "hard", 12.5)


def decode(framed: bytes, *, pipe: bool = False) -> frames.StreamFrame:
    assert int.from_bytes(framed[:4], "big") == len(framed) - 4
    return frames.decode_stream_frame(framed[4:], pipe=pipe)


@pytest.mark.parametrize("length", [0, 1, 127, 128, 65535, 65536, 70000])
@pytest.mark.parametrize("offset", [None, 0, 127, 128, 1 << 40, (1 << 64) - 1])
def test_output_head_and_data_are_a_frame(length: int, offset: int | None) -> None:
    """The head announces exactly the data behind it, at any length and offset."""
    data = b"o" * length
    decoded = decode(frames.output_head(length, offset) + data)
    assert (decoded.output, decoded.offset) == (data, offset)


@pytest.mark.parametrize("pipe", [False, True])
def test_an_extended_exit_says_all_there_is(pipe: bool) -> None:
    """v1's code, how exactly, and the bytes that put the terminal back."""
    end = (frames.pipe_exit if pipe else frames.pty_exit)(-9, EXIT, b"\x1b[0m")
    decoded = decode(end, pipe=pipe)
    assert (decoded.exit_code, decoded.exited, decoded.reset) == (-9, EXIT, b"\x1b[0m")


@pytest.mark.parametrize("pipe", [False, True])
def test_an_unknown_code_is_an_error_not_a_number(pipe: bool) -> None:
    """Nothing untrue is reported, to v1 clients either."""
    write = frames.pipe_exit if pipe else frames.pty_exit
    decoded = decode(write(None, frames.ExitInfo(None, None, "unknown", 1.0)), pipe=pipe)
    assert (decoded.exit_code, decoded.error) == (None, "exit code unknown")
    assert decoded.exited == frames.ExitInfo(None, None, "unknown", 1.0)
    assert decode(write(None), pipe=pipe).exited is None


@pytest.mark.parametrize("pipe", [False, True])
def test_the_other_ends(pipe: bool) -> None:
    """Error and steal carry reset and kind; an empty reset writes nothing, so that v1's bytes stay v1's."""
    error, stolen = (frames.pipe_error, frames.pipe_stolen) if pipe else (frames.pty_error, frames.pty_stolen)
    decoded = decode(error("no", EXIT, b"r", "internal"), pipe=pipe)
    assert (decoded.error, decoded.exited, decoded.reset, decoded.error_kind) == ("no", EXIT, b"r", "internal")
    decoded = decode(stolen("me", b"r"), pipe=pipe)
    assert (decoded.stolen_by, decoded.reset) == ("me", b"r")
    assert error("no", None, b"") == error("no")
    missed = frames.pipe_missed if pipe else frames.pty_missed
    assert decode(missed(5), pipe=pipe).missed == 5


def test_eof_may_say_how_it_ended() -> None:
    """A pipe stream's end carries the exit for extended clients."""
    decoded = decode(frames.pipe_eof(EXIT), pipe=True)
    assert (decoded.eof, decoded.exited) == (True, EXIT)


@pytest.mark.parametrize("pipe", [False, True])
def test_notices_have_no_member_of_v1(pipe: bool) -> None:
    """Gap, size and input offset are in the extension alone, zeros included, the same for both kinds of stream."""
    for written, attribute, value in (
        (frames.gap(0, 9), "gap", (0, 9)),
        (frames.resized(0, 80), "resized", (0, 80)),
        (frames.input_offset(0), "input_offset", 0),
    ):
        expected = frames.StreamFrame()
        setattr(expected, attribute, value)
        assert decode(written, pipe=pipe) == expected


@pytest.mark.parametrize("length", [1, 127, 128, OUTPUT_CHUNK_BYTES, OUTPUT_CHUNK_BYTES + 1, 5 * OUTPUT_CHUNK_BYTES])
def test_input_is_split_into_frames_that_a_daemon_accepts(length: int) -> None:
    """The bytes arrive as they were, in frames of at most one chunk."""
    data = bytes(range(256)) * (length // 256 + 1)
    splitter = FrameSplitter(OUTPUT_CHUNK_BYTES + 8)
    splitter.feed(frames.encode_input(data[:length]))
    decoded = [frames.decode_input_frame(payload) for payload in splitter]
    assert splitter.at_boundary
    assert all(frame is not None and frame.kind == "input" for frame in decoded)
    assert b"".join(frame.data for frame in decoded if frame) == data[:length]


def test_input_without_bytes_is_ignored() -> None:
    """There is nothing to write."""
    assert frames.decode_input_frame(frames.encode_input(b"")[4:]) is None


def test_values_compare_unpack_and_print() -> None:
    """The small value classes behave like tuples with names."""
    code, signal, outcome, at = EXIT
    assert (code, signal, outcome, at) == (None, 9, "hard", 12.5)
    assert frames.ExitInfo(None, 9, "hard", 12.5) == EXIT
    assert hash(frames.ExitInfo(None, 9, "hard", 12.5)) == hash(EXIT)
    assert frames.ExitInfo(1, None, "hard", 12.5) != EXIT
    assert repr(EXIT) == "ExitInfo(code=None, signal=9, outcome='hard', at=12.5)"
