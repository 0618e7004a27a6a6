"""A client of the plain v1 protocol, over the official protobuf runtime: an oracle that shares no code with roost's."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

from roost.wire import daemon_v1_pb2 as pb


class V1Client:
    """One connection; requests are answered in order."""

    def __init__(self, path: str, *, timeout_s: float = 30.0, name: str = "tester") -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout_s)
        try:
            self.sock.connect(path)
        except OSError:
            self.sock.close()
            raise
        self._id = 0
        self._name = name

    def __enter__(self) -> V1Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send_raw(self, payload: bytes) -> None:
        """One frame."""
        self.sock.sendall(struct.pack(">I", len(payload)) + payload)

    def read_raw(self) -> bytes:
        """One frame; EOFError at the end of the connection."""
        (length,) = struct.unpack(">I", self._exactly(4))
        return self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            piece = self.sock.recv(count - len(data))
            if not piece:
                raise EOFError(f"the connection ended after {len(data)} of {count} bytes")
            data += piece
        return bytes(data)

    def request(self, kind: int, payload: Any = None) -> pb.DaemonResponse:
        """Send a request and read its answer. `payload` goes into the field whose number is the request's type."""
        self._id += 1
        message = pb.DaemonRequest(id=self._id, type=kind, protocol_version=1, client_name=self._name)
        if payload is not None:
            field = pb.DaemonRequest.DESCRIPTOR.fields_by_number[kind].name
            getattr(message, field).CopyFrom(payload)
        self.send_raw(message.SerializeToString())
        answer = pb.DaemonResponse.FromString(self.read_raw())
        assert answer.request_id == self._id
        return answer

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A roost call; AssertionError with the daemon's words when it fails."""
        answer = self.request(1000, pb.RoostCall(method=method, params=json.dumps(params).encode()))
        assert answer.code == 0, f"{method}: {answer.roost.error_kind}: {answer.message}"
        result: dict[str, Any] = json.loads(answer.roost.result)
        return result

    # --- sessions ---------------------------------------------------------------------------------------------------

    def spawn(self, *argv: str, **fields: Any) -> pb.SpawnPtySessionResponse:
        """A terminal session."""
        answer = self.request(60, pb.SpawnPtySessionRequest(argv=argv, **fields))
        assert answer.code == 0, answer.message
        return answer.spawn_pty_session

    def spawn_pipe(self, *argv: str, **fields: Any) -> pb.SpawnPipeSessionResponse:
        """A pipe session."""
        answer = self.request(65, pb.SpawnPipeSessionRequest(argv=argv, **fields))
        assert answer.code == 0, answer.message
        return answer.spawn_pipe_session

    def attach(self, session_id: str, **fields: Any) -> pb.DaemonResponse:
        """Make this connection an attachment of a terminal session."""
        fields.setdefault("is_tty", True)
        return self.request(61, pb.AttachPtySessionRequest(session_id=session_id, **fields))

    def attach_pipe(self, session_id: str, stream: int = 1, **fields: Any) -> pb.DaemonResponse:
        """Make this connection an attachment of a pipe stream."""
        return self.request(66, pb.AttachPipeStreamRequest(session_id=session_id, stream=stream, **fields))

    def frame(self) -> pb.PtyStreamFrame:
        """The next frame of a terminal."""
        return pb.PtyStreamFrame.FromString(self.read_raw())

    def pipe_frame(self) -> pb.PipeStreamFrame:
        """The next frame of a pipe stream."""
        return pb.PipeStreamFrame.FromString(self.read_raw())

    def type(self, data: bytes) -> None:
        """Input."""
        self.send_raw(pb.PtyInputFrame(input=data).SerializeToString())

    def until(self, wanted: bytes, seen: bytes = b"") -> bytes:
        """Output of a terminal up to and with `wanted`."""
        while wanted not in seen:
            frame = self.frame()
            assert frame.WhichOneof("frame") in ("output", None), f"{frame} before {wanted!r}; seen {seen[-200:]!r}"
            seen += frame.output
        return seen

    def rest(self) -> tuple[bytes, pb.PtyStreamFrame]:
        """All output of a terminal up to the terminal frame, and that frame; then the connection must be closed."""
        seen = b""
        while True:
            frame = self.frame()
            if frame.WhichOneof("frame") != "output":
                if frame.WhichOneof("frame") is None or frame.WhichOneof("frame") == "missed_bytes":
                    continue
                assert self.sock.recv(1) == b"", "something came behind the terminal frame"
                return seen, frame
            seen += frame.output

    def pipe_rest(self) -> tuple[bytes, pb.PipeStreamFrame]:
        """The same for a pipe stream."""
        seen = b""
        while True:
            frame = self.pipe_frame()
            if frame.WhichOneof("frame") != "bytes":
                assert self.sock.recv(1) == b"", "something came behind the terminal frame"
                return seen, frame
            seen += frame.bytes
