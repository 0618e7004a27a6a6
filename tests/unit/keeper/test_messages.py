"""The form of the keeper's messages: bytes in, fields out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.errors import ProtocolError
from roost.keeper import messages as m

VALUES = st.one_of(
    st.binary(max_size=50), st.integers(-(1 << 63), (1 << 64) - 1), st.floats(allow_nan=False), st.text(max_size=20)
)


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.lists(st.tuples(st.integers(0, 0xFFFF), VALUES)))
def test_what_is_encoded_is_decoded(type: int, seq: int, fields: list[tuple[int, bytes | int | float | str]]) -> None:
    message = m.decode(m.encode(type, seq, fields))
    assert (message.type, message.seq) == (type, seq)
    for tag, value in fields:
        found = m.Message(0, 0, {tag: [message.fields[tag].pop(0)]})
        if isinstance(value, bytes):
            assert found.blob(tag) == value
        elif isinstance(value, str):
            assert found.text(tag) == value
        elif isinstance(value, float):
            assert found.f64(tag) == value
        elif value < 0:
            assert found.i64(tag) == value
        else:
            assert found.u64(tag) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_protocol_error(packet: bytes) -> None:
    try:
        m.decode(packet)
    except ProtocolError:
        pass


def test_a_packet_cut_anywhere_inside_its_last_field_is_malformed() -> None:
    packet = m.encode(m.LIST, 1, [(m.T_ID, "abc")])
    for length in range(len(packet)):
        if length == m.HEADER_BYTES:
            continue  # a message without fields
        with pytest.raises(ProtocolError, match="malformed keeper message"):
            m.decode(packet[:length])


def test_the_bytes_of_a_message_are_these() -> None:
    packet = m.encode(m.SIGNAL, 7, [(m.T_ID, "s"), (m.T_SIGNO, -2), (m.T_EXITED_AT, 1.5)])
    assert packet == bytes.fromhex(
        "0100 0800 07000000  0a00 01000000 73  1a00 08000000 feffffffffffffff  1500 08000000 000000000000f83f"
    )


def test_absent_fields_have_their_defaults_and_repeated_ones_are_lists() -> None:
    message = m.decode(m.encode(m.SPAWN, 1, [(m.T_ARG, b"a"), (m.T_ARG, b"b")]))
    assert (message.text(m.T_ID, "x"), message.u64(m.T_ROWS, 24), message.i64(m.T_CODE)) == ("x", 24, None)
    assert message.list(m.T_ARG) == [b"a", b"b"]
    assert message.list(m.T_ENV) == []


@pytest.mark.parametrize("read", [m.Message.u64, m.Message.i64, m.Message.f64])
def test_a_number_of_another_length_is_a_protocol_error(read: object) -> None:
    assert callable(read)
    with pytest.raises(ProtocolError):
        read(m.Message(0, 0, {5: [b"123"]}), 5)


def test_system_text_keeps_bytes_that_are_not_utf_8() -> None:
    assert m.decode(m.encode(1, 1, [(1, "\udcff")])).blob(1) == b"\xff"


def test_hang_up_is_frozen() -> None:
    assert m.encode(m.HANGUP, 0) == bytes.fromhex("0100 0f00 00000000")
