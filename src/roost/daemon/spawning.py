"""Starting a session: from what a client asked for to what the keeper is told.

Owns the defaults (name, size, environment additions) and the checks that need no keeper.
"""

from __future__ import annotations

import asyncio
import functools
import os
from dataclasses import dataclass, field
from typing import Any

from roost.core import names, sizing
from roost.daemon.adoption import build_session
from roost.daemon.areas import Areas, Preparation
from roost.daemon.environment import (
    ORIGINATOR_VARIABLE,
    Pairs,
    base_environment,
    child_environment,
    current_user,
    with_shell,
)
from roost.daemon.keeper_link import KeeperLink
from roost.daemon.record import Launch, SessionRecord
from roost.daemon.session import Session
from roost.daemon.session_hooks import SessionHooks
from roost.daemon.table import SessionTable, TakenNames
from roost.daemon.tee import TeeSpec
from roost.daemon.tees import OpenTee, Tees
from roost.errors import InvalidError, RoostError
from roost.keeper import messages as m
from roost.paths import DEFAULT_SCOPE, Paths
from roost.platform.descriptors import descriptors_left
from roost.ring.layout import DEFAULT_CAPACITY, MAX_CAPACITY, MIN_CAPACITY

DEFAULT_ROWS, DEFAULT_COLS = 24, 80
#: Sessions held at once, exited ones included, unless ROOST_MAX_SESSIONS says otherwise.
MAX_SESSIONS = 10_000
#: Descriptors that a new session must leave to those that are there: clients, ends, looks at processes.
RESERVED_DESCRIPTORS = 32
_RESOURCES = {"nofile", "core", "stack", "nproc", "as", "data", "fsize", "cpu", "memlock"}
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class SpawnSpec:
    """A session as a client asks for it. Bytes where the system has bytes."""

    argv: list[bytes]
    kind: str  # pty, pipe
    originator: str
    cwd: bytes = b""
    entries: Pairs = field(default_factory=list)
    policy: int = 0
    clear: bool = False
    rows: int = 0
    cols: int = 0
    merged: bool = False
    name: str = ""
    ring_bytes: int = 0
    size_policy: str = "latest"
    labels: dict[str, str] = field(default_factory=dict)
    term: str = ""
    umask: int | None = None
    limits: list[tuple[str, int | None]] = field(default_factory=list)
    spawn_id: str = ""
    tees: list[TeeSpec] = field(default_factory=list)  # from the first byte on
    service: str = ""  # whose run it is
    options: dict[str, Any] = field(default_factory=dict)  # by area, see `roost.daemon.areas`
    v1: bool = False  # asked for without the extension
    answer_first: bool = False  # the areas may hear of it behind the answer, if it asks nothing of them


class Spawner:
    """Starts sessions and takes them into the table."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        paths: Paths,
        socket_path: str,
        link: KeeperLink,
        table: SessionTable,
        hooks: SessionHooks,
        tees: Tees,
        areas: Areas,
    ) -> None:
        self._loop = loop
        self.link = link
        self._table = table
        self._hooks = hooks
        self._tees = tees
        self._areas = areas
        self._names_under_way: set[str] = set()
        self._most = int(os.environ.get("ROOST_MAX_SESSIONS") or MAX_SESSIONS)
        self._places: Pairs = [
            (b"ROOST_SOCKET", os.fsencode(socket_path)),
            (b"ROOST_EVENTS", os.fsencode(os.path.join(paths.runtime_dir, "events.sock"))),
        ]
        if paths.scope != DEFAULT_SCOPE:
            self._places.append((b"ROOST_SCOPE", paths.scope.encode()))

    async def spawn(self, spec: SpawnSpec) -> tuple[Session, bool]:
        """The started session, and whether an earlier call with the same spawn id had already started it."""
        if spec.spawn_id and (known := self._table.by_spawn_id(spec.spawn_id)) is not None:
            return known, True
        _check(spec)
        self._areas.check(spec.options)
        self._check_room()
        name = self._choose_name(spec)
        self._names_under_way.add(name)
        try:
            return await self._start(spec, name)
        finally:
            self._names_under_way.discard(name)
            if not self._table.name_is_taken(name):
                self._table.numbers.given_up(name)

    def _check_room(self) -> None:
        if descriptors_left() < RESERVED_DESCRIPTORS:
            raise RoostError(
                "too many open files in the daemon: end or purge sessions, detach clients, or raise the hard limit "
                "(`ulimit -Hn`) and start it anew; `roost doctor` shows the limits",
                kind="exhausted",
            )
        if len(self._table) + len(self._names_under_way) >= self._most:
            raise RoostError(
                f"{self._most} sessions are held, which is the limit; `roost purge` forgets exited ones "
                "(ROOST_MAX_SESSIONS in the daemon's environment sets another limit)",
                kind="rate_limited",
            )

    def _choose_name(self, spec: SpawnSpec) -> str:
        taken = TakenNames(self._table, self._names_under_way)
        if not spec.name:
            return names.name_for_command(spec.argv[0], taken, self._table.numbers)
        names.check_name(spec.name)
        if spec.name in taken:
            raise InvalidError(f"a running session is already called {spec.name!r}; choose another --name")
        return spec.name

    async def _start(self, spec: SpawnSpec, name: str) -> tuple[Session, bool]:
        session_id = names.session_id(os.urandom(names.ID_RANDOM_BYTES))
        preparation = Preparation(session_id, name, spec.kind, list(spec.argv), spec.cwd, given=spec.entries)
        self._areas.prepare(preparation, spec.options)
        environment = self._environment(spec, session_id, name, preparation.environment)
        launch = Launch(spec.argv, spec.cwd, environment, spec.umask, spec.limits)
        record = _record(spec, name, launch)
        opened = await self._tees.open_all(spec.tees, streams=_streams(spec))
        record.tees = [tee.record for tee in opened]
        record.next_tee = len(opened) + 1
        try:
            await self._areas.open(preparation, spec.options, record)
            try:
                fields = self._fields(spec, session_id, record, preparation.prefix + preparation.argv, environment)
                fields += [(m.T_HELD_STREAM, stream) for stream in preparation.held_streams]
                answer, fds = await self.link.call(m.SPAWN, fields)
            except BaseException:
                self._areas.abandon(preparation)
                raise
        except BaseException:
            self._tees.close_all(opened)
            raise
        known = self._table.by_id(answer.text(m.T_ID, session_id))
        if known is not None or answer.u64(m.T_EXISTING, 0):
            self._areas.abandon(preparation)
        session, existing = self._take_in(answer, fds, known, record, opened)
        if known is None and spec.answer_first and not (spec.options or existing):
            # Before anything that a client can do once it has the answer.
            self._loop.call_soon(functools.partial(self._areas.on_session, session, adopted=False))
        elif known is None:
            self._areas.on_session(session, adopted=existing)
        return session, existing

    def _take_in(
        self, answer: m.Message, fds: list[int], known: Session | None, record: SessionRecord, opened: list[OpenTee]
    ) -> tuple[Session, bool]:
        if known is not None:
            for fd in fds:
                os.close(fd)
            self._tees.close_all(opened)
            return known, True
        existing = bool(answer.u64(m.T_EXISTING, 0))
        if existing and answer.blob(m.T_BLOB):
            record = SessionRecord.decode(answer.blob(m.T_BLOB))
        session = build_session(self._loop, answer, fds, record, self._hooks)
        self._table.add(session)
        if existing:
            self._tees.close_all(opened)
            self._tees.resume(session)
        else:
            self._tees.start_all(session, opened)
        return session, existing

    def _environment(self, spec: SpawnSpec, session_id: str, name: str, added: Pairs) -> Pairs:
        user = current_user()
        own: Pairs = [
            (b"ROOST_SESSION", session_id.encode()),
            (b"ROOST_NAME", os.fsencode(name)),
            *self._places,
        ]
        if spec.term:
            own.append((b"TERM", spec.term.encode()))
        own += added
        own.append((ORIGINATOR_VARIABLE, os.fsencode(spec.originator)))
        base = base_environment(spec.policy, spec.clear, os.environb, user)
        pairs = child_environment(base, spec.entries, own)
        return with_shell(pairs, user) if spec.kind == "pty" else pairs

    def _fields(
        self, spec: SpawnSpec, session_id: str, record: SessionRecord, argv: list[bytes], environment: Pairs
    ) -> list[tuple[int, bytes | int | float | str]]:
        fields: list[tuple[int, bytes | int | float | str]] = [
            (m.T_ID, session_id),
            (m.T_BLOB, record.encode()),
            (m.T_KIND, "merged" if spec.merged else spec.kind),
            (m.T_CWD, spec.cwd or os.fsencode(os.getcwd())),
            (m.T_ROWS, record.rows),
            (m.T_COLS, record.cols),
            (m.T_RING_BYTES, record.ring_bytes),
        ]
        fields += [(m.T_HELD_STREAM, tee.stream) for tee in spec.tees if tee.block and tee.stream != "stdin"]
        if spec.spawn_id:
            fields.append((m.T_KEY, spec.spawn_id))
        if spec.umask is not None:
            fields.append((m.T_UMASK, spec.umask))
        fields += [(m.T_RLIMIT, f"{name}={'unlimited' if v is None else v}") for name, v in spec.limits]
        fields += [(m.T_ARG, arg) for arg in argv]
        if "env-block" in self.link.features:
            fields.append((m.T_ENV_BLOCK, b"".join([b"%s=%s\0" % entry for entry in environment])))
        else:
            fields += [(m.T_ENV, b"%s=%s" % entry) for entry in environment]
        return fields


def _check(spec: SpawnSpec) -> None:
    if not spec.argv or not spec.argv[0]:
        raise InvalidError("argv must not be empty")
    if b"\0" in b"".join((*spec.argv, spec.cwd)):
        raise InvalidError("a NUL byte in argv or cwd: the system cannot pass it on")
    if spec.ring_bytes and not MIN_CAPACITY <= spec.ring_bytes <= MAX_CAPACITY:
        raise InvalidError(f"ring of {spec.ring_bytes} bytes; it must be from {MIN_CAPACITY} to {MAX_CAPACITY} bytes")
    if spec.kind == "pty":
        sizing.check_size(spec.rows or DEFAULT_ROWS, spec.cols or DEFAULT_COLS)
    sizing.check_policy(spec.size_policy)
    for resource, _ in spec.limits:
        if resource not in _RESOURCES:
            raise InvalidError(f"unknown limit {resource!r}; known are {', '.join(sorted(_RESOURCES))}")


def _streams(spec: SpawnSpec) -> tuple[str, ...]:
    return ("stdout", "stdin") if spec.kind == "pty" or spec.merged else ("stdout", "stderr", "stdin")


def _record(spec: SpawnSpec, name: str, launch: Launch) -> SessionRecord:
    argv = [arg.decode("utf-8", "replace") for arg in spec.argv]
    ring_bytes = spec.ring_bytes or DEFAULT_CAPACITY
    return SessionRecord(
        name=name,
        kind=spec.kind,
        command=" ".join(argv),
        cwd=spec.cwd.decode("utf-8", "replace"),
        originator=spec.originator,
        argv=argv,
        launch=launch.pack(),
        term=spec.term,
        size_policy=spec.size_policy,
        labels=dict(spec.labels),
        spawn_id=spec.spawn_id,
        ring_bytes=-(-ring_bytes // _PAGE) * _PAGE,
        merged=spec.merged,
        rows=spec.rows or DEFAULT_ROWS,
        cols=spec.cols or DEFAULT_COLS,
        service=spec.service,
        options=dict(spec.options),
        v1=spec.v1,
    )
