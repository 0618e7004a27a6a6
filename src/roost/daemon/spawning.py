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
from roost.daemon.behind import Behind
from roost.daemon.environment import (
    ORIGINATOR_VARIABLE,
    Pairs,
    base_environment,
    block_of,
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
#: With so many left they are not counted again for so long: a start needs about six.
MANY_DESCRIPTORS, COUNT_AGAIN_S = 2000, 0.05
#: What the loop's thread does for one answer takes less than that.
SLICE_US = 100
#: How long after the first start it has that: to load what it takes needs 4 ms of the loop.
HURRY_AFTER_S = 0.25
_PAGE = 4096


@dataclass(slots=True)
class SpawnSpec:
    """A session as a client asks for it. Bytes where the system has bytes. Nobody changes it: it is not frozen, because
    to make a frozen one takes four times as long, and every start makes one."""

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


@dataclass(frozen=True, slots=True)
class Started:
    """What whoever asked for a session is told of it. `existing`: an earlier call with the same spawn id started it."""

    id: str
    pid: int
    created_at: float
    name: str
    existing: bool = False

    @classmethod
    def of(cls, session: Session, *, existing: bool) -> Started:
        """The same of a session that was taken in."""
        return cls(session.id, session.origin.pid, session.origin.created_at, session.record.name, existing)


@dataclass(slots=True)
class _New:
    """A child that runs, as the keeper has told of it."""

    answer: m.Message
    fds: list[int]
    record: SessionRecord
    tees: list[OpenTee]
    preparation: Preparation
    existing: bool


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
        behind: Behind,
    ) -> None:
        self._loop = loop
        self._behind = behind
        self.link = link
        self._table = table
        self._hooks = hooks
        self._tees = tees
        self._areas = areas
        self._names_under_way: set[str] = set()  # until the session is in the table
        self._spawn_ids_left: set[str] = set()
        self._hurried = False
        self._counted_at = -COUNT_AGAIN_S
        self._most = int(os.environ.get("ROOST_MAX_SESSIONS") or MAX_SESSIONS)
        self._places: Pairs = [
            (b"ROOST_SOCKET", os.fsencode(socket_path)),
            (b"ROOST_EVENTS", os.fsencode(os.path.join(paths.runtime_dir, "events.sock"))),
        ]
        if paths.scope != DEFAULT_SCOPE:
            self._places.append((b"ROOST_SCOPE", paths.scope.encode()))

    async def spawn(self, spec: SpawnSpec) -> tuple[Session, bool]:
        """The started session, and whether an earlier call with the same spawn id had already started it."""
        if (known := self._known(spec)) is not None:
            return known, True
        name, new = await self._start(spec)
        return self._take_in(spec, name, new), new.existing

    async def start(self, spec: SpawnSpec) -> Started:
        """The same for who needs no more than to know of it. What else is to be done may be left for then."""
        if (known := self._known(spec)) is not None:
            return Started.of(known, existing=True)
        name, new = await self._start(spec)
        if new.existing or spec.options or new.tees:
            return Started.of(self._take_in(spec, name, new), existing=new.existing)
        if new.preparation.at_once:
            session = self._take_in(spec, name, new, tell=False)
            # Before anything that a client can do once it has the answer.
            self._loop.call_soon(functools.partial(self._areas.on_session, session, adopted=False))
            return Started.of(session, existing=False)
        if not self._hurried:
            self._hurried = True
            self._loop.call_later(HURRY_AFTER_S, _hurry)
        self._spawn_ids_left.add(spec.spawn_id)
        self._behind.leave(functools.partial(self._take_in, spec, name, new))
        answer = new.answer
        return Started(answer.text(m.T_ID), answer.u64(m.T_PID, 0), answer.f64(m.T_CREATED_AT, 0.0), name)

    def _known(self, spec: SpawnSpec) -> Session | None:
        if not spec.spawn_id:
            return None
        if spec.spawn_id in self._spawn_ids_left:
            self._behind.settle()
        return self._table.here_by_spawn_id(spec.spawn_id)

    async def _start(self, spec: SpawnSpec) -> tuple[str, _New]:
        """The name, reserved until the session is in the table, and the running child."""
        _check(spec)
        self._areas.check(spec.options)
        self._check_room()
        name = self._choose_name(spec)
        self._names_under_way.add(name)
        try:
            return name, await self._ask(spec, name)
        except BaseException:
            self._release(name)
            raise

    def _release(self, name: str) -> None:
        self._names_under_way.discard(name)
        if not self._table.name_is_taken_here(name):
            self._table.numbers.given_up(name)

    def _check_room(self) -> None:
        if not self._descriptors_suffice():
            raise RoostError(
                "too many open files in the daemon: end or purge sessions, detach clients, or raise the hard limit "
                "(`ulimit -Hn`) and start it anew; `roost doctor` shows the limits",
                kind="exhausted",
            )
        if self._table.here + len(self._names_under_way) >= self._most:
            raise RoostError(
                f"{self._most} sessions are held, which is the limit; `roost purge` forgets exited ones "
                "(ROOST_MAX_SESSIONS in the daemon's environment sets another limit)",
                kind="rate_limited",
            )

    def _descriptors_suffice(self) -> bool:
        now = self._loop.time()
        if now - self._counted_at < COUNT_AGAIN_S:
            return True
        left = descriptors_left()
        if left >= MANY_DESCRIPTORS:
            self._counted_at = now
        return left >= RESERVED_DESCRIPTORS

    def _choose_name(self, spec: SpawnSpec) -> str:
        taken = TakenNames(self._table, self._names_under_way)
        if not spec.name:
            return names.name_for_command(spec.argv[0], taken, self._table.numbers)
        names.check_name(spec.name)
        if spec.name in taken:
            raise InvalidError(f"a running session is already called {spec.name!r}; choose another --name")
        return spec.name

    async def _ask(self, spec: SpawnSpec, name: str) -> _New:
        session_id = names.session_id(os.urandom(names.ID_RANDOM_BYTES))
        preparation = Preparation(session_id, name, spec.kind, list(spec.argv), spec.cwd, given=spec.entries)
        self._areas.prepare(preparation, spec.options)
        environment = self._environment(spec, session_id, name, preparation.environment)
        env_block = block_of(environment)
        record = _record(spec, name, Launch(spec.argv, spec.cwd, environment, spec.umask, spec.limits).pack(env_block))
        opened = await self._tees.open_all(spec.tees, streams=_streams(spec)) if spec.tees else []
        record.tees = [tee.record for tee in opened]
        record.next_tee = len(opened) + 1
        try:
            await self._areas.open(preparation, spec.options, record)
            try:
                fields = self._fields(spec, session_id, record, preparation.prefix + preparation.argv, env_block)
                fields += [(m.T_HELD_STREAM, stream) for stream in preparation.held_streams]
                asked = self.link.ask(m.SPAWN, fields)
                self._behind.settle()  # the keeper needs longer for its part
                answer, fds = await self.link.answer(asked)
            except BaseException:
                self._areas.abandon(preparation)
                raise
        except BaseException:
            self._tees.close_all(opened)
            raise
        return _New(answer, fds, record, opened, preparation, bool(answer.u64(m.T_EXISTING, 0)))

    def _take_in(self, spec: SpawnSpec, name: str, new: _New, *, tell: bool = True) -> Session:
        try:
            known = self._table.by_id(new.answer.text(m.T_ID)) if new.existing else None
            if new.existing:
                self._areas.abandon(new.preparation)
            if known is not None:
                for fd in new.fds:
                    os.close(fd)
                self._tees.close_all(new.tees)
                return known
            session = self._build(new)
        finally:
            self._spawn_ids_left.discard(spec.spawn_id)
            self._release(name)
        if tell:
            self._areas.on_session(session, adopted=new.existing)
        return session

    def _build(self, new: _New) -> Session:
        record = new.record
        if new.existing and new.answer.blob(m.T_BLOB):
            record = SessionRecord.decode(new.answer.blob(m.T_BLOB))
        session = build_session(self._loop, new.answer, new.fds, record, self._hooks)
        self._table.add(session)
        if new.existing:
            self._tees.close_all(new.tees)
            self._tees.resume(session)
        else:
            self._tees.start_all(session, new.tees)
        return session

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
        self, spec: SpawnSpec, session_id: str, record: SessionRecord, argv: list[bytes], env_block: bytes
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
            fields.append((m.T_ENV_BLOCK, env_block + b"\0" if env_block else b""))
        else:
            fields += [(m.T_ENV, entry) for entry in env_block.split(b"\0") if entry]
        return fields


def _hurry() -> None:
    """Let this thread have the processor before the child that was just started, which occupies one while it loads."""
    from roost.platform.slices import shorten_slice  # it loads ctypes: 0.3 MiB that an idle daemon does without

    shorten_slice(SLICE_US)


def _check(spec: SpawnSpec) -> None:
    if not spec.argv:
        raise InvalidError("argv must not be empty")
    if not spec.argv[0]:
        raise InvalidError("the program's name is empty; give a program as the first word of the command")
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


def _record(spec: SpawnSpec, name: str, launch: bytes) -> SessionRecord:
    argv = [arg.decode("utf-8", "replace") for arg in spec.argv]
    ring_bytes = spec.ring_bytes or DEFAULT_CAPACITY
    return SessionRecord(
        name=name,
        kind=spec.kind,
        command=" ".join(argv),
        cwd=spec.cwd.decode("utf-8", "replace"),
        originator=spec.originator,
        argv=argv,
        launch=launch,
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
