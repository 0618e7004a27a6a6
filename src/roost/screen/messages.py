"""What the daemon and the screen worker say to each other: frames of a JSON object and bytes, over one stream socket.

Owns the form. Descriptors travel with the first byte of a frame and are taken in their order.
"""

from __future__ import annotations

import array
import json
import socket
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

_HEAD = struct.Struct("<II")
#: A frame beyond this is no frame.
MAX_BYTES = 256 << 20
_READ_BYTES = 256 * 1024
_MAX_FDS = 8


class Frame(NamedTuple):
    """One message."""

    body: dict[str, Any]
    data: bytes = b""


def encode(body: dict[str, Any], data: bytes = b"") -> bytes:
    """The frame as it travels."""
    text = json.dumps(body, separators=(",", ":")).encode()
    return _HEAD.pack(len(text), len(data)) + text + data


class Reader:
    """Takes frames apart; bytes may be cut anywhere."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.fds: list[int] = []

    def receive(self, sock: socket.socket) -> bool:
        """Take what the socket has; False at its end. Raises OSError, BlockingIOError among them."""
        descriptors = array.array("i")
        data, ancillary, _flags, _address = sock.recvmsg(
            _READ_BYTES, socket.CMSG_SPACE(_MAX_FDS * descriptors.itemsize), socket.MSG_CMSG_CLOEXEC
        )
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(payload[: len(payload) - len(payload) % descriptors.itemsize])
        self.fds += descriptors
        self._buffer += data
        return bool(data)

    def frames(self) -> Iterator[Frame]:
        """The frames that are complete. Raises ValueError for what is none."""
        while len(self._buffer) >= _HEAD.size:
            text_bytes, data_bytes = _HEAD.unpack_from(self._buffer)
            end = _HEAD.size + text_bytes + data_bytes
            if end > MAX_BYTES:
                raise ValueError("not a frame of the screen worker")
            if len(self._buffer) < end:
                return
            text = bytes(self._buffer[_HEAD.size : _HEAD.size + text_bytes])
            data = bytes(self._buffer[_HEAD.size + text_bytes : end])
            del self._buffer[:end]
            yield Frame(json.loads(text), data)
