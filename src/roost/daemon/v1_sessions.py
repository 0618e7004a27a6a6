"""The session requests of protocol v1 (60 to 74): what each asks of the service, and the exact shape of its answer.

Owns v1's texts and defaults for sessions; the work itself is the service's.
"""

from __future__ import annotations

import functools
import os
from typing import Any

import msgspec

from roost.core.backlog import V1Mark, v1_backlog
from roost.core.refreshable import read_block
from roost.daemon.admission import Admitted, AttachSpec, Newcomer
from roost.daemon.service import DEFAULT_GRACE_S, Service
from roost.daemon.session import Session
from roost.daemon.spawning import SpawnSpec, Started
from roost.daemon.tee import TeeSpec
from roost.daemon.v1 import Ask, Connection, Handlers
from roost.errors import InvalidError, NoRunError, RoostError
from roost.ring.reader import RingReader
from roost.wire import daemon_v1_pb2 as pb

_BULK_DEFAULT_GRACE_S = 0.001
_STREAMS = {1: "stdout", 2: "stderr"}
_OUTCOMES = {"natural": 1, "soft": 2, "hard": 3}


class V1Sessions:
    """Terminal and pipe sessions, backlog, purge and bulk terminate."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def handlers(self) -> Handlers:
        """By request type."""
        return {
            pb.REQUEST_TYPE_SPAWN_PTY_SESSION: self._spawn_pty,
            pb.REQUEST_TYPE_ATTACH_PTY_SESSION: self._attach_pty,
            pb.REQUEST_TYPE_DETACH_PTY_SESSION: self._detach_pty,
            pb.REQUEST_TYPE_LIST_PTY_SESSIONS: self._list_pty,
            pb.REQUEST_TYPE_TERMINATE_PTY_SESSION: self._terminate_pty,
            pb.REQUEST_TYPE_SPAWN_PIPE_SESSION: self._spawn_pipe,
            pb.REQUEST_TYPE_ATTACH_PIPE_STREAM: self._attach_pipe,
            pb.REQUEST_TYPE_DETACH_PIPE_STREAM: self._detach_pipe,
            pb.REQUEST_TYPE_LIST_PIPE_SESSIONS: self._list_pipe,
            pb.REQUEST_TYPE_TERMINATE_PIPE_SESSION: self._terminate_pipe,
            pb.REQUEST_TYPE_WRITE_PIPE_STDIN: self._write_stdin,
            pb.REQUEST_TYPE_GET_SESSION_BACKLOG: self._backlog,
            pb.REQUEST_TYPE_PURGE_EXITED_SESSIONS: self._purge,
            pb.REQUEST_TYPE_BULK_TERMINATE_SESSIONS: self._bulk,
            pb.REQUEST_TYPE_RESIZE_PTY_SESSION: self._resize_pty,
        }

    # --- terminal sessions (60 to 64, 74) -------------------------------------------------------------------------

    async def _spawn_pty(self, ask: Ask) -> None:
        started = await self._spawn(ask.request, ask.payload, "pty", "failed to spawn PTY")
        _set_spawned(ask.response.spawn_pty_session, ask.payload, started)

    async def _spawn(self, request: pb.DaemonRequest, p: Any, kind: str, failed: str) -> Started:
        spec = _spawn_spec(request, p, kind)
        extended = p.HasField("roost")
        try:
            if spec.policy not in (0, 1, 2, 3):
                raise InvalidError("unknown environment policy")
            return await self._service.start(spec)
        except RoostError as error:
            if extended or error.kind == "rate_limited" or error.message == "unknown environment policy":
                raise
            # v1 has one code for every failed spawn.
            text = f"{failed}: {error.message}" if spec.argv else error.message
            raise RoostError(text, kind="internal") from error

    async def _attach_pty(self, ask: Ask) -> None:
        ask.response.attach_pty_session.SetInParent()
        session = self.named(ask.payload, "pty")
        admitted = await self._attach(
            session,
            ask.payload,
            ask.connection,
            stream="stdout",
            tty=ask.payload.is_tty,
            rows=ask.payload.rows,
            cols=ask.payload.cols,
            term=ask.payload.term,
        )
        _set_attached(ask.response.attach_pty_session, ask.payload, admitted)

    async def _attach(self, session: Session, p: Any, c: Connection, **traits: Any) -> Admitted:
        if not p.HasField("roost"):
            if p.DESCRIPTOR.fields_by_name.get("graphics_capabilities") and p.HasField("graphics_capabilities"):
                traits["graphics"] = p.graphics_capabilities
            spec = AttachSpec(steal=p.steal, **traits)
        else:
            x = p.roost
            spec = AttachSpec(
                steal=p.steal,
                extended=True,
                mode=x.mode or "exclusive",
                lossless=x.lossless,
                label=x.label,
                from_offset=x.from_offset if x.HasField("from_offset") else None,
                tail_bytes=x.tail_bytes if x.HasField("tail_bytes") else None,
                restore=x.restore or "raw",
                resume_token=x.resume_token,
                types_directly=x.local_input,
                environment=read_block(x.env) if x.HasField("env") else None,
                **traits,
            )
        spec = await self._service.prepare(session, spec)
        lent = await self._service.lend(session, spec) if p.roost.local else None
        try:
            await self._service.make_room(session, spec)
            c.attachment, admitted = self._service.attach(
                session, spec, Newcomer(c.sock, c.conversation, c.on_gone, lent)
            )
        except BaseException:
            if lent is not None:
                lent.release()
            raise
        return admitted

    async def _detach_pty(self, ask: Ask) -> None:
        self._service.detach(self.named(ask.payload, "pty"))
        ask.response.detach_pty_session.SetInParent()

    async def _list_pty(self, ask: Ask) -> None:
        ask.response.list_pty_sessions.SetInParent()
        for session in self._service.select(originator=ask.payload.originator, kind="pty"):
            _fill_pty_info(ask.response.list_pty_sessions.sessions.add(), session)

    async def _terminate_pty(self, ask: Ask) -> None:
        self._terminate(self.named(ask.payload, "pty"), ask.payload.grace_ms)
        ask.response.terminate_pty_session.SetInParent()

    def _terminate(self, session: Session, grace_ms: int) -> None:
        self._service.begin_terminate(session, grace_ms / 1000 if grace_ms else DEFAULT_GRACE_S)

    async def _resize_pty(self, ask: Ask) -> None:
        self._service.resize(self.named(ask.payload, "pty"), ask.payload.rows, ask.payload.cols)
        ask.response.resize_pty_session.SetInParent()

    # --- pipe sessions (65 to 70) ---------------------------------------------------------------------------------

    async def _spawn_pipe(self, ask: Ask) -> None:
        started = await self._spawn(ask.request, ask.payload, "pipe", "failed to spawn pipe session")
        _set_spawned(ask.response.spawn_pipe_session, ask.payload, started)

    async def _attach_pipe(self, ask: Ask) -> None:
        ask.response.attach_pipe_stream.SetInParent()
        stream = _pipe_stream(ask.payload.stream)
        session = self.named(ask.payload, "pipe")
        _set_attached(
            ask.response.attach_pipe_stream,
            ask.payload,
            await self._attach(session, ask.payload, ask.connection, stream=stream),
        )

    async def _detach_pipe(self, ask: Ask) -> None:
        session = self.named(ask.payload, "pipe")
        stream = _pipe_stream(ask.payload.stream)
        if stream in session.streams:  # nobody can be attached to the stderr of a merged session
            self._service.detach(session, stream=stream)
        ask.response.detach_pipe_stream.SetInParent()

    async def _list_pipe(self, ask: Ask) -> None:
        ask.response.list_pipe_sessions.SetInParent()
        for session in self._service.select(originator=ask.payload.originator, kind="pipe"):
            _fill_pipe_info(ask.response.list_pipe_sessions.sessions.add(), session)

    async def _terminate_pipe(self, ask: Ask) -> None:
        self._terminate(self.named(ask.payload, "pipe"), ask.payload.grace_ms)
        ask.response.terminate_pipe_session.SetInParent()

    async def _write_stdin(self, ask: Ask) -> None:
        session = self.named(ask.payload, "pipe")
        if session.input is None:
            raise InvalidError("process stdin is not available: it was closed")
        ask.response.write_pipe_stdin.bytes_written = await self._service.send(session, ask.payload.data)
        if ask.payload.close:
            await self._service.close_stdin(session)
        ask.response.write_pipe_stdin.SetInParent()

    # --- backlog, purge, bulk (71 to 73) --------------------------------------------------------------------------

    async def _backlog(self, ask: Ask) -> None:
        session = self.named(ask.payload, "")
        name = "stderr" if ask.payload.pipe_stream == 2 and not session.is_pty else "stdout"
        answer = ask.response.get_session_backlog
        if name in session.streams:  # a merged session's stderr is not an error here, only always empty
            answer.backlog, answer.bytes_missed = _unread(session.streams[name].ring)
        answer.session_kind = session.record.kind
        _fill_end(answer, session)

    async def _purge(self, ask: Ask) -> None:
        gone = await self._service.purge(self._service.select(originator=ask.payload.originator, live=False))
        ask.response.purge_exited_sessions.pty_purged = sum(1 for s in gone if s.is_pty)
        ask.response.purge_exited_sessions.pipe_purged = sum(1 for s in gone if not s.is_pty)
        ask.response.purge_exited_sessions.SetInParent()

    async def _bulk(self, ask: Ask) -> None:
        chosen = self._service.select(
            originator=ask.payload.originator,
            live=True,
            older_than_s=ask.payload.older_than_secs,
            services=False,
        )
        for session in chosen:
            self._service.begin_terminate(
                session, ask.payload.grace_ms / 1000 if ask.payload.grace_ms else _BULK_DEFAULT_GRACE_S
            )
        ask.response.bulk_terminate_sessions.pty_terminated = sum(1 for s in chosen if s.is_pty)
        ask.response.bulk_terminate_sessions.pipe_terminated = sum(1 for s in chosen if not s.is_pty)
        ask.response.bulk_terminate_sessions.SetInParent()

    # --- finding sessions -----------------------------------------------------------------------------------------

    def named(self, p: Any, kind: str) -> Session:
        """The session a payload names: by exact id within its kind, or by any target when extended."""
        extension = p.DESCRIPTOR.fields_by_name.get("roost")
        if extension is not None and p.HasField("roost"):
            session = self._service.find(p.session_id)
            if kind and session.record.kind != kind:
                raise InvalidError(f"session {session.record.name} is a {session.record.kind} session, not {kind}")
            return session
        found = self._service.table.by_id(p.session_id)
        if found is None or (kind and found.record.kind != kind):
            raise NoRunError(f"no {kind or 'such'} session {p.session_id!r}".replace("such session", "session"))
        return found


def _spawn_spec(request: pb.DaemonRequest, p: Any, kind: str) -> SpawnSpec:
    x = p.roost
    return SpawnSpec(
        argv=list(x.argv) or [os.fsencode(arg) for arg in p.argv],
        kind=kind,
        originator=p.originator or f"client:{request.client_name}",
        cwd=x.cwd or os.fsencode(p.cwd),
        entries=_env_entries(x.env)
        if x.HasField("env")
        else [(os.fsencode(e.key), os.fsencode(e.value)) for e in p.env],
        policy=p.environment_policy,
        clear=p.clear_inherited_env,
        rows=_size(p, p.rows) if kind == "pty" else 0,
        cols=_size(p, p.cols) if kind == "pty" else 0,
        merged=kind == "pipe" and p.merge_stderr_into_stdout,
        name=x.name,
        ring_bytes=x.ring_bytes,
        size_policy=x.size_policy or "latest",
        labels={e.key: e.value for e in x.labels},
        term=x.term,
        umask=x.umask if x.HasField("umask") else None,
        limits=[(limit.resource, limit.soft if limit.HasField("soft") else None) for limit in x.limits],
        spawn_id=x.spawn_id,
        tees=[_tee_spec(tee) for tee in x.tees],
        options=_options(x.options),
        v1=not p.HasField("roost"),
    )


def _options(encoded: bytes) -> dict[str, Any]:
    """Options by area. Raises InvalidError."""
    if not encoded:
        return {}
    try:
        return msgspec.json.decode(encoded, type=dict[str, Any])
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"spawn: options: {error}") from error


def _size(p: Any, value: int) -> int:
    """A size to start with: v1 cuts it to 16 bits, an extended request is told when it is impossible."""
    return int(value) if p.HasField("roost") else int(value) & 0xFFFF


def _tee_spec(tee: pb.RoostTee) -> TeeSpec:
    return TeeSpec(
        stream=tee.stream or "stdout",
        path=tee.path,
        append=not tee.truncate,
        capacity_bytes=tee.capacity_bytes,
        markers=not tee.no_markers,
        block=tee.block,
        rotate_bytes=tee.rotate_bytes,
        keep=tee.keep,
    )


@functools.lru_cache(1)
def _env_entries(block: bytes) -> list[tuple[bytes, bytes]]:
    """The entries of a block in which each is ended by a NUL byte. Starts in a row come with the same one."""
    parts = [entry.partition(b"=") for entry in block.split(b"\0") if entry]
    return [(key, value) for key, _, value in parts]


def _set_spawned(answer: Any, p: Any, started: Started) -> None:
    answer.session_id = started.id
    answer.pid = started.pid
    answer.created_at = started.created_at
    if p.HasField("roost"):
        answer.roost.name = started.name
        answer.roost.existing = started.existing


def _set_attached(answer: Any, p: Any, admitted: Admitted) -> None:
    if not p.HasField("roost"):
        answer.backlog = admitted.backlog
        answer.bytes_missed = admitted.bytes_missed
        answer.backlog_truncated = admitted.bytes_missed > 0
        return
    x = answer.roost
    x.start_offset = admitted.start_offset
    x.end_offset = admitted.end_offset
    x.attachment_id = admitted.attachment_id
    x.resume_token = admitted.token
    x.restore = admitted.restore
    if admitted.restored:
        x.restored = admitted.restored
    x.session_id = admitted.session.id
    x.name = admitted.session.record.name
    x.kind = admitted.session.record.kind
    x.uncertain = admitted.uncertain
    if admitted.local:
        x.local = admitted.local


def _unread(ring: RingReader) -> tuple[bytes, int]:
    """What no attach of v1 has taken yet, and how much such attaches never saw."""
    while True:
        end = ring.end
        plan = v1_backlog(V1Mark(ring.v1_mark, ring.v1_counter), end=end, capacity=ring.capacity)
        data = ring.read(plan.start, end - plan.start)
        if data is not None:
            return data, plan.missed


def _pipe_stream(number: int) -> str:
    if number not in _STREAMS:
        raise InvalidError(f"stream {number} is not stdout (1) or stderr (2)")
    return _STREAMS[number]


def _fill_end(answer: Any, session: Session) -> None:
    if session.ending is not None:
        info = session.ending.info
        answer.exited = True
        answer.exit_code = info.code or 0
        answer.exited_at = info.at
        answer.termination_outcome = _OUTCOMES.get(info.outcome, 0)


def _fill_common(into: Any, session: Session) -> None:
    into.session_id = session.id
    into.pid = session.origin.pid
    into.command = session.record.command
    into.cwd = session.record.cwd
    into.originator = session.record.originator
    into.created_at = session.origin.created_at
    _fill_end(into, session)


def _fill_pty_info(into: pb.PtySessionInfo, session: Session) -> None:
    _fill_common(into, session)
    into.rows, into.cols = session.rows, session.cols
    clients = session.clients.attached()
    into.attached = bool(clients)
    graphics = None
    if clients:
        into.attached_is_tty = clients[0].traits.tty
        into.attached_term = clients[0].traits.term
        graphics = clients[0].traits.graphics
    _fill_graphics(into.attached_graphics_capabilities, graphics)


def _fill_graphics(into: pb.TerminalGraphicsCapabilities, told: Any) -> None:
    """What the client told, its unset values made definite; without a word from it three times `unknown`."""
    if told is None:
        for protocol in (1, 2, 3):
            into.protocols.add(protocol=protocol, status=3, evidence=4, source="missing")
        return
    into.preferred = told.preferred
    for entry in told.protocols:
        into.protocols.add(
            protocol=entry.protocol or 1,
            status=entry.status or 3,
            evidence=entry.evidence or 4,
            source=entry.source,
            risks=entry.risks,
        )


def _fill_pipe_info(into: pb.PipeSessionInfo, session: Session) -> None:
    _fill_common(into, session)
    into.stdout_attached = bool(session.clients.attached("stdout"))
    into.stderr_attached = "stderr" in session.streams and bool(session.clients.attached("stderr"))
    into.merge_stderr_into_stdout = session.record.merged
