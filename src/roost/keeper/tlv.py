"""Tag-length-value bodies: pure bytes in, fields out. Knows nothing of sockets or of what the tags mean.

A field is a 2-byte tag, a 4-byte length (both little-endian) and that many bytes. Integers are 8 bytes in two's
complement, floats are IEEE doubles, text is UTF-8. A repeated tag is a list; a tag that the reader does not know is
carried along and ignored, which is what makes the protocol additive.
"""

from __future__ import annotations

import struct

from roost.errors import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Value = bytes | int | float | str
    Fields = Iterable[tuple[int, Value]]

_FIELD = struct.Struct("<HI")
_DOUBLE = struct.Struct("<d")
_WORD_MASK = (1 << 64) - 1


def encode_fields(fields: Fields) -> bytes:
    """The body that holds these fields, in this order."""
    parts: list[bytes] = []
    pack = _FIELD.pack
    for tag, value in fields:
        if type(value) is bytes:
            data = value
        elif type(value) is str:
            data = value.encode("utf-8", "surrogateescape")
        else:
            data = encode_value(value)
        parts += (pack(tag, len(data)), data)
    return b"".join(parts)


def encode_value(value: Value) -> bytes:
    """One value as bytes. Text that came from the system keeps bytes that are not UTF-8."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, float):
        return _DOUBLE.pack(value)
    return (value & _WORD_MASK).to_bytes(8, "little")


def split_fields(body: bytes) -> dict[int, list[bytes]]:
    """The fields of a body by tag. Raises ProtocolError if the body ends inside a field."""
    fields: dict[int, list[bytes]] = {}
    at, end, header, unpack = 0, len(body), _FIELD.size, _FIELD.unpack_from
    while at < end:
        if end - at < header:
            raise ProtocolError("malformed keeper message: it ends inside a field header")
        tag, length = unpack(body, at)
        at += header
        if length > end - at:
            raise ProtocolError(f"malformed keeper message: field {tag} claims {length} bytes, {end - at} are left")
        value = body[at : at + length]
        if tag in fields:
            fields[tag].append(value)
        else:
            fields[tag] = [value]
        at += length
    return fields


def decode_double(data: bytes) -> float:
    """A float field. Raises ProtocolError if it has another length."""
    if len(data) != 8:
        raise ProtocolError(f"malformed keeper message: a float of {len(data)} bytes")
    value: float = _DOUBLE.unpack(data)[0]
    return value


def decode_integer(data: bytes, *, signed: bool = False) -> int:
    """An integer field. Raises ProtocolError if it has another length."""
    if len(data) != 8:
        raise ProtocolError(f"malformed keeper message: an integer of {len(data)} bytes")
    return int.from_bytes(data, "little", signed=signed)
