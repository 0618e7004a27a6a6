"""Frames by hand against the protobuf runtime: each reads what the other writes, and refuses what the other refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st

from roost.errors import ProtocolError
from roost.wire import daemon_v1_pb2 as pb
from roost.wire import frames
from roost.wire.framing import frame
from roost.wire.lite import field_bytes, field_varint, write_varint

U32 = st.one_of(st.integers(0, 300), st.integers(0, (1 << 32) - 1))
U64 = st.one_of(st.integers(0, 300), st.integers(0, (1 << 64) - 1))
I32 = st.one_of(st.integers(-200, 200), st.integers(-(1 << 31), (1 << 31) - 1))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DATA = st.one_of(st.binary(max_size=20), st.integers(100, 300).map(bytes))
MAYBE_TEXT = st.none() | TEXT
MAYBE_DATA = st.none() | st.binary(min_size=1, max_size=12)
EXITS = st.builds(frames.ExitInfo, st.none() | I32, st.none() | U32, TEXT, st.floats(allow_nan=False))
KINDS = pytest.mark.parametrize("pipe", [False, True], ids=["terminal", "pipe"])


def optional(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def gap_message(start: int, end: int) -> pb.RoostGap:
    return pb.RoostGap(**{"from": start, "to": end})


def exit_message(info: frames.ExitInfo | None) -> pb.RoostExit | None:
    if info is None:
        return None
    return pb.RoostExit(**optional(code=info.code, signal=info.signal), outcome=info.outcome, at=info.at)


GAPS = st.builds(gap_message, U64, U64)
SIZES = st.builds(lambda rows, cols: pb.RoostSize(rows=rows, cols=cols), U32, U32)
EXTENSIONS = st.fixed_dictionaries(
    {},
    optional={
        "offset": U64,
        "gap": GAPS,
        "exited": EXITS.map(exit_message),
        "resized": SIZES,
        "input_offset": U64,
        "reset": DATA,
        "error_kind": TEXT,
    },
).map(lambda fields: pb.RoostFrame(**fields))


def stream_messages(pipe: bool) -> st.SearchStrategy[Any]:
    message = pb.PipeStreamFrame if pipe else pb.PtyStreamFrame
    members = {"exit_code": I32, "missed_bytes": U64, "error": TEXT, "stolen_by": TEXT}
    members |= {"bytes": DATA, "eof": st.booleans()} if pipe else {"output": DATA}
    chosen = st.one_of([st.just({}), *(s.map(lambda v, n=n: {n: v}) for n, s in members.items())])
    extension = st.one_of(st.just({}), EXTENSIONS.map(lambda roost: {"roost": roost}))
    return st.builds(lambda one, roost: message(**one, **roost), chosen, extension)


def seen(message: Any, pipe: bool) -> frames.StreamFrame:
    """What a client should make of the frame, said by the runtime's reading of it."""
    which = message.WhichOneof("frame")
    expected = frames.StreamFrame()
    names = {"bytes": "output", "missed_bytes": "missed"}
    if which is not None:
        setattr(expected, names.get(which, which), getattr(message, which))
    roost = message.roost
    for name in ("offset", "input_offset", "reset", "error_kind"):
        if roost.HasField(name):
            setattr(expected, name, getattr(roost, name))
    if roost.HasField("gap"):
        expected.gap = (getattr(roost.gap, "from"), roost.gap.to)
    if roost.HasField("resized"):
        expected.resized = (roost.resized.rows, roost.resized.cols)
    if roost.HasField("exited"):
        exited = roost.exited
        code = exited.code if exited.HasField("code") else None
        signal = exited.signal if exited.HasField("signal") else None
        outcome = exited.outcome if exited.HasField("outcome") else "unknown"
        expected.exited = frames.ExitInfo(code, signal, outcome, exited.at)
    return expected


def asked(message: pb.PtyInputFrame) -> frames.InputFrame | None:
    """What a daemon should make of an input frame, said by the runtime's reading of it."""
    which = message.WhichOneof("frame")
    if which == "input":
        return frames.InputFrame("input", message.input) if message.input else None
    if which == "resize":
        return frames.InputFrame("resize", rows=message.resize.rows, cols=message.resize.cols)
    if which == "interrupt":
        return frames.InputFrame("interrupt") if message.interrupt else None
    if which == "detach":
        return frames.InputFrame("detach") if message.detach else None
    return frames.InputFrame("close_stdin") if message.roost.close_stdin else None


INPUT_MESSAGES = st.one_of(
    st.just(pb.PtyInputFrame()),
    DATA.map(lambda data: pb.PtyInputFrame(input=data)),
    st.builds(lambda rows, cols: pb.PtyInputFrame(resize=pb.PtyResize(rows=rows, cols=cols)), U32, U32),
    st.booleans().map(lambda flag: pb.PtyInputFrame(interrupt=flag)),
    st.booleans().map(lambda flag: pb.PtyInputFrame(detach=flag)),
    st.booleans().map(lambda flag: pb.PtyInputFrame(roost=pb.RoostInput(close_stdin=flag))),
    st.just(pb.PtyInputFrame(roost=pb.RoostInput())),
)


@KINDS
@given(data=st.data())
def test_stream_frames_of_the_runtime_are_read(pipe: bool, data: st.DataObject) -> None:
    """Whatever frame the runtime writes, a client sees the same in it."""
    message = data.draw(stream_messages(pipe))
    assert frames.decode_stream_frame(message.SerializeToString(), pipe=pipe) == seen(message, pipe)


@given(INPUT_MESSAGES)
def test_input_frames_of_the_runtime_are_read(message: pb.PtyInputFrame) -> None:
    """Whatever input frame the runtime writes, the daemon sees the same in it."""
    assert frames.decode_input_frame(message.SerializeToString()) == asked(message)


def written(message: Any) -> bytes:
    return frame(message.SerializeToString())


@KINDS
@given(code=I32, info=st.none() | EXITS, text=TEXT, reset=MAYBE_DATA, kind=MAYBE_TEXT, n=U64)
def test_last_frames_are_what_the_runtime_writes(
    pipe: bool, code: int, info: frames.ExitInfo | None, text: str, reset: bytes | None, kind: str | None, n: int
) -> None:
    """Exit, error, steal and missed, with whatever goes with them, in the runtime's very bytes."""
    message = pb.PipeStreamFrame if pipe else pb.PtyStreamFrame

    def extension(**fields: Any) -> dict[str, Any]:
        present = optional(**fields)
        return {"roost": pb.RoostFrame(**present)} if present else {}

    def pick(terminal: Callable[..., bytes], piped: Callable[..., bytes]) -> Callable[..., bytes]:
        return piped if pipe else terminal

    exited = exit_message(info)
    ended = extension(exited=exited, reset=reset)
    full = extension(exited=exited, reset=reset, error_kind=kind)
    assert pick(frames.pty_exit, frames.pipe_exit)(code, info, reset) == written(message(exit_code=code, **ended))
    assert pick(frames.pty_error, frames.pipe_error)(text, info, reset, kind) == written(message(error=text, **full))
    stolen = written(message(stolen_by=text, **extension(reset=reset)))
    assert pick(frames.pty_stolen, frames.pipe_stolen)(text, reset) == stolen
    assert pick(frames.pty_missed, frames.pipe_missed)(n) == written(message(missed_bytes=n))
    assert frames.pipe_eof(info, reset, kind) == written(pb.PipeStreamFrame(eof=True, **full))


@KINDS
@given(output=DATA, offset=st.none() | U64, gap=GAPS, size=SIZES, n=U64)
def test_output_and_notices_are_what_the_runtime_reads(
    pipe: bool, output: bytes, offset: int | None, gap: pb.RoostGap, size: pb.RoostSize, n: int
) -> None:
    """Output (extension first, so that the data can follow) and the frames of the extension alone."""
    message = pb.PipeStreamFrame if pipe else pb.PtyStreamFrame
    roost = {} if offset is None else {"roost": pb.RoostFrame(offset=offset)}
    expected = message(**({"bytes": output} if pipe else {"output": output}), **roost)
    framed = frames.output_head(len(output), offset, pipe=pipe) + output
    assert framed[:4] == written(expected)[:4]
    assert message.FromString(framed[4:]) == expected
    assert frames.gap(getattr(gap, "from"), gap.to) == written(message(roost=pb.RoostFrame(gap=gap)))
    assert frames.resized(size.rows, size.cols) == written(message(roost=pb.RoostFrame(resized=size)))
    assert frames.input_offset(n) == written(message(roost=pb.RoostFrame(input_offset=n)))


@given(data=DATA, rows=U32, cols=U32)
def test_input_frames_are_what_the_runtime_writes(data: bytes, rows: int, cols: int) -> None:
    """Each thing a client can ask for, in the runtime's very bytes."""
    assert frames.encode_input(data) == written(pb.PtyInputFrame(input=data))
    assert frames.encode_resize(rows, cols) == written(pb.PtyInputFrame(resize=pb.PtyResize(rows=rows, cols=cols)))
    assert frames.encode_interrupt() == written(pb.PtyInputFrame(interrupt=True))
    assert frames.encode_detach() == written(pb.PtyInputFrame(detach=True))
    assert frames.encode_close_stdin() == written(pb.PtyInputFrame(roost=pb.RoostInput(close_stdin=True)))


# Fields that mean something, fields that do not, and damage: put together they repeat, replace, merge and break.
NUMBERS = st.sampled_from([1, 2, 3, 4, 5, 6, 7, 9, 1000, 20_000])
SCRAPS = st.one_of(
    stream_messages(False).map(lambda message: message.SerializeToString()),
    stream_messages(True).map(lambda message: message.SerializeToString()),
    INPUT_MESSAGES.map(lambda message: message.SerializeToString()),
    st.builds(field_varint, NUMBERS, U64),
    st.builds(field_bytes, NUMBERS, st.binary(max_size=6)),
    st.builds(lambda number, inner: field_bytes(1000, field_bytes(number, inner)), NUMBERS, st.binary(max_size=6)),
    st.builds(lambda number, n: write_varint(number << 3 | 1) + n.to_bytes(8, "little"), NUMBERS, U64),
    st.builds(lambda number, n: write_varint(number << 3 | 5) + n.to_bytes(4, "little"), NUMBERS, U32),
    st.builds(
        lambda number, inner: write_varint(number << 3 | 3) + inner + write_varint(number << 3 | 4),
        NUMBERS,
        st.builds(field_varint, NUMBERS, U64),
    ),
    st.binary(max_size=3),
)
SCRAPPY = st.lists(SCRAPS, max_size=5).map(b"".join)


@KINDS
@example(payload=bytes.fromhex("c23e0108 c23e0107"))  # two parts that are malformed each
@example(payload=bytes.fromhex("c23e05 0805 0a0178"))  # what looks like output is inside the extension
@given(payload=SCRAPPY)
def test_a_client_reads_and_refuses_what_the_runtime_does(pipe: bool, payload: bytes) -> None:
    """Repeats merge, the last member counts, the unknown is skipped, damage is a ProtocolError: as upb has it."""
    message = pb.PipeStreamFrame() if pipe else pb.PtyStreamFrame()
    try:
        message.ParseFromString(payload)
    except DecodeError:
        with pytest.raises(ProtocolError, match=r"^protobuf decode error"):
            frames.decode_stream_frame(payload, pipe=pipe)
    else:
        # repr, as a NaN that scraps add up to is no more equal to itself here than there
        assert repr(frames.decode_stream_frame(payload, pipe=pipe)) == repr(seen(message, pipe))


@example(payload=bytes.fromhex("12020805 12021007"))  # the same member twice merges
@example(payload=bytes.fromhex("12020805 1801 12021007"))  # with another between it does not
@example(payload=bytes.fromhex("120108 0a0161"))  # malformed, though replaced
@example(payload=bytes.fromhex("0a8201") + bytes(129))  # one byte short
@given(payload=SCRAPPY)
def test_the_daemon_reads_and_ignores_what_the_runtime_does(payload: bytes) -> None:
    """An input frame means what upb reads in it; one that upb refuses is ignored."""
    message = pb.PtyInputFrame()
    try:
        message.ParseFromString(payload)
    except DecodeError:
        assert frames.decode_input_frame(payload) is None
    else:
        assert frames.decode_input_frame(payload) == asked(message)


@KINDS
@given(payload=st.binary(max_size=40))
def test_garbage_raises_nothing_but_protocol_errors(pipe: bool, payload: bytes) -> None:
    """Whatever the bytes, reading them ends in a frame or in the one error that callers expect."""
    frames.decode_input_frame(payload)
    try:
        frames.decode_stream_frame(payload, pipe=pipe)
    except ProtocolError as error:
        assert error.message.startswith("protobuf decode error")
