"""A few requests of the session protocol, encoded by hand: the bench is a client that shares no code with roost."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_CALL = 1000
_SPAWN_PTY, _ATTACH_PTY, _SPAWN_PIPE, _ATTACH_PIPE, _PING = 60, 61, 65, 66, 40
_CLEAR_ENVIRONMENT = 3
STREAMS = {"stdout": 1, "stderr": 2}


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _int(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _bytes(number: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _request(kind: int, payload: bytes) -> bytes:
    body = _int(1, 1) + _int(2, kind) + _int(3, 1) + _bytes(4, "bench") + _bytes(kind, payload)
    return struct.pack(">I", len(body)) + body


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a protobuf message; fixed-width values are passed as bytes."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        length = {1: 8, 5: 4}.get(key & 7) or varint()
        yield key >> 3, data[at : at + length]
        at += length


def call(method: str, params: dict[str, Any] | None = None, data: bytes = b"") -> bytes:
    """A framed call of one of roost's own methods."""
    payload = _bytes(2, method) + _bytes(3, json.dumps(params or {}))
    return _request(_CALL, payload + (_bytes(4, data) if data else b""))


def ping() -> bytes:
    """A framed ping."""
    return _request(_PING, b"")


def spawn(argv: list[str], env: dict[str, str], *, pipe: bool = False, name: str = "") -> bytes:
    """A framed spawn of a terminal or pipe session with exactly that environment."""
    payload = b"".join(_bytes(1, argument) for argument in argv) + _bytes(2, "/")
    payload += b"".join(_bytes(3, _bytes(1, key) + _bytes(2, value)) for key, value in env.items())
    payload += _int(7 if pipe else 8, _CLEAR_ENVIRONMENT)
    payload += _bytes(1000, _bytes(3, name) if name else b"")
    return _request(_SPAWN_PIPE if pipe else _SPAWN_PTY, payload)


def attach(
    target: str,
    *,
    stream: str = "",
    mode: str = "exclusive",
    lossless: bool = False,
    local: bool = False,
    types: bool = False,
) -> bytes:
    """A framed attach from the start of the stream. `stream` names one of a pipe session's; empty is a terminal.

    `local` asks for the ring itself in place of frames, `types` for a way of its own to the terminal besides.
    """
    extension = _int(2, 0) + _bytes(4, mode) + (_int(5, 1) if lossless else b"") + _bytes(7, "none")
    extension += (_int(10, 1) if local else b"") + (_int(11, 1) if types else b"")
    payload = _bytes(1, target) + (_int(2, STREAMS[stream]) if stream else b"") + _bytes(1000, extension)
    return _request(_ATTACH_PIPE if stream else _ATTACH_PTY, payload)


def attach_v1(target: str) -> bytes:
    """A framed attach to a terminal session without roost's extension."""
    return _request(_ATTACH_PTY, _bytes(1, target))


class Connection:
    """One connection for requests and answers."""

    def __init__(self, path: Path, timeout_s: float = 60.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def receive(self) -> bytes:
        """One frame's payload."""
        (length,) = struct.unpack(">I", self._exactly(4))
        return self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            part = self._socket.recv(length - len(data))
            if not part:
                raise EOFError("the daemon closed the connection")
            data += part
        return bytes(data)

    def ask(self, request: bytes) -> dict[int, int | bytes]:
        """Send a request and return the answer's fields. Raises RuntimeError with the daemon's words."""
        self.send(request)
        answer = dict(fields(self.receive()))
        if answer.get(2, 0):
            text = answer.get(3, b"")
            raise RuntimeError(f"code {answer[2]!r}: {text.decode() if isinstance(text, bytes) else text}")
        return answer

    def call(self, method: str, params: dict[str, Any] | None = None, data: bytes = b"") -> dict[str, Any]:
        """One of roost's own methods; its result."""
        reply = self.ask(call(method, params, data)).get(1000, b"")
        result = dict(fields(reply)).get(1, b"{}") if isinstance(reply, bytes) else b"{}"
        return dict(json.loads(result)) if isinstance(result, bytes) else {}

    def spawn(self, argv: list[str], env: dict[str, str], *, pipe: bool = False, name: str = "") -> tuple[str, int]:
        """Spawn a session; its id and the child's pid."""
        payload = self.ask(spawn(argv, env, pipe=pipe, name=name))[_SPAWN_PIPE if pipe else _SPAWN_PTY]
        answer = dict(fields(payload)) if isinstance(payload, bytes) else {}
        identity, pid = answer[1], answer[2]
        assert isinstance(identity, bytes) and isinstance(pid, int)
        return identity.decode(), pid
