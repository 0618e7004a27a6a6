"""The tee requests of protocol v1 (75 to 77): v1's checks in v1's order, its codes and its words.

Owns what v1's numbers mean. v1 counts a tee's queue in chunks; here a chunk stands for CHUNK_BYTES.
"""

from __future__ import annotations

from typing import Any

from roost.daemon.service import Service
from roost.daemon.session import Session
from roost.daemon.tee import TeeSpec
from roost.daemon.v1 import Ask, Handlers
from roost.errors import InvalidError, NoRunError
from roost.wire import daemon_v1_pb2 as pb

#: About what one read of a terminal gives: v1's default of 1024 chunks is 4 MiB.
CHUNK_BYTES = 4096

_KINDS = {1: "pty", 2: "pipe"}
#: (session kind, v1's stream) → roost's stream.
_STREAMS = {
    ("pty", pb.TEE_STREAM_KIND_PTY_OUTPUT): "stdout",
    ("pty", pb.TEE_STREAM_KIND_STDIN): "stdin",
    ("pipe", pb.TEE_STREAM_KIND_STDOUT): "stdout",
    ("pipe", pb.TEE_STREAM_KIND_STDERR): "stderr",
    ("pipe", pb.TEE_STREAM_KIND_STDIN): "stdin",
}
_NUMBERS = {(kind, name): number for (kind, number), name in _STREAMS.items()}


class V1Tees:
    """Register, unregister, status."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def handlers(self) -> Handlers:
        """By request type."""
        return {
            pb.REQUEST_TYPE_REGISTER_SESSION_TEE: self._register,
            pb.REQUEST_TYPE_UNREGISTER_SESSION_TEE: self._unregister,
            pb.REQUEST_TYPE_GET_SESSION_TEE_STATUS: self._status,
        }

    async def _register(self, ask: Ask) -> None:
        p = ask.payload
        _check_order(p)
        kind = _kind(p)
        session = self._session(p, kind)
        stream = _STREAMS.get((kind, p.stream))
        if stream is None:
            name = pb.TeeStreamKind.Name(p.stream).removeprefix("TEE_STREAM_KIND_").lower()
            raise InvalidError(f"a {kind} session has no stream {name}")
        handle = await self._service.add_tee(
            session,
            TeeSpec(
                stream=stream,
                path=p.file_path,
                append=p.file_mode == pb.TEE_FILE_MODE_APPEND,
                capacity_bytes=(p.queue_capacity or 1024) * CHUNK_BYTES,
                markers=not p.suppress_missed_markers,
                block=p.backpressure == pb.TEE_BACKPRESSURE_BLOCK,
            ),
        )
        ask.response.register_session_tee.tee_handle = handle
        ask.response.message = "OK"

    async def _unregister(self, ask: Ask) -> None:
        session = self._session(ask.payload, _kind(ask.payload))
        await self._service.remove_tee(session, ask.payload.tee_handle)
        ask.response.unregister_session_tee.SetInParent()
        ask.response.message = "OK"

    async def _status(self, ask: Ask) -> None:
        session = self._session(ask.payload, _kind(ask.payload))
        status = self._service.tee_status(session, ask.payload.tee_handle)
        answer = ask.response.get_session_tee_status
        answer.stream = _NUMBERS[session.record.kind, status.stream]
        answer.missed_bytes = status.missed_bytes
        answer.disconnected = status.disconnected
        ask.response.message = "OK"

    def _session(self, p: Any, kind: str) -> Session:
        found = self._service.table.by_id(p.session_id)
        if found is None or found.record.kind != kind:
            raise NoRunError(f"no {kind} session {p.session_id!r}")
        return found


def _check_order(p: Any) -> None:
    """What can be seen without looking at any session, in v1's order."""
    if not p.session_id:
        raise InvalidError("session_id must not be empty")
    if p.sink_kind not in pb.TeeSinkKind.values():
        raise InvalidError(f"unknown tee sink kind {p.sink_kind}")
    if p.sink_kind != pb.TEE_SINK_KIND_FILE:
        raise InvalidError("a tee's sink must be a file")
    if p.stream == pb.TEE_STREAM_KIND_UNSPECIFIED or p.stream not in pb.TeeStreamKind.values():
        raise InvalidError(f"unknown tee stream kind {p.stream}")
    if not p.file_path:
        raise InvalidError("file_path must not be empty")
    if p.file_mode not in pb.TeeFileMode.values():
        raise InvalidError(f"unknown tee file mode {p.file_mode}")
    if p.backpressure not in pb.TeeBackpressure.values():
        raise InvalidError(f"unknown tee backpressure {p.backpressure}")
    _kind(p)


def _kind(p: Any) -> str:
    if p.session_kind not in _KINDS:
        raise InvalidError(f"unknown tee session kind {p.session_kind}")
    return _KINDS[p.session_kind]
