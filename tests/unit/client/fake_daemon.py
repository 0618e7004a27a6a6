"""A daemon that says what a test tells it to: one script a connection, protobuf's own runtime as the oracle."""

from __future__ import annotations

import json
import queue
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from roost.wire import codec, frames
from roost.wire import daemon_v1_pb2 as pb
from roost.wire.frames import InputFrame, decode_input_frame

Script = Callable[["Peer"], None]
PATIENCE_S = 10.0


class Peer:
    """The daemon's end of one connection."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.socket.settimeout(PATIENCE_S)

    def request(self) -> pb.DaemonRequest:
        """The next request."""
        return codec.decode_request(self._payload())

    def input(self) -> InputFrame:
        """The next frame of an attached client."""
        frame = decode_input_frame(self._payload())
        assert frame is not None
        return frame

    def input_bytes(self, count: int) -> bytes:
        """Input up to that many bytes, over as many frames as it takes; each frame is acknowledged but the last."""
        taken = bytearray()
        while len(taken) < count:
            self.acknowledge(len(taken))
            taken += self.input().data
        return bytes(taken)

    def acknowledge(self, input_bytes: int) -> None:
        """Says that the child was given that much of this connection's input."""
        if input_bytes:
            self.send(frames.input_offset(input_bytes))

    def reply(self, request: pb.DaemonRequest, result: Any = None, data: bytes = b"") -> None:
        """Success of a roost call."""
        response = pb.DaemonResponse(request_id=request.id)
        response.roost.result = json.dumps({} if result is None else result).encode()
        response.roost.data = data
        self.send(codec.encode_response(response))

    def refuse(self, request: pb.DaemonRequest, kind: str, message: str, code: int = 1) -> None:
        """An error of roost's."""
        response = pb.DaemonResponse(request_id=request.id, code=code, message=message)
        response.roost.error_kind = kind
        self.send(codec.encode_response(response))

    def spawned(self, request: pb.DaemonRequest, session_id: str = "s-aaaaaaaaaa", *, existing: bool = False) -> None:
        """Success of a spawn."""
        response = pb.DaemonResponse(request_id=request.id)
        body = response.spawn_pty_session if request.type == 60 else response.spawn_pipe_session
        body.session_id, body.pid, body.created_at = session_id, 4242, 17.5
        body.roost.name, body.roost.existing = "sh", existing
        self.send(codec.encode_response(response))

    def attached(self, start: int = 0, end: int = 0, *, token: bytes = b"token") -> Any:
        """Takes an attach request and grants it; returns the payload of the request."""
        request = self.request()
        response = pb.DaemonResponse(request_id=request.id)
        pty = request.type == 61
        asked = request.attach_pty_session if pty else request.attach_pipe_stream
        body = response.attach_pty_session if pty else response.attach_pipe_stream
        body.roost.start_offset, body.roost.end_offset = start, end
        body.roost.session_id, body.roost.name, body.roost.kind = asked.session_id, "sh", "pty" if pty else "pipe"
        body.roost.attachment_id, body.roost.resume_token = "a-1", token
        body.roost.restore = b"\x1b[?2004h"
        self.send(codec.encode_response(response))
        return asked

    def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self.socket.sendall(data)

    def close(self) -> None:
        """Ends the connection now."""
        self.socket.close()

    def until_closed(self) -> bytes:
        """What the client sends until it goes."""
        received = b""
        try:
            while data := self.socket.recv(65536):
                received += data
        except ConnectionError:
            pass
        return received

    def _payload(self) -> bytes:
        (size,) = struct.unpack(">I", self._exactly(4))
        return self._exactly(size)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            assert piece, "the client went away"
            data += piece
        return data


class FakeDaemon:
    """Listens and plays the scripts in order, one a connection; connections beyond them are closed at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._scripts: queue.Queue[Script] = queue.Queue()
        self._errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self.connections = 0
        self.listen()

    def listen(self) -> None:
        """Begins to listen, as a daemon that was started (again)."""
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen(16)
        self._start(self._accept, self._listener)

    def go_away(self) -> None:
        """Stops listening, as a daemon that died."""
        assert self._listener is not None
        self.path.unlink()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._listener = None

    def play(self, *scripts: Script) -> None:
        """What to do with the next connections."""
        for script in scripts:
            self._scripts.put(script)

    def end(self) -> None:
        """Waits for the scripts under way; raises what went wrong in them."""
        if self._listener is not None:
            self.go_away()
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
        for error in self._errors:
            raise error

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connected, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                script = self._scripts.get_nowait()
            except queue.Empty:
                connected.close()
                continue
            self._start(self._play, script, connected)

    def _play(self, script: Script, connected: socket.socket) -> None:
        try:
            with connected:
                script(Peer(connected))
        except BaseException as error:  # noqa: BLE001 - raised by `end`, in the test's own thread
            self._errors.append(error)
