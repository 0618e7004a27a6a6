"""The keeper's composition root: wires sessions, threads, sockets and the daemon's slot, and runs the control loop.

The only module that knows all the others.
"""

from __future__ import annotations

import _socket
import _thread
import fcntl
import os
import time

from roost.errors import RoostError
from roost.keeper import messages as m
from roost.keeper.connection import Connection
from roost.keeper.daemon_slot import DaemonSlot, Holder, RestartRecipe
from roost.keeper.drains import new_wake_fds
from roost.keeper.keeping import Keeping
from roost.keeper.limits import raise_open_files
from roost.keeper.listeners import Listeners
from roost.keeper.log import Log
from roost.keeper.loop import Loop
from roost.keeper.program import find_program
from roost.keeper.service import Service, refuse
from roost.keeper.signals import SETTABLE, wake_on_child
from roost.keeper.state import State, decode_state, encode_state
from roost.keeper.upgrade import command_line, read_state, replace_image, run_self_test
from roost.keeper.worker import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from roost.keeper.tlv import Value

_UPGRADE_RETRY_S = 0.01
_UPGRADE_TRIES = 500


class Options:
    """What the command line said."""

    def __init__(self) -> None:
        self.socket = ""
        self.abstract = ""  # with @ for its leading NUL, which no argument can hold
        self.lock = ""
        self.scope = ""
        self.log = ""
        self.idle_s = 5.0
        self.hold_release_s = 10.0
        self.path_check_s = 30.0
        self.restore = -1


class Keeper:
    """One keeper. `run` returns when there is nothing left to keep."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._log = Log(options.log)
        gate = _thread.allocate_lock()
        self._loop = Loop(gate, self._log)
        state = decode_state(read_state(options.restore)) if options.restore >= 0 else _new_state(options)
        self._state = state
        self._worker = Worker(self._loop.at_gate, lambda: self._keeping.reaper.passed_over)
        self._slot = DaemonSlot(
            self._loop,
            self._log,
            admit=self._on_admitted,
            on_gone=self._on_daemon_gone,
            start_daemon=self._start_daemon,
        )
        self._keeping = Keeping(
            state.wake_fds, self._loop, self._log, notify=self._notify, on_orphan=self._slot.on_reaped
        )
        self._service = Service(
            self._keeping,
            self._slot,
            self._worker,
            gate,
            self._log,
            open_files=state.open_files,
            upgrade=self._begin_upgrade,
            shutdown=self._end,
        )
        self._service.started_at = state.started_at
        self._listeners = Listeners(options.socket, "\0" + options.abstract[1:], self._loop, self._log)
        self._is_upgrading = False

    def run(self) -> None:
        """Serve until idle or told to end."""
        self._watch_children()
        self._worker.start()
        self._loop.watch(self._worker.done_fd, lambda _: self._on_jobs_done())
        self._keeping.drains.start()
        self._loop.watch(self._keeping.drains.report_fd, lambda _: self._keeping.drains.collect())
        if self._options.restore >= 0:
            self._restore()
        self._listeners.start(self._on_socket)
        self._check_path_later()
        self._collect_children()
        if self._options.restore >= 0:
            self._log.write(f"upgraded in place; {len(self._keeping.table)} sessions go on")
        else:
            self._log.write(f"keeper of scope {self._options.scope} started")
        self._loop.run(self._consider_idle)
        self._listeners.remove_path()
        self._log.write("keeper ends")

    # --- children ----------------------------------------------------------------------------------------------------

    def _watch_children(self) -> None:
        reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        wake_on_child(writer)

        def on_signal(_events: int) -> None:
            try:
                os.read(reader, 4096)
            except BlockingIOError:
                pass
            self._collect_children()

        self._loop.watch(reader, on_signal)

    def _collect_children(self) -> None:
        self._keeping.reaper.collect(spawning=self._worker.in_flight > 0)

    def _on_jobs_done(self) -> None:
        self._worker.collect()
        self._collect_children()  # one that ended before it was known was passed over

    # --- peers -------------------------------------------------------------------------------------------------------

    def _on_socket(self, sock: _socket.socket) -> None:
        connection = Connection(sock, self._loop, self._service.on_message, self._on_closed)
        if connection.peer_uid not in (os.getuid(), 0):
            self._log.write(f"refused a connection of user {connection.peer_uid}")
            connection.close()

    def _on_closed(self, connection: Connection) -> None:
        if connection.fault:
            self._log.write(f"connection of {connection.peer_pid} closed: {connection.fault}")
        if connection.role == "daemon":
            self._keeping.drop_guests()
        self._slot.on_closed(connection)

    def _notify(self, type: int, fields: list[tuple[int, Value]]) -> None:
        connection = self._slot.connection
        if connection is not None:
            connection.send(m.encode(type, 0, fields))

    def _on_admitted(self, connection: Connection, seq: int) -> None:
        self._loop.cancel("holds")
        self._service.greet(connection, seq)

    def _on_daemon_gone(self) -> None:
        self._loop.after("holds", self._options.hold_release_s, self._keeping.release_all_holds)

    def _start_daemon(self, recipe: RestartRecipe) -> None:
        def on_done(pid: int | None, error: BaseException | None) -> None:
            if error is not None:
                self._log.write(f"the daemon could not be started: {error}")
            self._slot.on_started(pid)

        self._worker.submit(lambda: start_daemon(recipe), on_done)

    # --- the end -----------------------------------------------------------------------------------------------------

    def _consider_idle(self) -> None:
        is_idle = (
            len(self._keeping.table) == 0
            and self._slot.connection is None
            and self._worker.in_flight == 0
            and not self._slot.is_restart_due
        )
        if not is_idle:
            self._loop.cancel("idle")
        elif not self._loop.has_timer("idle"):
            self._loop.after("idle", self._options.idle_s, self._end)

    def _end(self) -> None:
        self._slot.cancel_restart()
        self._loop.stopping = True

    def _check_path_later(self) -> None:
        def check() -> None:
            self._listeners.check_path()
            self._check_path_later()

        self._loop.after("path", self._options.path_check_s, check)

    # --- upgrade -----------------------------------------------------------------------------------------------------

    def _begin_upgrade(self, connection: Connection, message: m.Message) -> None:
        if self._is_upgrading:
            raise RoostError("an upgrade is under way already; wait for its answer", kind="wrong_state")
        program, argv = command_line(message.list(m.T_ARG), message.blob(m.T_EXE))
        self._is_upgrading = True

        def on_done(_result: None, error: BaseException | None) -> None:
            if error is None:
                self._upgrade(connection, message.seq, program, argv, _UPGRADE_TRIES)
                return
            reason = error if isinstance(error, RoostError) else RoostError(f"the self-test could not be run: {error}")
            self._upgrade_failed(connection, message.seq, reason)

        self._worker.submit(lambda: run_self_test(program, argv, self._options.log), on_done)

    def _upgrade(self, connection: Connection, seq: int, program: bytes, argv: list[bytes], tries: int) -> None:
        """Replace the image as soon as no spawn is under way and the daemon has read what carries descriptors."""
        is_busy = self._worker.in_flight > 0 or any(fds for _, fds in connection.queue)
        if is_busy and tries > 0:
            self._loop.after(
                "upgrade", _UPGRADE_RETRY_S, lambda: self._upgrade(connection, seq, program, argv, tries - 1)
            )
            return
        if is_busy:
            error = RoostError("the keeper was not upgraded: a spawn is still under way; try again", kind="unavailable")
            self._upgrade_failed(connection, seq, error)
            return
        self._keeping.stop_drains()
        try:
            state = self._save(seq)
            replace_image(program, argv, state, encode_state(state))
        except RoostError as error:
            self._keeping.restart_drains()
            self._upgrade_failed(connection, seq, error)

    def _upgrade_failed(self, connection: Connection, seq: int, error: RoostError) -> None:
        self._is_upgrading = False
        self._log.write(error.message)
        refuse(connection, m.UPGRADE, seq, error)

    def _save(self, seq: int) -> State:
        state = State()
        state.open_files, state.started_at = self._state.open_files, self._state.started_at
        state.lock_fd, state.wake_fds = self._state.lock_fd, self._state.wake_fds
        state.listen_path = _fileno(self._listeners.by_path)
        state.listen_name = _fileno(self._listeners.by_name)
        state.attempts = self._slot.backoff.attempts
        restart = self._slot.restart
        state.restart_argv, state.restart_env = restart.argv, restart.env
        state.restart_cwd, state.restart_log = restart.cwd, restart.log_path
        holder = self._slot.holder
        if holder is not None and not holder.has_left:
            state.daemon_pid, state.daemon_pidfd = holder.pid, holder.pidfd
            state.daemon_lived_s = time.monotonic() - holder.since
            if holder.connection is not None:
                state.daemon_socket = holder.connection.fd
                state.queued = [packet for packet, _ in holder.connection.queue]
                state.reply_seq = seq
        state.sessions = list(self._keeping.table)
        return state

    def _restore(self) -> None:
        state = self._state
        for fd in state.descriptors():
            os.set_inheritable(fd, False)
        if state.listen_path >= 0:
            self._listeners.by_path = _adopt_socket(state.listen_path)
        if state.listen_name >= 0:
            self._listeners.by_name = _adopt_socket(state.listen_name)
        self._slot.backoff.attempts = state.attempts
        self._slot.restart = RestartRecipe(state.restart_argv, state.restart_env, state.restart_cwd, state.restart_log)
        if state.daemon_pidfd >= 0:
            self._restore_daemon()
        for session in state.sessions:
            self._keeping.resume(session)
        state.sessions = []

    def _restore_daemon(self) -> None:
        state = self._state
        connection = None
        if state.daemon_socket >= 0:
            sock = _adopt_socket(state.daemon_socket)
            connection = Connection(sock, self._loop, self._service.on_message, self._on_closed)
            connection.role = "daemon"
        since = time.monotonic() - state.daemon_lived_s
        self._slot.holder = Holder(state.daemon_pid, state.daemon_pidfd, connection, since)
        self._slot.watch()
        if connection is not None:
            for packet in state.queued:
                connection.send(packet)
            now: list[tuple[int, int | str]] = [(m.T_PID, os.getpid()), (m.T_VERSION, m.VERSION)]
            now += [(m.T_FEATURE, feature) for feature in self._keeping.drains.features]
            connection.send(m.encode(m.UPGRADE | m.REPLY, state.reply_seq, now))


def _new_state(options: Options) -> State:
    state = State()
    state.lock_fd = _take_lock(options.lock) if options.lock else -1
    state.open_files = raise_open_files()
    state.wake_fds = new_wake_fds()
    state.started_at = time.time()
    return state


def _take_lock(path: str) -> int:
    """Be the only keeper of the scope. Raises RoostError when another one is."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        raise RoostError(f"another keeper holds {path}", kind="already_attached") from error
    return fd


def _fileno(sock: _socket.socket | None) -> int:
    return -1 if sock is None else sock.fileno()


def _adopt_socket(fd: int) -> _socket.socket:
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, fd)
    sock.setblocking(False)
    return sock


def start_daemon(recipe: RestartRecipe) -> int:
    """Start the daemon as it asked for at its hello; its pid. Blocks, so it belongs on the spawn thread."""
    env = dict(entry.partition(b"=")[::2] for entry in recipe.env)
    log = recipe.log_path or b"/dev/null"
    actions: list[tuple[int, int, bytes, int, int] | tuple[int, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, b"/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    try:
        os.chdir(recipe.cwd)
    except OSError:
        pass  # its directory is gone: better a daemon in / than none
    try:
        program = find_program(recipe.argv[0], env.get(b"PATH"))
        return os.posix_spawn(
            program, recipe.argv, env, file_actions=actions, setsid=True, setsigmask=[], setsigdef=SETTABLE
        )
    finally:
        os.chdir("/")
