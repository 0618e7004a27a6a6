"""Protobuf's wire format by hand, where its corners are."""

from __future__ import annotations

import pytest

from roost.errors import ProtocolError
from roost.wire import lite


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, "00"),
        (1, "01"),
        (127, "7f"),
        (128, "8001"),
        (16383, "ff7f"),
        (16384, "808001"),
        (1 << 35, "808080808001"),
        ((1 << 64) - 1, "ffffffffffffffffff01"),
        (-1, "ffffffffffffffffff01"),
        (-9, "f7ffffffffffffffff01"),
    ],
)
def test_varints(number: int, encoded: str) -> None:
    """A varint is as short as it can be, a negative number ten bytes long, and reads back modulo 2**64."""
    assert lite.write_varint(number).hex() == encoded
    assert lite.read_varint(bytes.fromhex("ee" + encoded + "ee"), 1) == (number % (1 << 64), 1 + len(encoded) // 2)


@pytest.mark.parametrize("number", [0, 1, -1, 2, -2, 1 << 30, -(1 << 31), (1 << 31) - 1])
def test_zigzag_and_sint32_are_inverse(number: int) -> None:
    """Every sint32 survives; small negatives stay small."""
    assert lite.sint32(lite.zigzag(number)) == number
    assert lite.zigzag(-1) == 1


def test_int32_takes_the_low_32_bits() -> None:
    """Negative numbers come as 64 bits; what is beyond 32 bits is cut."""
    assert lite.int32((1 << 64) - 9) == -9
    assert lite.int32((1 << 33) + 5) == 5
    assert lite.int32(1 << 31) == -(1 << 31)


def test_fields_of_every_wire_type_in_order() -> None:
    """Varint, fixed64, bytes and fixed32 are handed out as they come; a group between them is skipped."""
    group = bytes.fromhex("1b 0801 23 2a01ff 24 11 0000000000000000 1d 00000000 1c")
    message = lite.field_varint(1, 300) + group + lite.field_double(2, 1.5) + lite.field_bytes(3, b"ab") + b"\x25abcd"
    expected = [(1, 0, 300), (2, 1, lite.field_double(2, 1.5)[1:]), (3, 2, b"ab"), (4, 5, b"abcd")]
    assert list(lite.fields(message)) == expected


def test_fields_of_a_memoryview_are_not_copied() -> None:
    """A large payload can be walked without copying it."""
    message = lite.field_bytes(1, b"payload")
    [(_, _, value)] = lite.fields(memoryview(message))
    assert isinstance(value, memoryview)
    assert value.obj is message


@pytest.mark.parametrize(
    "malformed",
    [
        "08",  # no value
        "0a05616263",  # shorter than it says
        "0affffffff0f",  # absurd length
        "0980",  # fixed64 cut
        "0d00",  # fixed32 cut
        "00",  # field number 0
        "06",  # no such wire type
        "0f01",  # no such wire type
        "0c",  # a group ends that was not open
        "0b",  # a group that does not end
        "0b14",  # a group closed by another
        "0b" * 200,  # nested too deep
        "08ffffffffffffffffffff01",  # varint of eleven bytes
        "f8ffffff1f01",  # tag above 32 bits
        "88808080800001",  # tag of more than five bytes
    ],
)
def test_malformed_messages_are_refused(malformed: str) -> None:
    """Each kind of damage is a ProtocolError that says so."""
    with pytest.raises(ProtocolError, match=r"^protobuf decode error: "):
        list(lite.fields(bytes.fromhex(malformed)))


def test_text_that_is_not_utf8_is_refused() -> None:
    """A string field with other bytes is malformed."""
    with pytest.raises(ProtocolError, match=r"^protobuf decode error: "):
        lite.text(b"\xff\xfe")


def test_text_that_cannot_be_utf8_is_replaced_on_the_way_out() -> None:
    """What a file name smuggled in as a lone surrogate must not make the frame unreadable."""
    assert lite.field_text(1, "a\udcffb") == lite.field_bytes(1, b"a?b")


def test_merging_checks_each_part() -> None:
    """Two halves that are only together a message are malformed; sound parts are joined."""
    assert lite.merged([b"\x08\x01", b"\x10\x02"]) == b"\x08\x01\x10\x02"
    with pytest.raises(ProtocolError):
        lite.merged([b"\x08", b"\x01"])
