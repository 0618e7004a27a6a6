"""The daemon's side of requests and responses: the generated messages, and the tables read off their schema.

Owns decoding requests, encoding responses, and which payload belongs to which request type. Imports protobuf, which is
slow: the client's side must never import this. Knows nothing of what a request does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from roost.errors import ProtocolError, RoostError
from roost.wire import daemon_v1_pb2 as pb
from roost.wire.framing import MAX_RESPONSE_BYTES, frame

if TYPE_CHECKING:
    from google.protobuf.message import Message

EXTENSION = "roost"
ROOST_CALL = 1000

#: Field number of a payload, which is also its request type, to its name in DaemonRequest and DaemonResponse.
PAYLOAD_NAMES: dict[int, str] = {
    number: field.name
    for number, field in pb.DaemonRequest.DESCRIPTOR.fields_by_number.items()
    if field.message_type is not None
}
#: The request types that exist; 0 and every other number are answered UNKNOWN_REQUEST.
DEFINED_TYPES = frozenset(pb.RequestType.values()) - {0}
#: Request types whose payload may be absent, which then counts as an all-default one.
PAYLOAD_OPTIONAL = frozenset({20, 40, 41, 42, 51, 52, 53, 54, 55, 57, 58, 59, 61, 63, 66, 68, 72})
# Whose missing payload is worded the other way round: process registry, kills, tree, services.
_MISSING_FIRST = frozenset({*range(10, 40), 50, 56})


def decode_request(payload: bytes) -> pb.DaemonRequest:
    """Read a request. Raises ProtocolError, text starting `protobuf decode error`, if it is malformed."""
    try:
        return pb.DaemonRequest.FromString(payload)
    except DecodeError as error:
        raise ProtocolError(f"protobuf decode error: {error}") from error


def encode_response(response: pb.DaemonResponse) -> bytes:
    """The response as a complete frame. Raises RoostError of kind exhausted if no client would accept its size."""
    payload = response.SerializeToString()
    if len(payload) > MAX_RESPONSE_BYTES:
        raise RoostError(
            f"the answer has {len(payload)} bytes and a client accepts {MAX_RESPONSE_BYTES}: ask for less at a time",
            kind="exhausted",
        )
    return frame(payload)


def payload_of(request: pb.DaemonRequest) -> Message | None:
    """The payload that belongs to the request's type; None if it is absent (present and empty is not absent)."""
    name: Any = PAYLOAD_NAMES.get(request.type)
    if name is None or not request.HasField(name):
        return None
    payload: Message = getattr(request, name)
    return payload


def is_extended(request: pb.DaemonRequest) -> bool:
    """Whether the request asks for roost's behaviour: it is a roost call, or its payload carries the extension."""
    payload = payload_of(request)
    if request.type == ROOST_CALL or payload is None:
        return payload is not None
    return EXTENSION in payload.DESCRIPTOR.fields_by_name and payload.HasField(EXTENSION)


def payload_missing_text(request_type: int) -> str:
    """What v1 says when the payload of a request of that type is absent and may not be."""
    name = PAYLOAD_NAMES[request_type]
    return f"missing {name} payload" if request_type in _MISSING_FIRST else f"{name} payload missing"
