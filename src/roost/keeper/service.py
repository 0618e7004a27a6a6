"""What a peer may ask: one method a request, and the table that says who may ask it.

Owns validation and the form of answers. Every RoostError becomes an error answer; nothing a peer sends ends the keeper.
"""

from __future__ import annotations

import os
import time

from roost.errors import InvalidError, NoRunError, RoostError, WrongStateError
from roost.keeper import messages as m
from roost.keeper.daemon_slot import DaemonSlot, OccupiedError, check_versions
from roost.keeper.limits import parse_limit
from roost.keeper.sessions import KINDS, describe, descriptors
from roost.keeper.spawn import Recipe, spawn
from roost.keeper.tlv import encode_fields
from roost.platform import boot_id
from roost.ring.layout import DEFAULT_CAPACITY, MAX_CAPACITY, MIN_CAPACITY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable

    from roost.keeper.connection import Connection
    from roost.keeper.keeping import Keeping
    from roost.keeper.log import Log
    from roost.keeper.sessions import Session, Stream
    from roost.keeper.tlv import Value
    from roost.keeper.worker import Worker

    Answer = list[tuple[int, Value]] | None
    Waiter = tuple[Connection, int]

_PAGE_SESSIONS = 256
_PAGE_BYTES = 1 << 20
_MAX_SIZE = 65535


class Service:
    """Answers requests. `upgrade` and `shutdown` reach beyond sessions and are the composition root's."""

    def __init__(
        self,
        keeping: Keeping,
        slot: DaemonSlot,
        worker: Worker,
        gate: LockType,
        log: Log,
        *,
        open_files: int,
        upgrade: Callable[[Connection, m.Message], None],
        shutdown: Callable[[], None],
    ) -> None:
        self._keeping = keeping
        self._slot = slot
        self._worker = worker
        self._gate = gate
        self._log = log
        self._open_files = open_files
        self._upgrade = upgrade
        self._shutdown = shutdown
        self.started_at = time.time()
        self._spawning: dict[str, list[Waiter]] = {}
        anyone, known, daemon = (), ("daemon", "probe"), ("daemon",)
        self._requests: dict[int, tuple[tuple[str, ...], Callable[[Connection, m.Message], Answer]]] = {
            m.HELLO: (anyone, self._hello),
            m.PING: (anyone, self._ping),
            m.LIST: (known, self._list),
            m.SPAWN: (daemon, self._spawn),
            m.SET_BLOB: (daemon, self._set_blob),
            m.FETCH: (daemon, self._fetch),
            m.CLOSE_STDIN: (daemon, self._close_stdin),
            m.RELEASE_HOLD: (daemon, self._release_hold),
            m.SIGNAL: (daemon, self._signal),
            m.PIN: (daemon, self._pin),
            m.DROP: (daemon, self._drop),
            m.ADD_READER: (daemon, self._add_reader),
            m.DROP_READER: (daemon, self._drop_reader),
            m.DROP_INPUT: (daemon, self._drop_input),
            m.ADD_GUEST: (daemon, self._add_guest),
            m.DROP_GUEST: (daemon, self._drop_guest),
            m.UPGRADE: (daemon, self._start_upgrade),
            m.SHUTDOWN: (daemon, self._end),
        }

    def on_message(self, connection: Connection, message: m.Message, fds: list[int]) -> None:
        """Answer one message. The descriptors that came with it are closed by the caller."""
        message.fds = fds
        if message.type == m.HANGUP:
            self._slot.hang_up(connection, message)
            return
        try:
            answer = self._handle(connection, message)
        except RoostError as error:
            refuse(connection, message.type, message.seq, error)
            return
        if answer is not None:
            connection.send(m.encode(message.type | m.REPLY, message.seq, answer))

    def _handle(self, connection: Connection, message: m.Message) -> Answer:
        request = self._requests.get(message.type)
        if request is None:
            raise RoostError(f"this keeper knows no message {message.type}; upgrade it", kind="unknown_request")
        roles, handle = request
        if roles and connection.role not in roles:
            raise RoostError(f"message {message.type} needs a hello in the role of {' or '.join(roles)}", kind="denied")
        try:
            return handle(connection, message)
        except OSError as error:
            raise RoostError(f"the keeper could not do it: {error}", kind="internal") from error

    # --- the connection itself ---------------------------------------------------------------------------------------

    def _hello(self, connection: Connection, message: m.Message) -> Answer:
        check_versions(message)
        role = message.text(m.T_ROLE)
        if role == "daemon":
            self._slot.hello(connection, message)  # answers by `greet` once it is let in
            return None
        if role != "probe":
            raise InvalidError(f"role '{role}' is unknown; say daemon or probe")
        connection.role = "probe"
        return self._greeting()

    def greet(self, connection: Connection, seq: int) -> None:
        """The answer to an accepted hello."""
        connection.send(m.encode(m.HELLO | m.REPLY, seq, self._greeting()))

    def _greeting(self) -> list[tuple[int, Value]]:
        return [
            (m.T_VERSION, m.VERSION),
            (m.T_MIN_VERSION, m.MIN_VERSION),
            *((m.T_FEATURE, feature) for feature in self._keeping.drains.features),
            (m.T_PID, os.getpid()),
            (m.T_BOOT_ID, boot_id()),
            (m.T_CREATED_AT, self.started_at),
        ]

    def _ping(self, _connection: Connection, _message: m.Message) -> Answer:
        return [(m.T_PID, os.getpid()), (m.T_VERSION, m.VERSION)]

    def _start_upgrade(self, connection: Connection, message: m.Message) -> Answer:
        self._upgrade(connection, message)
        return None

    def _end(self, _connection: Connection, message: m.Message) -> Answer:
        running = self._keeping.running()
        if running and not message.u64(m.T_FORCE):
            raise WrongStateError(f"{running} sessions are running; end them first, or say force")
        self._shutdown()
        return []

    # --- sessions ----------------------------------------------------------------------------------------------------

    def _session(self, message: m.Message) -> Session:
        id = message.text(m.T_ID)
        session = self._keeping.table.by_id(id)
        if session is None:
            raise NoRunError(f"the keeper holds no session '{id}'")
        return session

    def _list(self, _connection: Connection, message: m.Message) -> Answer:
        limit = message.u64(m.T_LIMIT) or _PAGE_SESSIONS
        answer: list[tuple[int, Value]] = []
        size = 0
        for session in self._keeping.table.after(message.text(m.T_AFTER)):
            if len(answer) >= limit or size > _PAGE_BYTES:
                answer.append((m.T_MORE, 1))
                break
            entry = encode_fields(describe(session))
            answer.append((m.T_ENTRY, entry))
            size += len(entry)
        return answer

    def _fetch(self, connection: Connection, message: m.Message) -> Answer:
        self._send_session(connection, message.type, message.seq, self._session(message))
        return None

    def _send_session(
        self, connection: Connection, type: int, seq: int, session: Session, *, existing: bool = False
    ) -> None:
        fields = describe(session)
        if existing:
            fields.append((m.T_EXISTING, 1))
        fds = descriptors(session, self._keeping.drains.wake_fds)
        connection.send(m.encode(type | m.REPLY, seq, fields), fds)

    def _set_blob(self, _connection: Connection, message: m.Message) -> Answer:
        session = self._session(message)
        session.blob = _check_blob(message.blob(m.T_BLOB))
        return []

    def _close_stdin(self, _connection: Connection, message: m.Message) -> Answer:
        session = self._session(message)
        if session.kind == "pty":
            raise InvalidError(f"session '{session.id}' has a terminal, its input cannot be closed; send it Ctrl-D")
        self._keeping.close_stdin(session)
        return []

    def _release_hold(self, _connection: Connection, message: m.Message) -> Answer:
        self._keeping.release_hold(self._session(message))
        return []

    def _signal(self, _connection: Connection, message: m.Message) -> Answer:
        session = self._session(message)
        if session.is_reaped:
            raise WrongStateError(f"session '{session.id}' has exited")
        send = os.killpg if message.text(m.T_SCOPE, "leader") == "group" else os.kill
        try:
            send(session.pid, message.u64(m.T_SIGNO))
        except ProcessLookupError as error:
            raise WrongStateError(f"session '{session.id}' has no such process any more") from error
        except PermissionError as error:
            raise RoostError(f"session '{session.id}' runs as another user now", kind="denied") from error
        except (OSError, OverflowError) as error:
            raise InvalidError(f"signal {message.u64(m.T_SIGNO)} cannot be sent: {error}") from error
        return []

    def _pin(self, _connection: Connection, message: m.Message) -> Answer:
        session = self._session(message)
        session.is_pinned = message.u64(m.T_ON) == 1
        self._keeping.reaper.reap(session)
        return []

    def _drop(self, _connection: Connection, message: m.Message) -> Answer:
        session = self._session(message)
        if not session.is_exited:
            raise WrongStateError(f"session '{session.id}' is running; end it before it can be dropped")
        self._keeping.drop(session)
        return []

    # --- local readers -----------------------------------------------------------------------------------------------

    def _stream(self, message: m.Message) -> Stream:
        session = self._session(message)
        name = message.text(m.T_STREAM, "stdout")
        for stream in session.streams:
            if stream.name == name:
                return stream
        raise NoRunError(f"session '{session.id}' has no stream '{name}'")

    def _add_reader(self, connection: Connection, message: m.Message) -> Answer:
        stream = self._stream(message)
        reader, lent_fd = self._keeping.readers.add(stream)
        fields: list[tuple[int, Value]] = [(m.T_READER, reader.id)]
        fds = [stream.ring_fd, reader.page_fd, lent_fd]
        try:
            if message.u64(m.T_INPUT) and stream.is_pty and stream.fd is not None:
                fds.append(self._keeping.readers.lend_input(stream, reader))
                fields.append((m.T_INPUT, 1))
            connection.send(m.encode(m.ADD_READER | m.REPLY, message.seq, fields), fds)
        except BaseException:
            self._keeping.readers.drop(stream, reader.id)
            raise
        finally:
            for fd in fds[2:]:
                os.close(fd)
        return None

    def _drop_reader(self, _connection: Connection, message: m.Message) -> Answer:
        self._keeping.readers.drop(self._stream(message), message.u64(m.T_READER))
        return []

    def _drop_input(self, connection: Connection, message: m.Message) -> Answer:
        """Answered once none of it can reach the terminal any more."""

        def then(taken: int | None) -> None:
            fields: list[tuple[int, Value]] = [] if taken is None else [(m.T_TAKEN, taken)]
            connection.send(m.encode(m.DROP_INPUT | m.REPLY, message.seq, fields))

        reader, finishing = message.u64(m.T_READER), not message.u64(m.T_FORCE)
        self._keeping.readers.drop_input(self._stream(message), reader, then, finishing=finishing)
        return None

    # --- guests ------------------------------------------------------------------------------------------------------

    def _add_guest(self, connection: Connection, message: m.Message) -> Answer:
        """The descriptor is a client's connection. The page that goes with the answer says when it is lent."""
        stream = self._stream(message)
        if not message.fds or not stream.is_pty:
            raise InvalidError("a guest needs the descriptor of its connection, and a terminal")
        guest, page_fd = self._keeping.guests.add(stream, message.fds[0])
        try:
            connection.send(m.encode(m.ADD_GUEST | m.REPLY, message.seq, [(m.T_GUEST, guest.id)]), [page_fd])
        finally:
            os.close(page_fd)
        return None

    def _drop_guest(self, connection: Connection, message: m.Message) -> Answer:
        """Answered once nothing of it can reach the terminal any more, and our copy of its connection is closed."""

        def then() -> None:
            connection.send(m.encode(m.DROP_GUEST | m.REPLY, message.seq))

        self._keeping.guests.drop(self._stream(message), message.u64(m.T_GUEST), then)
        return None

    # --- spawning ----------------------------------------------------------------------------------------------------

    def _spawn(self, connection: Connection, message: m.Message) -> Answer:
        recipe = read_recipe(message, self._open_files)
        session = self._keeping.table.by_spawn(recipe.id, recipe.key)
        if session is not None:
            self._send_session(connection, m.SPAWN, message.seq, session, existing=True)
            return None
        names = [f"id {recipe.id}", *([f"key {recipe.key}"] if recipe.key else [])]
        for name in names:
            if name in self._spawning:  # being started right now: this caller waits for the same session
                self._spawning[name].append((connection, message.seq))
                return None
        waiters: list[Waiter] = [(connection, message.seq)]
        for name in names:
            self._spawning[name] = waiters

        def on_done(started: Session | None, error: BaseException | None) -> None:
            for name in names:
                del self._spawning[name]
            self._on_spawned(waiters, started, error)

        self._worker.submit(lambda: spawn(recipe, self._gate), on_done, at_once=True)
        return None

    def _on_spawned(self, waiters: list[Waiter], session: Session | None, error: BaseException | None) -> None:
        if session is None:
            if not isinstance(error, RoostError):
                self._log.write(f"fault in a spawn: {type(error).__name__}: {error}")
                error = RoostError(f"the session cannot be started: {error}")
            for connection, seq in waiters:
                refuse(connection, m.SPAWN, seq, error)
            return
        self._keeping.add(session)
        for number, (connection, seq) in enumerate(waiters):
            self._send_session(connection, m.SPAWN, seq, session, existing=number > 0)
        self._keeping.begin(session)


def refuse(connection: Connection, type: int, seq: int, error: RoostError) -> None:
    """Answer with an error."""
    fields: list[tuple[int, Value]] = [(m.T_ERROR_KIND, error.kind), (m.T_ERROR_TEXT, error.message)]
    if isinstance(error, OccupiedError):
        fields.append((m.T_PID, error.pid))
    connection.send(m.encode(type | m.REPLY, seq, fields))


def read_recipe(message: m.Message, open_files: int) -> Recipe:
    """What a SPAWN asks for; `open_files` is the child's limit unless it names one. Raises InvalidError."""
    id, kind = message.text(m.T_ID), message.text(m.T_KIND, "pty")
    argv = message.list(m.T_ARG)
    if not id:
        raise InvalidError("spawn without an id")
    if not argv or not argv[0]:
        raise InvalidError("spawn without a program; give at least one argument")
    if kind not in KINDS:
        raise InvalidError(f"kind '{kind}' is unknown; known are {', '.join(KINDS)}")
    recipe = Recipe(id, argv, kind)
    recipe.key = message.text(m.T_KEY)
    recipe.blob = _check_blob(message.blob(m.T_BLOB))
    recipe.env = [*message.list(m.T_ENV), *message.blob(m.T_ENV_BLOCK).split(b"\0")[:-1]]
    recipe.cwd = message.blob(m.T_CWD, b"/")
    recipe.rows = _check_size("rows", message.u64(m.T_ROWS, 24))
    recipe.cols = _check_size("cols", message.u64(m.T_COLS, 80))
    recipe.ring_bytes = message.u64(m.T_RING_BYTES) or DEFAULT_CAPACITY
    if not MIN_CAPACITY <= recipe.ring_bytes <= MAX_CAPACITY:
        raise InvalidError(f"ring of {recipe.ring_bytes} bytes; give {MIN_CAPACITY} to {MAX_CAPACITY}")
    recipe.held = [name.decode("utf-8", "replace") for name in message.list(m.T_HELD_STREAM)]
    if message.has(m.T_UMASK):
        recipe.umask = message.u64(m.T_UMASK) & 0o777
    recipe.limits = {"nofile": open_files}
    recipe.limits.update(parse_limit(limit.decode("utf-8", "replace")) for limit in message.list(m.T_RLIMIT))
    return recipe


def _check_size(name: str, value: int) -> int:
    if value > _MAX_SIZE:
        raise InvalidError(f"{name} of {value}; a terminal has at most {_MAX_SIZE}")
    return value


def _check_blob(blob: bytes) -> bytes:
    if len(blob) > m.MAX_BLOB_BYTES:
        raise InvalidError(f"blob of {len(blob)} bytes; the keeper takes {m.MAX_BLOB_BYTES}")
    return blob
