"""The two frames that make a keystroke's round trip, as v1 has them: a short piece of input, a short piece of output.

Pure, and below everything else, because two processes read and write them: the daemon by `roost.wire`, and the keeper,
which knows no other frame, for the clients whose connections it is lent.
"""

from __future__ import annotations

PREFIX_BYTES = 4
_FIELD_1 = 0x0A  # input and output are both field 1, length-delimited
_HEAD_BYTES = PREFIX_BYTES + 2
_SHORT_BYTES = 128  # up to here a length is one byte


def keystroke(data: bytes) -> bytes | None:
    """What was typed, where received bytes are one short frame of input and nothing else; None for all others."""
    size = len(data)
    if not _HEAD_BYTES < size < _SHORT_BYTES or data[3] != size - 4 or data[5] != size - 6:
        return None
    if data[4] != _FIELD_1 or not data.startswith(b"\0\0\0"):
        return None
    return data[6:]


def keystrokes(data: bytes) -> tuple[bytes, bytes]:
    """What was typed in short frames of input at the beginning of received bytes, and what follows on them."""
    at, typed = 0, []
    while len(data) - at > _HEAD_BYTES:
        one = keystroke(data[at : at + PREFIX_BYTES + data[at + 3]])
        if one is None:
            break
        typed.append(one)
        at += _HEAD_BYTES + len(one)
    return b"".join(typed), data[at:]


def input_frame(data: bytes) -> bytes:
    """A whole frame of input."""
    return _head(len(data)) + data


def output_head(length: int) -> bytes:
    """Everything of a frame of output that precedes its data."""
    return _head(length)


def _head(length: int) -> bytes:
    if length < _SHORT_BYTES:
        return bytes((0, 0, 0, length + 2, _FIELD_1, length))
    key, rest = bytearray((_FIELD_1,)), length
    while rest >= _SHORT_BYTES:
        key.append(rest & 0x7F | 0x80)
        rest >>= 7
    key.append(rest)
    return (len(key) + length).to_bytes(PREFIX_BYTES, "big") + key
