"""Which daemon is served: one at a time, told apart by process, started again when it died unasked.

A closed connection is not a death: only the pidfd that was opened at the hello is believed. Until it fires, or the
daemon has hung up, its place is taken.

    empty ──hello──▶ held ──HANGUP──▶ empty                 nobody is started
                      │ pidfd fires ─▶ empty, restart due   started with back-off
                      │ hello + FORCE ─▶ HANGUP is asked, 1 s later SIGKILL; the newcomer is let in at the end

Must not know: sessions. It calls back when the daemon is gone for good (holds) or back.
"""

from __future__ import annotations

import os
import select
import time

from roost.errors import InvalidError, RoostError
from roost.keeper import messages as m
from roost.keeper.backoff import Backoff
from roost.keeper.signals import kill_by_pidfd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from roost.keeper.connection import Connection
    from roost.keeper.log import Log
    from roost.keeper.loop import Loop

_FORCE_S = 1.0
NO_RESTART = b"ROOST_NO_RESTART=1"


class Holder:
    """A daemon process that was let in and has not been seen to die."""

    __slots__ = ("connection", "has_left", "pid", "pidfd", "since", "wants_restart")

    def __init__(self, pid: int, pidfd: int, connection: Connection | None, since: float) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.connection = connection
        self.since = since
        self.has_left = False
        self.wants_restart = False

    def is_alive(self) -> bool:
        """Whether the process has not ended; asked of the kernel, events may be late."""
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        return not poll.poll(0)


class RestartRecipe:
    """How to start the daemon again, as it said at its hello."""

    __slots__ = ("argv", "cwd", "env", "log_path")

    def __init__(self, argv: list[bytes], env: list[bytes], cwd: bytes, log_path: bytes) -> None:
        self.argv = argv
        self.env = env
        self.cwd = cwd
        self.log_path = log_path

    def is_wanted(self) -> bool:
        """Whether the daemon wants to be started again."""
        return bool(self.argv) and NO_RESTART not in self.env


class DaemonSlot:
    """The one place for a daemon. `admit`, `on_gone`, `start_daemon` are the shell's."""

    def __init__(
        self,
        loop: Loop,
        log: Log,
        *,
        admit: Callable[[Connection, int], None],
        on_gone: Callable[[], None],
        start_daemon: Callable[[RestartRecipe], None],
    ) -> None:
        self._loop = loop
        self._log = log
        self._admit = admit
        self._on_gone = on_gone
        self._start_daemon = start_daemon
        self.holder: Holder | None = None
        self.restart = RestartRecipe([], [], b"/", b"")
        self.backoff = Backoff()
        self.started_pid = 0
        self._newcomer: tuple[Connection, m.Message] | None = None

    @property
    def connection(self) -> Connection | None:
        """The connection of the daemon that is served."""
        holder = self.holder
        return holder.connection if holder is not None and not holder.has_left else None

    @property
    def is_restart_due(self) -> bool:
        """Whether a daemon is about to be started, or was and has not come yet."""
        return self.started_pid != 0 or self._loop.has_timer("restart")

    # --- coming ----------------------------------------------------------------------------------------------------

    def hello(self, connection: Connection, message: m.Message) -> None:
        """Let a daemon in, or raise RoostError with kind already_attached. With T_FORCE the old one must go first."""
        holder = self.holder
        if holder is not None and not holder.has_left and holder.pid != connection.peer_pid and holder.is_alive():
            if not message.u64(m.T_FORCE) or self._newcomer is not None:
                raise _occupied(holder.pid)
            self._displace(holder, connection, message)
            return
        self._enter(connection, message)

    def _enter(self, connection: Connection, message: m.Message) -> None:
        previous = self.holder
        pidfd = -1
        if previous is not None and previous.pid == connection.peer_pid and previous.is_alive():
            pidfd, previous.pidfd = previous.pidfd, -1
        else:
            try:
                pidfd = os.pidfd_open(connection.peer_pid)
            except OSError as error:
                raise RoostError(
                    f"daemon {connection.peer_pid} cannot be watched: {error}", kind="unavailable"
                ) from error
        if previous is not None:
            self._forget(previous)
        holder = Holder(connection.peer_pid, pidfd, connection, time.monotonic())
        self.holder = holder
        self.watch()
        self.started_pid = 0
        self._loop.cancel("restart")
        self.restart = RestartRecipe(
            message.list(m.T_RESTART_ARG),
            message.list(m.T_RESTART_ENV),
            message.blob(m.T_CWD, b"/"),
            message.blob(m.T_LOG_PATH),
        )
        connection.role = "daemon"
        self._log.write(f"daemon {holder.pid} is served")
        self._admit(connection, message.seq)

    def watch(self) -> None:
        """Wait for the holder's death."""
        holder = self.holder
        if holder is not None:
            self._loop.watch(holder.pidfd, lambda _: self._on_death(holder))

    def _displace(self, holder: Holder, connection: Connection, message: m.Message) -> None:
        self._log.write(f"daemon {connection.peer_pid} takes over from {holder.pid}")
        self._newcomer = (connection, message)
        if holder.connection is not None:
            holder.connection.send(m.encode(m.HANGUP, 0))
        self._loop.after("force", _FORCE_S, lambda: kill_by_pidfd(holder.pidfd))

    def _let_newcomer_in(self) -> bool:
        newcomer, self._newcomer = self._newcomer, None
        self._loop.cancel("force")
        if newcomer is None or not newcomer[0].is_open:
            return False
        self._enter(*newcomer)
        return True

    # --- going -----------------------------------------------------------------------------------------------------

    def hang_up(self, connection: Connection, message: m.Message) -> None:
        """The daemon leaves in an orderly way: its place is free, nobody starts it unless it asked for that."""
        holder = self.holder
        if holder is None or holder.connection is not connection:
            return
        holder.has_left = True
        holder.wants_restart = message.u64(m.T_RESTART) == 1
        self._log.write(f"daemon {holder.pid} hung up")
        if not self._let_newcomer_in():
            self._on_gone()

    def on_closed(self, connection: Connection) -> None:
        """A connection ended. The daemon may live on; its place stays taken until it dies or hangs up."""
        if self.holder is not None and self.holder.connection is connection:
            self.holder.connection = None
        if self._newcomer is not None and self._newcomer[0] is connection:
            self._newcomer = None
            self._loop.cancel("force")

    def _on_death(self, holder: Holder) -> None:
        connection = holder.connection
        if connection is not None:
            # What it sent before it died still counts, above all a HANGUP.
            connection.read(1 << 16)
            connection.close()
        if self.holder is not holder:
            return
        self.holder = None
        self._forget(holder)
        if self._let_newcomer_in():
            return
        if not holder.has_left:
            self._log.write(f"daemon {holder.pid} died")
            self._on_gone()
        if holder.wants_restart or not holder.has_left:
            self._schedule_restart(time.monotonic() - holder.since, at_once=holder.wants_restart)

    def on_reaped(self, pid: int) -> None:
        """A process that is no session ended: perhaps the daemon that was started and never came."""
        if pid == self.started_pid:
            self.started_pid = 0
            if self.holder is None or self.holder.has_left:
                self._log.write(f"the daemon that was started ({pid}) ended before it said hello")
                self._schedule_restart(0.0)

    def on_started(self, pid: int | None) -> None:
        """The daemon was started, or could not be."""
        if self.holder is not None and not self.holder.has_left:
            return
        if pid is None:
            self._schedule_restart(0.0)
        else:
            self.started_pid = pid

    def _schedule_restart(self, lived_s: float, *, at_once: bool = False) -> None:
        if not self.restart.is_wanted():
            return
        delay = 0.0 if at_once else self.backoff.next_delay_s(lived_s)
        self._log.write(f"the daemon is started again in {delay:.0f} s")
        self._loop.after("restart", delay, lambda: self._start_daemon(self.restart))

    def cancel_restart(self) -> None:
        """Start nobody any more."""
        self._loop.cancel("restart")

    def _forget(self, holder: Holder) -> None:
        if holder.pidfd >= 0:
            self._loop.unwatch(holder.pidfd)
            os.close(holder.pidfd)
            holder.pidfd = -1
        if holder.connection is not None and holder.connection.is_open:
            connection, holder.connection = holder.connection, None
            connection.close()


def _occupied(pid: int) -> RoostError:
    text = f"daemon {pid} is served already; stop it with `roost daemon stop`, or `roost daemon restart` to replace it"
    return OccupiedError(text, pid)


class OccupiedError(RoostError):
    """Another daemon is alive; `pid` says which."""

    kind = "already_attached"

    def __init__(self, message: str, pid: int) -> None:
        super().__init__(message)
        self.pid = pid


def check_versions(message: m.Message) -> None:
    """Raise version_mismatch unless the peer and we have a version in common."""
    newest = message.u64(m.T_VERSION, m.VERSION)
    oldest = message.u64(m.T_MIN_VERSION, newest)
    if oldest > newest:
        raise InvalidError(f"hello with version {newest} below its own minimum {oldest}")
    if newest < m.MIN_VERSION or oldest > m.VERSION:
        pid = os.getpid()
        raise RoostError(
            f"the daemon speaks keeper protocol {oldest} to {newest}, the keeper with pid {pid} {m.MIN_VERSION} to "
            f"{m.VERSION}; its sessions run on: use the roost that started them, or end them with `kill {pid}`",
            kind="version_mismatch",
        )
