"""Protobuf's wire format by hand: varints, fields, and the values inside them.

Owns the encoding of single fields; knows no message of the protocol. It accepts and refuses exactly what the protobuf
runtime does, so that either can stand at either end. Imports nothing heavy: it is on the path of every command.
"""

from __future__ import annotations

import struct

from roost.errors import ProtocolError

TYPE_CHECKING = False  # typing itself is not imported: that would cost more than this package
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeAlias

    Buffer: TypeAlias = bytes | bytearray | memoryview
    #: An int for the wire type VARINT, else a Buffer: whoever looks at the wire type knows which.
    Value: TypeAlias = Any

VARINT = 0
FIXED64 = 1
LENGTH_DELIMITED = 2
START_GROUP = 3
END_GROUP = 4
FIXED32 = 5

_GROUP_DEPTH = 100
_DOUBLE = struct.Struct("<d")
_MASK64 = (1 << 64) - 1
_ONE_BYTE = [bytes((n,)) for n in range(0x80)]
#: Numbers of fields whose tag has one byte.
_ONE_BYTE_NUMBERS = 16
_SHIFTS = (7, 14, 21, 28, 35, 42, 49, 56, 63)


def write_varint(n: int) -> bytes:
    """Encode an integer; a negative one as its 64-bit two's complement, which is ten bytes long."""
    if 0 <= n < 0x80:
        return _ONE_BYTE[n]
    if 0 < n < 0x4000:
        return bytes((n & 0x7F | 0x80, n >> 7))
    n &= _MASK64
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def zigzag(n: int) -> int:
    """The number that a sint32 or sint64 travels as."""
    return n << 1 if n >= 0 else (-n << 1) - 1


def field_varint(number: int, n: int) -> bytes:
    """A varint field; written even if zero."""
    if number < _ONE_BYTE_NUMBERS and 0 <= n < 0x80:
        return _ONE_BYTE[number << 3] + _ONE_BYTE[n]
    return write_varint(number << 3) + write_varint(n)


def field_bytes(number: int, data: Buffer) -> bytes:
    """A bytes or sub-message field; written even if empty."""
    length = len(data)
    if number < _ONE_BYTE_NUMBERS and length < 0x80:
        return b"".join((_ONE_BYTE[number << 3 | LENGTH_DELIMITED], _ONE_BYTE[length], data))
    return b"".join((write_varint(number << 3 | LENGTH_DELIMITED), write_varint(length), data))


def field_text(number: int, text: str) -> bytes:
    """A string field; written even if empty. What is not UTF-8 is replaced: the other end would refuse the frame."""
    return field_bytes(number, text.encode("utf-8", "replace"))


def field_double(number: int, value: float) -> bytes:
    """A double field; written even if zero."""
    return write_varint(number << 3 | FIXED64) + _DOUBLE.pack(value)


def read_varint(buf: Buffer, at: int) -> tuple[int, int]:
    """The varint at `at` (0 to 2**64 - 1) and where it ends. Raises IndexError if `buf` ends first."""
    byte = buf[at]
    if byte < 0x80:
        return byte, at + 1
    value = byte & 0x7F
    for shift in _SHIFTS:
        at += 1
        byte = buf[at]
        if byte < 0x80:
            return (value | byte << shift) & _MASK64, at + 1
        value |= (byte & 0x7F) << shift
    raise _malformed("a varint is longer than ten bytes")


def fields(buf: Buffer) -> Iterator[tuple[int, int, Value]]:
    """The fields of a message in order: number, wire type, value. Groups are skipped.

    The value of a varint is an int (0 to 2**64 - 1), of everything else a slice of `buf`: of a memoryview no copy.
    Raises ProtocolError where the message is malformed, after what was sound.
    """
    at = 0
    end = len(buf)
    while at < end:
        try:
            tag, at = _read_tag(buf, at)
            wire = tag & 7
            if wire == VARINT:
                value: Value
                value, at = read_varint(buf, at)
            elif wire == START_GROUP:
                at = _skip_group(buf, at, tag >> 3)
                continue
            else:
                start, at = _extent(buf, at, wire)
                value = buf[start:at]
        except IndexError as error:
            raise _malformed("the message ends inside a field") from error
        yield tag >> 3, wire, value


def merged(parts: list[Value]) -> Buffer:
    """A sub-message that came in parts: repeats are merged, which is what reading them as one message does.

    Raises ProtocolError if a part is malformed by itself.
    """
    if len(parts) == 1:
        only: Buffer = parts[0]
        return only
    for part in parts:
        for _ in fields(part):
            pass
    return b"".join(parts)


def int32(value: int) -> int:
    """The int32 (or int64 cut to 32 bits) that a varint stands for."""
    number = value & 0xFFFFFFFF
    return number - (1 << 32) if number >= 1 << 31 else number


def sint32(value: int) -> int:
    """The sint32 that a varint stands for."""
    number = value & 0xFFFFFFFF
    return number >> 1 ^ -(number & 1)


def double(value: Buffer) -> float:
    """The double in the eight bytes of a fixed64 field."""
    result: float = _DOUBLE.unpack(value)[0]
    return result


def text(value: Buffer) -> str:
    """The text of a string field. Raises ProtocolError if it is not UTF-8."""
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError as error:
        raise _malformed("a string is not valid UTF-8") from error


def _malformed(what: str) -> ProtocolError:
    return ProtocolError(f"protobuf decode error: {what}")


def _read_tag(buf: Buffer, at: int) -> tuple[int, int]:
    tag, after = read_varint(buf, at)
    if tag < 8 or tag > 0xFFFFFFFF or after - at > 5:
        raise _malformed("a field has no valid number")
    return tag, after


def _extent(buf: Buffer, at: int, wire: int) -> tuple[int, int]:
    """Where the value of a field that is not a varint starts and ends."""
    if wire == LENGTH_DELIMITED:
        length, at = read_varint(buf, at)
    elif wire == FIXED64:
        length = 8
    elif wire == FIXED32:
        length = 4
    else:
        raise _malformed(f"wire type {wire} where a field should start")
    if length > len(buf) - at:
        raise _malformed("a field is longer than its message")
    return at, at + length


def _skip_group(buf: Buffer, at: int, number: int) -> int:
    """Where the group opened just before `at` ends; groups nest, and each must be closed by its own number."""
    open_groups = [number]
    while open_groups:
        tag, at = _read_tag(buf, at)
        wire = tag & 7
        if wire == START_GROUP:
            open_groups.append(tag >> 3)
            if len(open_groups) > _GROUP_DEPTH:
                raise _malformed("groups are nested too deep")
        elif wire == END_GROUP:
            if tag >> 3 != open_groups.pop():
                raise _malformed("a group is closed by another number")
        elif wire == VARINT:
            _, at = read_varint(buf, at)
        else:
            _, at = _extent(buf, at, wire)
    return at
