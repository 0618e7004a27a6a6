"""Requests and responses by hand against the protobuf runtime, in both directions."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from roost.errors import ProtocolError
from roost.wire import codec, requests
from roost.wire import daemon_v1_pb2 as pb
from roost.wire.conversation import BadRequest, ClientConversation, Request, ServerConversation
from roost.wire.framing import frame
from roost.wire.lite import field_bytes, field_varint

BOOL = st.booleans()
U32 = st.one_of(st.integers(0, 300), st.integers(0, (1 << 32) - 1))
U64 = st.one_of(st.integers(0, 300), st.integers(0, (1 << 64) - 1))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
DATA = st.one_of(st.binary(max_size=12), st.integers(100, 300).map(bytes))
FEATURES = st.lists(TEXT, max_size=2)

TEES = st.builds(
    requests.TeeOptions,
    DATA,
    stream=st.sampled_from(["stdout", "stderr", "stdin"]),
    append=BOOL,
    capacity_bytes=U64,
    markers=BOOL,
    block=BOOL,
    rotate_bytes=U64,
    keep=U32,
)
SPAWNS = st.builds(
    requests.SpawnOptions,
    st.lists(DATA, max_size=3),
    cwd=st.none() | DATA,
    env=DATA,
    environment_policy=st.integers(1, 3),
    pipe=BOOL,
    merge_stderr=BOOL,
    rows=U32,
    cols=U32,
    originator=TEXT,
    spawn_id=st.none() | TEXT,
    name=st.none() | TEXT,
    ring_bytes=st.none() | U64,
    size_policy=st.none() | TEXT,
    labels=st.lists(st.tuples(TEXT, TEXT), max_size=2),
    term=st.none() | TEXT,
    umask=st.none() | U32,
    limits=st.lists(st.tuples(TEXT, st.none() | U64), max_size=2),
    tees=st.lists(TEES, max_size=2),
    required_features=FEATURES,
)
ATTACHES = st.builds(
    requests.AttachOptions,
    TEXT,
    stream=st.sampled_from([None, "stdout", "stderr"]),
    rows=U32,
    cols=U32,
    steal=BOOL,
    term=TEXT,
    tty=BOOL,
    from_offset=st.none() | U64,
    tail_bytes=st.none() | U64,
    mode=st.none() | TEXT,
    lossless=st.none() | BOOL,
    label=st.none() | TEXT,
    restore=st.none() | TEXT,
    resume_token=st.none() | DATA,
    env=st.none() | DATA,
    required_features=FEATURES,
)


def optional(options: object, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def request(request_id: int, number: int, client_name: str, payload: Any) -> bytes:
    """The frame as the runtime writes it; the hand-coded one names the client even if the name is empty."""
    envelope: dict[str, Any] = {"id": request_id, "type": number, codec.PAYLOAD_NAMES[number]: payload}
    return frame(pb.DaemonRequest(protocol_version=1, client_name=client_name, **envelope).SerializeToString())


IDS = st.integers(1, (1 << 64) - 1)
NAMES = TEXT.filter(bool)


@given(IDS, TEXT, DATA, DATA, NAMES, FEATURES)
def test_calls_are_what_the_runtime_writes(
    request_id: int, method: str, params: bytes, data: bytes, name: str, features: list[str]
) -> None:
    """A call of any method, in the runtime's very bytes; data is written only if there is some."""
    call = pb.RoostCall(required_features=features, method=method, params=params, data=data or None)
    encoded = requests.encode_call(request_id, method, params, data, name, required_features=features)
    assert encoded == request(request_id, 1000, name, call)


@given(IDS, st.sampled_from(sorted(codec.DEFINED_TYPES)), NAMES)
def test_simple_requests_are_what_the_runtime_writes(request_id: int, number: int, name: str) -> None:
    """Any type with its empty payload, which is present."""
    message_class = getattr(pb, pb.DaemonRequest.DESCRIPTOR.fields_by_number[number].message_type.name)
    assert requests.encode_simple(request_id, number, name) == request(request_id, number, name, message_class())


@given(IDS, SPAWNS, NAMES)
def test_spawns_are_what_the_runtime_writes(request_id: int, options: requests.SpawnOptions, name: str) -> None:
    """Every option stands where the schema has it, for terminals and pipes."""
    extension = pb.RoostSpawn(
        required_features=options.required_features,
        **optional(options, "spawn_id", "name", "ring_bytes", "size_policy", "term", "umask", "cwd"),
        labels=[pb.KeyValue(key=key or None, value=value or None) for key, value in options.labels],
        limits=[pb.RoostLimit(resource=resource, soft=soft) for resource, soft in options.limits],
        argv=options.argv,
        env=options.env or None,
        tees=[_tee(tee) for tee in options.tees],
    )
    common: dict[str, Any] = {
        "clear_inherited_env": options.environment_policy != 1,
        "originator": options.originator,
        "environment_policy": options.environment_policy,
        "roost": extension,
    }
    payload: Any
    if options.pipe:
        payload = pb.SpawnPipeSessionRequest(merge_stderr_into_stdout=options.merge_stderr, **common)
    else:
        payload = pb.SpawnPtySessionRequest(rows=options.rows, cols=options.cols, **common)
    decoded = codec.decode_request(requests.encode_spawn(request_id, options, name)[4:])
    assert decoded == codec.decode_request(request(request_id, 65 if options.pipe else 60, name, payload)[4:])
    assert codec.payload_of(decoded) == payload
    assert codec.is_extended(decoded)


def _tee(tee: requests.TeeOptions) -> pb.RoostTee:
    same = {name: getattr(tee, name) for name in ("path", "stream", "capacity_bytes", "block", "rotate_bytes", "keep")}
    return pb.RoostTee(truncate=not tee.append, no_markers=not tee.markers, **same)


@given(IDS, ATTACHES, NAMES)
def test_attaches_are_what_the_runtime_writes(request_id: int, options: requests.AttachOptions, name: str) -> None:
    """Every option in the runtime's very bytes, for terminals and each pipe stream."""
    extension = pb.RoostAttach(
        required_features=options.required_features,
        **optional(options, "from_offset", "tail_bytes", "mode", "lossless", "label", "restore", "resume_token", "env"),
    )
    common: dict[str, Any] = {"session_id": options.target, "steal": options.steal, "roost": extension}
    payload: Any
    if options.stream is None:
        size = {"rows": options.rows, "cols": options.cols}
        payload = pb.AttachPtySessionRequest(**size, term=options.term, is_tty=options.tty, **common)
        expected = request(request_id, 61, name, payload)
    else:
        stream = {"stdout": 1, "stderr": 2}[options.stream]
        expected = request(request_id, 66, name, pb.AttachPipeStreamRequest(stream=stream, **common))
    assert requests.encode_attach(request_id, options, name) == expected


def fields_of(message_class: Any, **strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Messages with any of the fields present."""
    return st.fixed_dictionaries({}, optional=strategies).map(lambda fields: message_class(**fields))


REPLIES = fields_of(
    pb.DaemonResponse,
    request_id=U64,
    code=st.integers(0, 11),
    message=TEXT,
    ping=fields_of(pb.PingResponse, server_time_ms=st.integers(-5, 1 << 62)),
    terminate_pty_session=st.just(pb.TerminatePtySessionResponse()),
    roost=fields_of(pb.RoostReply, result=DATA, data=DATA, error_kind=TEXT, error_detail=DATA),
)
SPAWNED = st.fixed_dictionaries(
    {},
    optional={
        "session_id": TEXT,
        "pid": U32,
        "created_at": st.floats(allow_nan=False),
        "roost": fields_of(pb.RoostSpawned, name=TEXT, existing=BOOL),
    },
)
ATTACHED = st.fixed_dictionaries(
    {},
    optional={
        "backlog": DATA,
        "backlog_truncated": BOOL,
        "bytes_missed": U64,
        "roost": fields_of(
            pb.RoostAttached,
            start_offset=U64,
            end_offset=U64,
            attachment_id=TEXT,
            resume_token=DATA,
            restore=DATA,
            session_id=TEXT,
            name=TEXT,
            kind=TEXT,
            uncertain=BOOL,
        ),
    },
)


def reply_to(**payload: Any) -> requests.Reply:
    return requests.decode_reply(codec.encode_response(pb.DaemonResponse(request_id=1, **payload))[4:])


@given(REPLIES)
def test_replies_of_the_runtime_are_read(message: pb.DaemonResponse) -> None:
    """Status, extension and the other payloads, present ones that are empty included."""
    reply = requests.decode_reply(codec.encode_response(message)[4:])
    assert (reply.request_id, reply.code, reply.message) == (message.request_id, message.code, message.message)
    roost = message.roost
    assert reply.error_kind == (roost.error_kind if roost.HasField("error_kind") else None)
    assert (reply.result, reply.data, reply.error_detail) == (roost.result, roost.data, roost.error_detail)
    payloads = {
        field.number: value.SerializeToString() for field, value in message.ListFields() if 3 < field.number < 1000
    }
    assert reply.payloads == payloads


@given(SPAWNED, BOOL)
def test_spawned_of_the_runtime_is_read(fields: dict[str, Any], pipe: bool) -> None:
    """The answer to either spawn is read alike, absent fields as their defaults."""
    message: Any = (pb.SpawnPipeSessionResponse if pipe else pb.SpawnPtySessionResponse)(**fields)
    reply = reply_to(**{"spawn_pipe_session" if pipe else "spawn_pty_session": message})
    expected = requests.Spawned(
        message.session_id, message.pid, message.created_at, message.roost.name, message.roost.existing
    )
    assert requests.decode_spawned(reply) == expected


@given(ATTACHED, BOOL)
def test_attached_of_the_runtime_is_read(fields: dict[str, Any], pipe: bool) -> None:
    """The answer to either attach is read alike, though their numbers differ."""
    message: Any = (pb.AttachPipeStreamResponse if pipe else pb.AttachPtySessionResponse)(**fields)
    reply = reply_to(**{"attach_pipe_stream" if pipe else "attach_pty_session": message})
    attached = requests.decode_attached(reply)
    for name in ("backlog", "backlog_truncated", "bytes_missed"):
        assert getattr(attached, name) == getattr(message, name)
    for field in pb.RoostAttached.DESCRIPTOR.fields:
        assert getattr(attached, field.name) == getattr(message.roost, field.name)


@given(REPLIES, st.integers(2000, 1 << 28), DATA, U64)
def test_unknown_fields_are_skipped(message: pb.DaemonResponse, number: int, data: bytes, n: int) -> None:
    """What a newer daemon adds, beside and inside the extension, changes nothing else."""
    plain = requests.decode_reply(message.SerializeToString())
    news = field_bytes(number, data) + field_varint(number + 1, n)
    newer = requests.decode_reply(news + message.SerializeToString() + news + field_bytes(1000, news))
    for extra in [key for key in newer.payloads if key >= 2000]:
        del newer.payloads[extra]
    assert newer == plain
    call = requests.encode_simple(1, requests.PING)[4:]
    assert codec.decode_request(news + call).ping == pb.PingRequest()


def damaged(message: bytes, at: int, byte: int) -> bytes:
    return message[:at] + bytes((byte,)) + message[at + 1 :]


DAMAGED = st.builds(
    damaged,
    st.one_of(
        REPLIES.map(lambda message: message.SerializeToString()),
        SPAWNED.map(lambda f: pb.DaemonResponse(spawn_pty_session=f).SerializeToString()),
        ATTACHED.map(lambda f: pb.DaemonResponse(attach_pipe_stream=f).SerializeToString()),
    ),
    st.integers(0, 40),
    st.integers(0, 255),
)


@given(st.one_of(st.binary(max_size=60), DAMAGED))
def test_garbage_for_a_client_raises_nothing_but_protocol_errors(payload: bytes) -> None:
    """Whatever the daemon says, reading it ends in a reply or in the one error that callers expect."""
    for read in (requests.decode_spawned, requests.decode_attached):
        try:
            read(requests.decode_reply(payload))
        except ProtocolError as error:
            assert error.message.startswith("protobuf decode error")
    try:
        list(ClientConversation().feed(payload))
        list(ClientConversation().feed(frame(payload)))
    except ProtocolError:
        pass


@given(st.one_of(st.binary(max_size=60), DAMAGED), BOOL)
def test_garbage_for_the_daemon_is_a_bad_request(payload: bytes, framed: bool) -> None:
    """Nothing a client sends raises: it is a request, or a bad one that says whether to go on."""
    server = ServerConversation()
    for event in server.feed(frame(payload) if framed else payload):
        assert isinstance(event, Request | BadRequest)
        if isinstance(event, BadRequest):
            assert event.text.startswith("frame decode error" if event.fatal else "protobuf decode error")
