"""Requests as a client writes them and responses as it reads them, by hand.

Owns the client's side of DaemonRequest and DaemonResponse: roost's calls, spawn, attach, and requests without
arguments. Knows nothing of sockets or of what a call's JSON means. Light on purpose: every command imports it.
"""

from __future__ import annotations

from roost.errors import InvalidError
from roost.wire.framing import frame
from roost.wire.lite import (
    FIXED64,
    LENGTH_DELIMITED,
    VARINT,
    double,
    field_bytes,
    field_text,
    field_varint,
    fields,
    int32,
    merged,
    text,
)
from roost.wire.request_types import Attached, AttachOptions, Reply, Spawned, SpawnOptions, TeeOptions

TYPE_CHECKING = False  # typing itself is not imported: that would cost more than this package
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from roost.wire.lite import Value

__all__ = [
    "ATTACH_PIPE_STREAM",
    "ATTACH_PTY_SESSION",
    "AttachOptions",
    "Attached",
    "CLIENT_NAME",
    "ENVIRONMENT_CLEAR",
    "ENVIRONMENT_INHERIT",
    "ENVIRONMENT_USER_BASELINE",
    "PING",
    "PROTOCOL_VERSION",
    "ROOST_CALL",
    "Reply",
    "SHUTDOWN",
    "SPAWN_PIPE_SESSION",
    "SPAWN_PTY_SESSION",
    "STATUS",
    "SpawnOptions",
    "Spawned",
    "TeeOptions",
    "decode_attached",
    "decode_reply",
    "decode_spawned",
    "encode_attach",
    "encode_call",
    "encode_simple",
    "encode_spawn",
]

PROTOCOL_VERSION = 1
CLIENT_NAME = "roost"

# Request types, which are the numbers of their payloads too.
PING = 40
SHUTDOWN = 41
STATUS = 42
SPAWN_PTY_SESSION = 60
ATTACH_PTY_SESSION = 61
SPAWN_PIPE_SESSION = 65
ATTACH_PIPE_STREAM = 66
ROOST_CALL = 1000

ENVIRONMENT_INHERIT = 1
ENVIRONMENT_USER_BASELINE = 2
ENVIRONMENT_CLEAR = 3

_EXTENSION = 1000
_STREAM_NUMBERS = {"stdout": 1, "stderr": 2}  # any other is 0, which the daemon refuses
# The numbers of a v1 spawn request's fields, terminal and pipe; 0 where there is none.
_CLEAR_ENV = 4
_ROWS, _COLS = 5, 6
_MERGE_STDERR = 6
_ORIGINATOR = (7, 5)
_ENVIRONMENT_POLICY = (8, 7)
# The numbers of a v1 attach response's backlog, backlog_truncated and bytes_missed: terminal and pipe.
_BACKLOG_FIELDS = ((2, 3, 4), (1, 2, 3))


# ---- requests ----


def encode_call(
    request_id: int,
    method: str,
    params: bytes,
    data: bytes = b"",
    client_name: str = CLIENT_NAME,
    *,
    required_features: Sequence[str] = (),
) -> bytes:
    """A call of a roost method: `params` is a JSON object, `data` what would not go into JSON. Complete frame."""
    content = _texts(1, required_features) + field_text(2, method) + field_bytes(3, params)
    if data:
        content += field_bytes(4, data)
    return _request(request_id, ROOST_CALL, content, client_name)


def encode_simple(request_id: int, type: int, client_name: str = CLIENT_NAME) -> bytes:
    """A v1 request without arguments (PING, STATUS, ...), its empty payload included. Complete frame."""
    return _request(request_id, type, b"", client_name)


def encode_spawn(request_id: int, options: SpawnOptions, client_name: str = CLIENT_NAME) -> bytes:
    """A spawn of a terminal or pipe session, always extended: argv, cwd and env are bytes. Complete frame."""
    pipe = options.pipe
    v1 = [_flag(_CLEAR_ENV, options.environment_policy != ENVIRONMENT_INHERIT)]
    originator = _plain_text(_ORIGINATOR[pipe], options.originator)
    if pipe:
        v1 += (originator, _flag(_MERGE_STDERR, options.merge_stderr))
    else:
        v1 += (_number(_ROWS, options.rows), _number(_COLS, options.cols), originator)
    v1.append(field_varint(_ENVIRONMENT_POLICY[pipe], options.environment_policy))
    v1.append(field_bytes(_EXTENSION, _spawn_extension(options)))
    return _request(request_id, SPAWN_PIPE_SESSION if pipe else SPAWN_PTY_SESSION, b"".join(v1), client_name)


def encode_attach(request_id: int, options: AttachOptions, client_name: str = CLIENT_NAME) -> bytes:
    """An attach, always extended, to a terminal or (if `options.stream` is set) a pipe stream. Complete frame."""
    extension = field_bytes(_EXTENSION, _attach_extension(options))
    target = _plain_text(1, options.target)
    if options.stream is not None:
        content = target + field_varint(2, _STREAM_NUMBERS.get(options.stream, 0)) + _flag(3, options.steal) + extension
        return _request(request_id, ATTACH_PIPE_STREAM, content, client_name)
    size = _number(2, options.rows) + _number(3, options.cols)
    terminal = _plain_text(5, options.term) + _flag(6, options.tty)
    content = target + size + _flag(4, options.steal) + terminal + extension
    return _request(request_id, ATTACH_PTY_SESSION, content, client_name)


def _request(request_id: int, type: int, payload: bytes, client_name: str) -> bytes:
    head = field_varint(1, request_id) + field_varint(2, type) + field_varint(3, PROTOCOL_VERSION)
    return frame(head + field_text(4, client_name) + field_bytes(type, payload))


def _spawn_extension(options: SpawnOptions) -> bytes:
    parts = [
        _texts(1, options.required_features),
        _optional_text(2, options.spawn_id),
        _optional_text(3, _name(options.name)),
        b"" if options.ring_bytes is None else field_varint(4, options.ring_bytes),
        _optional_text(5, options.size_policy),
        *(field_bytes(6, field_text(1, key) + field_text(2, value)) for key, value in options.labels),
        _optional_text(7, options.term),
        b"" if options.umask is None else field_varint(8, options.umask),
    ]
    for resource, soft in options.limits:
        limit = field_text(1, resource) + (b"" if soft is None else field_varint(2, soft))
        parts.append(field_bytes(9, limit))
    parts += (field_bytes(10, argument) for argument in options.argv)
    if options.cwd is not None:
        parts.append(field_bytes(11, options.cwd))
    if options.env:
        parts.append(field_bytes(12, options.env))
    parts += (field_bytes(13, _tee(tee)) for tee in options.tees)
    if options.options:
        parts.append(field_bytes(14, options.options))
    return b"".join(parts)


def _tee(tee: TeeOptions) -> bytes:
    return b"".join(
        (
            field_bytes(1, tee.path),
            field_text(2, tee.stream),
            field_varint(3, not tee.append),
            field_varint(4, tee.capacity_bytes),
            field_varint(5, not tee.markers),
            field_varint(6, tee.block),
            field_varint(7, tee.rotate_bytes),
            field_varint(8, tee.keep),
        )
    )


def _attach_extension(options: AttachOptions) -> bytes:
    parts = (
        _texts(1, options.required_features),
        b"" if options.from_offset is None else field_varint(2, options.from_offset),
        b"" if options.tail_bytes is None else field_varint(3, options.tail_bytes),
        _optional_text(4, options.mode),
        b"" if options.lossless is None else field_varint(5, options.lossless),
        _optional_text(6, options.label),
        _optional_text(7, options.restore),
        b"" if options.resume_token is None else field_bytes(8, options.resume_token),
        b"" if options.env is None else field_bytes(9, options.env),
        field_varint(10, 1) if options.local else b"",
        field_varint(11, 1) if options.local_input else b"",
    )
    return b"".join(parts)


def _texts(number: int, values: Iterable[str]) -> bytes:
    return b"".join([field_text(number, value) for value in values])


def _name(name: str | None) -> str | None:
    """A name is what the session is called back by, so it is refused where other text has what is no text replaced."""
    if name is not None and not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError:
            raise InvalidError(f"name {name!r} cannot be used: it is not UTF-8; give another") from None
    return name


def _optional_text(number: int, value: str | None) -> bytes:
    return b"" if value is None else field_text(number, value)


# Plain proto3 fields of v1 are not written when they have their default.


def _plain_text(number: int, value: str) -> bytes:
    return field_text(number, value) if value else b""


def _number(number: int, value: int) -> bytes:
    return field_varint(number, value) if value else b""


def _flag(number: int, value: bool) -> bytes:
    return field_varint(number, 1) if value else b""


# ---- responses ----


def decode_reply(payload: bytes) -> Reply:
    """Read a response to any request. Raises ProtocolError if it is malformed.

    Payloads other than the extension stay encoded, for `decode_spawned` and the like.
    """
    reply = Reply()
    extension: list[Value] = []
    for number, wire, value in fields(memoryview(payload)):
        if wire == VARINT:
            if number == 1:
                reply.request_id = value
            elif number == 2:
                reply.code = int32(value)
        elif wire == LENGTH_DELIMITED:
            if number == 3:
                reply.message = text(value)
            elif number == _EXTENSION:
                extension.append(value)
            elif number > 3:
                # Repeats are merged, as in lite.merged.
                reply.payloads[number] = reply.payloads.get(number, b"") + bytes(value)
    for number, wire, value in fields(merged(extension)):
        if wire != LENGTH_DELIMITED:
            continue
        if number == 1:
            reply.result = bytes(value)
        elif number == 2:
            reply.data = bytes(value)
        elif number == 3:
            reply.error_kind = text(value)
        elif number == 4:
            reply.error_detail = bytes(value)
    return reply


def decode_spawned(reply: Reply) -> Spawned:
    """What a successful spawn, terminal or pipe, was answered with. Raises ProtocolError if it is malformed."""
    spawned = Spawned()
    extension: list[Value] = []
    for number, wire, value in fields(
        reply.payloads.get(SPAWN_PTY_SESSION) or reply.payloads.get(SPAWN_PIPE_SESSION, b"")
    ):
        if number == 1 and wire == LENGTH_DELIMITED:
            spawned.session_id = text(value)
        elif number == 2 and wire == VARINT:
            spawned.pid = value & 0xFFFFFFFF
        elif number == 3 and wire == FIXED64:
            spawned.created_at = double(value)
        elif number == _EXTENSION and wire == LENGTH_DELIMITED:
            extension.append(value)
    for number, wire, value in fields(merged(extension)):
        if number == 1 and wire == LENGTH_DELIMITED:
            spawned.name = text(value)
        elif number == 2 and wire == VARINT:
            spawned.existing = value != 0
    return spawned


def decode_attached(reply: Reply) -> Attached:
    """What a successful attach, terminal or pipe, was answered with. Raises ProtocolError if it is malformed."""
    attached = Attached()
    pipe = ATTACH_PIPE_STREAM in reply.payloads
    backlog, truncated, missed = _BACKLOG_FIELDS[pipe]
    extension: list[Value] = []
    for number, wire, value in fields(reply.payloads.get(ATTACH_PIPE_STREAM if pipe else ATTACH_PTY_SESSION, b"")):
        if number == _EXTENSION and wire == LENGTH_DELIMITED:
            extension.append(value)
        elif number == backlog and wire == LENGTH_DELIMITED:
            attached.backlog = bytes(value)
        elif number == truncated and wire == VARINT:
            attached.backlog_truncated = value != 0
        elif number == missed and wire == VARINT:
            attached.bytes_missed = value
        elif number == 1 and wire == LENGTH_DELIMITED:
            text(value)  # stream_endpoint: always empty, but what is malformed is refused
    for number, wire, value in fields(merged(extension)):
        _set_attached(attached, number, wire, value)
    return attached


def _set_attached(into: Attached, number: int, wire: int, value: Value) -> None:
    if wire == VARINT:
        if number == 1:
            into.start_offset = value
        elif number == 2:
            into.end_offset = value
        elif number == 9:
            into.uncertain = value != 0
        elif number == 10:
            into.local = value & 0xFFFFFFFF
    elif wire == LENGTH_DELIMITED:
        if number == 3:
            into.attachment_id = text(value)
        elif number == 4:
            into.resume_token = bytes(value)
        elif number == 5:
            into.restore = bytes(value)
        elif number == 6:
            into.session_id = text(value)
        elif number == 7:
            into.name = text(value)
        elif number == 8:
            into.kind = text(value)
        elif number == 11:
            into.restored = text(value)
