"""The daemon's side of requests: what is malformed, what is present, and the tables."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from roost.errors import ProtocolError, RoostError
from roost.wire import codec
from roost.wire import daemon_v1_pb2 as pb
from roost.wire.framing import MAX_RESPONSE_BYTES

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("malformed", [b"\xff", b"\x22\x01\xff", b"\x0a"], ids=["truncated", "not utf-8", "no length"])
def test_malformed_requests_say_so(malformed: bytes) -> None:
    """Truncated fields and strings that are not UTF-8 are both decode errors."""
    with pytest.raises(ProtocolError, match=r"^protobuf decode error"):
        codec.decode_request(malformed)


def test_an_empty_frame_is_an_all_default_request() -> None:
    """It has type 0, which the daemon answers as unknown."""
    request = codec.decode_request(b"")
    assert (request.id, request.type, codec.payload_of(request)) == (0, 0, None)


def test_undefined_types_survive_decoding() -> None:
    """An unknown number is kept, as the answer names it."""
    assert codec.decode_request(b"\x10\xe7\x07").type == 999
    assert 999 not in codec.DEFINED_TYPES


def test_a_present_empty_payload_is_not_an_absent_one() -> None:
    """Presence is what counts, and only of the payload that belongs to the type."""
    assert codec.payload_of(pb.DaemonRequest(type=40)) is None
    assert codec.payload_of(pb.DaemonRequest(type=40, ping=pb.PingRequest())) == pb.PingRequest()
    assert codec.payload_of(pb.DaemonRequest(type=41, ping=pb.PingRequest())) is None


def test_the_presence_of_the_extension_is_the_switch() -> None:
    """An empty extension asks for roost's behaviour; its absence, or one on another payload, for v1's."""
    extended = pb.AttachPtySessionRequest(roost=pb.RoostAttach())
    assert codec.is_extended(pb.DaemonRequest(type=61, attach_pty_session=extended))
    assert not codec.is_extended(pb.DaemonRequest(type=61, attach_pty_session=pb.AttachPtySessionRequest()))
    assert not codec.is_extended(pb.DaemonRequest(type=40, ping=pb.PingRequest(), attach_pty_session=extended))
    assert codec.is_extended(pb.DaemonRequest(type=1000, roost=pb.RoostCall()))
    assert not codec.is_extended(pb.DaemonRequest(type=1000))
    assert not codec.is_extended(pb.DaemonRequest(type=61))


def test_an_answer_that_no_client_accepts_is_not_sent() -> None:
    """Exactly the limit passes; one byte more is our own error, to be answered instead."""
    overhead = len(pb.DaemonResponse(message="x" * (MAX_RESPONSE_BYTES - 100)).SerializeToString()) - (
        MAX_RESPONSE_BYTES - 100
    )
    largest = pb.DaemonResponse(message="x" * (MAX_RESPONSE_BYTES - overhead))
    assert len(codec.encode_response(largest)) == MAX_RESPONSE_BYTES + 4
    largest.message += "x"
    with pytest.raises(RoostError) as caught:
        codec.encode_response(largest)
    assert caught.value.kind == "exhausted"


def test_every_type_has_a_payload_of_its_number_in_both_directions() -> None:
    """Requests and responses name the same payloads, one for each defined type."""
    responses = {
        number: field.name
        for number, field in pb.DaemonResponse.DESCRIPTOR.fields_by_number.items()
        if field.message_type is not None
    }
    assert responses == codec.PAYLOAD_NAMES
    assert set(codec.PAYLOAD_NAMES) == codec.DEFINED_TYPES
    for number, name in codec.PAYLOAD_NAMES.items():
        expected = "REQUEST_TYPE_ROOST_CALL" if number == 1000 else f"REQUEST_TYPE_{name.upper()}"
        assert pb.RequestType.Name(number) == expected


def test_which_payloads_may_be_absent() -> None:
    """The sheet's list, and the attaches, whose missing payload counts as an all-default one."""
    optional = {codec.PAYLOAD_NAMES[number] for number in codec.PAYLOAD_OPTIONAL}
    verbs = ("list", "stop", "restart", "delete", "describe", "flush", "save", "resurrect")
    services = {f"service_{verb}" for verb in verbs}
    assert optional - services == {
        "ping",
        "status",
        "shutdown",
        "list_active",
        "list_pty_sessions",
        "list_pipe_sessions",
        "purge_exited_sessions",
        "attach_pty_session",
        "attach_pipe_stream",
    }
    assert services <= optional


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (60, "spawn_pty_session payload missing"),
        (75, "register_session_tee payload missing"),
        (80, "get_session_observer_status payload missing"),
        (10, "missing register payload"),
        (31, "missing kill_tree payload"),
        (22, "missing get_process_tree payload"),
        (50, "missing service_start payload"),
        (56, "missing service_logs payload"),
    ],
)
def test_the_words_for_a_missing_payload(number: int, text: str) -> None:
    """v1 words it in two ways."""
    assert codec.payload_missing_text(number) == text


def test_the_schema_has_every_message_and_enum_of_v1() -> None:
    """99 messages and 17 enums of v1 with their 350 fields and 107 values, and ours beside them."""
    messages = pb.DESCRIPTOR.message_types_by_name
    ours = {name for name in messages if name.startswith("Roost")}
    fields = [f for name, m in messages.items() if name not in ours for f in m.fields if f.number != 1000]
    values = [v for e in pb.DESCRIPTOR.enum_types_by_name.values() for v in e.values if v.number != 1000]
    assert (len(messages) - len(ours), len(pb.DESCRIPTOR.enum_types_by_name)) == (99, 17)
    assert (len(fields), len(values)) == (350, 107)


def test_extensions_are_field_1000_and_their_scalars_optional() -> None:
    """Each extended message has one extension field, a sub-message; inside, absent and zero differ."""
    extended = {
        name: message.fields_by_number[1000]
        for name, message in pb.DESCRIPTOR.message_types_by_name.items()
        if 1000 in message.fields_by_number
    }
    assert len(extended) == 13
    assert all(f.name == "roost" and f.message_type.name.startswith("Roost") for f in extended.values())
    for name, message in pb.DESCRIPTOR.message_types_by_name.items():
        if name.startswith("Roost"):
            assert all(field.is_repeated or field.has_presence for field in message.fields), name


def test_the_runtime_that_we_ask_for_accepts_the_generated_code() -> None:
    """The generated module refuses a runtime older than its stamp; the declared floor must not be below it."""
    generated = (ROOT / "src/roost/wire/daemon_v1_pb2.py").read_text()
    stamp = re.search(r"Protobuf Python Version: (\S+)", generated)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    floor = next(re.search(r">=([\d.]+)", d) for d in project["dependencies"] if d.startswith("protobuf"))
    assert stamp and floor
    assert tuple(map(int, floor[1].split("."))) >= tuple(map(int, stamp[1].split(".")))
