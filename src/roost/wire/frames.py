"""The frames of an attachment, written and read by hand: output to clients, input to the daemon.

Owns PtyStreamFrame, PipeStreamFrame and PtyInputFrame with their extensions; knows nothing of sessions. Every encoder
returns complete frames, prefix included. The hot path of roost: one call an output chunk, one a keystroke.

An encoder adds the extension only when it is given something to put there, so that a v1 client gets v1's exact bytes.
Frames that exist only in the extension (gap, resized, input offset) are the same bytes for terminals and pipes.
"""

from __future__ import annotations

from roost import plain_frames
from roost.errors import ProtocolError
from roost.wire.frame_types import ExitInfo, InputFrame, StreamFrame
from roost.wire.framing import OUTPUT_CHUNK_BYTES, PREFIX_BYTES, frame
from roost.wire.lite import (
    LENGTH_DELIMITED,
    VARINT,
    double,
    field_bytes,
    field_double,
    field_text,
    field_varint,
    fields,
    int32,
    merged,
    read_varint,
    sint32,
    text,
    write_varint,
    zigzag,
)

TYPE_CHECKING = False  # typing itself is not imported: that would cost more than this package
if TYPE_CHECKING:
    from roost.wire.lite import Buffer, Value

__all__ = [
    "EXIT_CODE_UNKNOWN",
    "EXTENSION",
    "ExitInfo",
    "InputFrame",
    "StreamFrame",
    "decode_input_frame",
    "decode_stream_frame",
    "encode_close_stdin",
    "encode_detach",
    "encode_input",
    "encode_interrupt",
    "encode_resize",
    "gap",
    "input_ended",
    "input_offset",
    "output_head",
    "pipe_eof",
    "pipe_error",
    "pipe_exit",
    "pipe_missed",
    "pipe_stolen",
    "pty_error",
    "pty_exit",
    "pty_missed",
    "pty_stolen",
    "resized",
    "until",
]

EXTENSION = 1000
#: What a client is told when a session has ended and nobody knows how.
EXIT_CODE_UNKNOWN = "exit code unknown"

_EXTENSION_KEY = b"\xc2\x3e"
# Indexed by the length of the offset's varint: extension key, its length, key of `offset`.
_OFFSET_HEADS = tuple(_EXTENSION_KEY + bytes((length + 1, 0x08)) for length in range(11))
_FULL_CHUNK_KEY = b"\n" + write_varint(OUTPUT_CHUNK_BYTES)

# The numbers of the oneof, which differ between the two stream frames: (terminal, pipe).
_OUTPUT = 1
_EXIT_CODE = (2, 3)
_MISSED_BYTES = (3, 4)
_ERROR = (4, 5)
_STOLEN_BY = (5, 6)
_PIPE_EOF = 2

# ---- daemon to client ----


def output_head(length: int, offset: int | None = None, *, pipe: bool = False) -> bytes:
    """Everything of an output frame that precedes its `length` bytes of data; send both in one `sendmsg`.

    `offset` is where the data stands in its stream, for extended clients. `pipe` changes nothing: both kinds of stream
    frame have their output in field 1.
    """
    if offset is None:
        return plain_frames.output_head(length)
    key = _FULL_CHUNK_KEY if length == OUTPUT_CHUNK_BYTES else b"\n" + write_varint(length)
    at = write_varint(offset)
    return (len(key) + length + len(at) + 4).to_bytes(4, "big") + _OFFSET_HEADS[len(at)] + at + key


def pty_exit(code: int | None, roost: ExitInfo | None = None, reset: bytes | None = None) -> bytes:
    """The last frame of a terminal whose session ended: v1's code (-n for signal n), and exactly how for extended ones.

    Without a code it is the error `exit code unknown`. `reset` are the bytes that put the client's terminal back; as in
    every last frame, none are written if there are none.
    """
    return _exit(code, roost, reset, pipe=False)


def pty_error(
    text: str, roost: ExitInfo | None = None, reset: bytes | None = None, error_kind: str | None = None
) -> bytes:
    """The last frame of a terminal attachment that ends for another reason than the session's exit."""
    return frame(field_text(_ERROR[False], text) + _ending(roost, reset, error_kind))


def pty_stolen(by: str, reset: bytes | None = None) -> bytes:
    """The last frame of a terminal attachment that another client took over."""
    return frame(field_text(_STOLEN_BY[False], by) + _ending(None, reset, None))


def pty_missed(n: int) -> bytes:
    """Tells a v1 terminal client that n bytes of output are lost to it before the next frame."""
    return frame(field_varint(_MISSED_BYTES[False], n))


def pipe_exit(code: int | None, roost: ExitInfo | None = None, reset: bytes | None = None) -> bytes:
    """The last frame of a pipe stream whose session ended; as `pty_exit`."""
    return _exit(code, roost, reset, pipe=True)


def pipe_eof(roost: ExitInfo | None = None, reset: bytes | None = None, error_kind: str | None = None) -> bytes:
    """The last frame of a pipe stream that ended, or was detached by a call."""
    return frame(field_varint(_PIPE_EOF, 1) + _ending(roost, reset, error_kind))


def pipe_error(
    text: str, roost: ExitInfo | None = None, reset: bytes | None = None, error_kind: str | None = None
) -> bytes:
    """The last frame of a pipe attachment that ends for another reason than the session's exit."""
    return frame(field_text(_ERROR[True], text) + _ending(roost, reset, error_kind))


def pipe_stolen(by: str, reset: bytes | None = None) -> bytes:
    """The last frame of a pipe attachment that another client took over."""
    return frame(field_text(_STOLEN_BY[True], by) + _ending(None, reset, None))


def pipe_missed(n: int) -> bytes:
    """Tells a v1 pipe client that n bytes of output are lost to it before the next frame."""
    return frame(field_varint(_MISSED_BYTES[True], n))


def gap(from_: int, to: int) -> bytes:
    """Tells an extended client that the output from one offset up to another is lost to it."""
    return _extension_frame(field_bytes(2, field_varint(1, from_) + field_varint(2, to)))


def resized(rows: int, cols: int) -> bytes:
    """Tells an extended client the session's new size."""
    return _extension_frame(field_bytes(4, field_varint(1, rows) + field_varint(2, cols)))


def input_offset(n: int) -> bytes:
    """Tells an extended client how many bytes of its own input the child has been given so far."""
    return _extension_frame(field_varint(5, n))


def input_ended() -> bytes:
    """Tells a client that typed past the daemon that its input was taken back: it types through frames now."""
    return _extension_frame(field_varint(9, 1))


def until(last: bytes, offset: int) -> bytes:
    """A last frame for a client that reads the ring itself: output up to that offset comes before it."""
    return frame(last[PREFIX_BYTES:] + field_bytes(EXTENSION, field_varint(8, offset)))  # repeated messages are merged


def _extension_frame(content: bytes) -> bytes:
    return frame(field_bytes(EXTENSION, content))


def _exit(code: int | None, roost: ExitInfo | None, reset: bytes | None, *, pipe: bool) -> bytes:
    how = field_text(_ERROR[pipe], EXIT_CODE_UNKNOWN) if code is None else field_varint(_EXIT_CODE[pipe], code)
    return frame(how + _ending(roost, reset, None))


def _ending(exited: ExitInfo | None, reset: bytes | None, error_kind: str | None) -> bytes:
    """The extension of a last frame; nothing if there is nothing to put there."""
    content = b""
    if exited is not None:
        content += field_bytes(3, _exit_info(exited))
    if reset:
        content += field_bytes(6, reset)
    if error_kind is not None:
        content += field_text(7, error_kind)
    return field_bytes(EXTENSION, content) if content else b""


def _exit_info(exited: ExitInfo) -> bytes:
    content = b"" if exited.code is None else field_varint(1, zigzag(exited.code))
    if exited.signal is not None:
        content += field_varint(2, exited.signal)
    return content + field_text(3, exited.outcome) + field_double(4, exited.at)


# ---- client side: stream frames ----


def decode_stream_frame(payload: bytes, *, pipe: bool) -> StreamFrame:
    """Read a frame of an attachment. Raises ProtocolError if it is malformed."""
    # Fast path: output alone, or the offset and then output, as output_head writes them.
    try:
        at = 0
        offset = None
        if payload[0] == 0xC2 and payload[1] == 0x3E and payload[3] == 0x08:
            offset, at = read_varint(payload, 4)
            if at != payload[2] + 3:
                return _decode_any(payload, pipe)
        if payload[at] == 0x0A:
            length, at = read_varint(payload, at + 1)
            if at + length == len(payload):
                return StreamFrame(payload[at:], offset)
    except IndexError:
        pass
    return _decode_any(payload, pipe)


def _decode_any(payload: bytes, pipe: bool) -> StreamFrame:
    decoded = StreamFrame()
    extension: list[Value] = []
    for number, wire, value in fields(payload):
        if number == EXTENSION and wire == LENGTH_DELIMITED:
            extension.append(value)
        else:
            _set_one(decoded, number, wire, value, pipe)
    if extension:
        _set_extension(decoded, merged(extension))
    return decoded


def _set_one(into: StreamFrame, number: int, wire: int, value: Value, pipe: bool) -> None:
    """Set the member of the oneof that the field is; the others are cleared, as the last one counts."""
    if wire == LENGTH_DELIMITED:
        if number == _OUTPUT:
            _clear(into)
            into.output = bytes(value)
        elif number == _ERROR[pipe]:
            _clear(into)
            into.error = text(value)
        elif number == _STOLEN_BY[pipe]:
            _clear(into)
            into.stolen_by = text(value)
    elif wire == VARINT:
        if number == _EXIT_CODE[pipe]:
            _clear(into)
            into.exit_code = int32(value)
        elif number == _MISSED_BYTES[pipe]:
            _clear(into)
            into.missed = value
        elif pipe and number == _PIPE_EOF:
            _clear(into)
            into.eof = value != 0


def _clear(into: StreamFrame) -> None:
    into.output = into.exit_code = into.missed = into.error = into.stolen_by = None
    into.eof = False


def _set_extension(into: StreamFrame, content: Buffer) -> None:
    lost: list[Value] = []
    exited: list[Value] = []
    size: list[Value] = []
    for number, wire, value in fields(content):
        if wire == VARINT:
            if number == 1:
                into.offset = value
            elif number == 5:
                into.input_offset = value
            elif number == 8:
                into.until = value
            elif number == 9:
                into.input_ended = value != 0
        elif wire == LENGTH_DELIMITED:
            if number == 2:
                lost.append(value)
            elif number == 3:
                exited.append(value)
            elif number == 4:
                size.append(value)
            elif number == 6:
                into.reset = bytes(value)
            elif number == 7:
                into.error_kind = text(value)
    if lost:
        into.gap = _pair(merged(lost))
    if exited:
        into.exited = _decode_exit_info(merged(exited))
    if size:
        rows, cols = _pair(merged(size))
        into.resized = (rows & 0xFFFFFFFF, cols & 0xFFFFFFFF)


def _pair(content: Buffer) -> tuple[int, int]:
    """The varint fields 1 and 2 of a message, zero if absent."""
    pair = [0, 0]
    for number, wire, value in fields(content):
        if wire == VARINT and number in (1, 2):
            pair[number - 1] = value
    return pair[0], pair[1]


def _decode_exit_info(content: Buffer) -> ExitInfo:
    decoded = ExitInfo(None, None, "unknown", 0.0)
    for number, wire, value in fields(content):
        if number == 1 and wire == VARINT:
            decoded.code = sint32(value)
        elif number == 2 and wire == VARINT:
            decoded.signal = value & 0xFFFFFFFF
        elif number == 3 and wire == LENGTH_DELIMITED:
            decoded.outcome = text(value)
        elif number == 4 and wire == 1:
            decoded.at = double(value)
    return decoded


# ---- client to daemon ----


def encode_input(data: bytes) -> bytes:
    """Input for the child; more than OUTPUT_CHUNK_BYTES are split into several frames, which mean the same."""
    if len(data) < 0x80:
        return (len(data) + 2).to_bytes(4, "big") + b"\n" + bytes((len(data),)) + data
    if len(data) <= OUTPUT_CHUNK_BYTES:
        return frame(field_bytes(_OUTPUT, data))
    chunks = range(0, len(data), OUTPUT_CHUNK_BYTES)
    return b"".join(frame(field_bytes(_OUTPUT, data[at : at + OUTPUT_CHUNK_BYTES])) for at in chunks)


def encode_resize(rows: int, cols: int) -> bytes:
    """The client's new size; a zero is not written, as absent means zero."""
    size = (field_varint(1, rows) if rows else b"") + (field_varint(2, cols) if cols else b"")
    return frame(field_bytes(2, size))


def encode_interrupt() -> bytes:
    """An interrupt (SIGINT) for the foreground process group of the terminal."""
    return b"\x00\x00\x00\x02\x18\x01"


def encode_detach() -> bytes:
    """The end of this attachment."""
    return b"\x00\x00\x00\x02\x20\x01"


def encode_close_stdin() -> bytes:
    """End-of-file on the child's standard input (pipe sessions)."""
    return _extension_frame(field_varint(1, 1))


# ---- daemon side: input frames ----


def decode_input_frame(payload: bytes) -> InputFrame | None:
    """Read a client's frame; None if it asks for nothing and is to be ignored: malformed, empty, or a false flag.

    A frame asks for one thing; a `close_stdin` beside anything else is ignored.
    """
    size = len(payload)
    if size > 2 and payload[0] == 0x0A and payload[1] == size - 2 < 0x80:
        return InputFrame("input", payload[2:])
    try:
        return _decode_any_input(payload)
    except ProtocolError:
        return None


def _decode_any_input(payload: bytes) -> InputFrame | None:
    chosen: Value = b""
    kind = 0
    extension: list[Value] = []
    for number, wire, value in fields(payload):
        if number == EXTENSION and wire == LENGTH_DELIMITED:
            extension.append(value)
        elif (number in (1, 2) and wire == LENGTH_DELIMITED) or (number in (3, 4) and wire == VARINT):
            merges = kind == number == 2
            chosen = chosen + value if merges else value
            kind = number
            if number == 2:
                _pair(value)  # a malformed part makes the frame malformed even if a later field replaces it
    closes = _pair(merged(extension))[0] != 0
    if kind == 1:
        return InputFrame("input", bytes(chosen)) if chosen else None
    if kind == 2:
        rows, cols = _pair(chosen)
        return InputFrame("resize", rows=rows & 0xFFFFFFFF, cols=cols & 0xFFFFFFFF)
    if kind:
        return InputFrame("interrupt" if kind == 3 else "detach") if chosen else None
    return InputFrame("close_stdin") if closes else None
