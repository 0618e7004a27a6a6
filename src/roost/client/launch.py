"""Starting the daemon when none is there, and waiting until it listens.

Owns the start of the process and what is said when it does not come up. The daemon itself decides whether it may start:
when two are started at once, one refuses, and waiting for the socket is right for both callers.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from typing import BinaryIO

from roost.client.deadline import Deadline
from roost.client.endpoint import Endpoint
from roost.client.faults import DaemonAbsentError
from roost.errors import RoostError, UnavailableError
from roost.paths import Paths

LISTEN_WITHIN_S = 10.0
LOG_LINES_SHOWN = 8

POLL_S = 0.005
#: What describes the session of the caller must not come to describe the daemon: it would be taken for a part of it.
_SESSION_VARIABLES = ("ROOST_SESSION", "ROOST_NAME", "ROOST_SOCKET", "ROOST_EVENTS")
#: Starts the daemon as a grandchild, so that it is never a zombie of ours and never gets a controlling terminal.
_STARTER = (
    "import os,sys;print(os.posix_spawn(sys.argv[1],sys.argv[1:],os.environ,setsigmask=[],setsigdef=[1,2,3,15],"
    "file_actions=[(os.POSIX_SPAWN_DUP2,2,1)]))"
)


def connect(endpoint: Endpoint, deadline: Deadline) -> socket.socket:
    """A connected non-blocking socket; starts the daemon if there is none and that is allowed."""
    deadline = deadline.at_most(LISTEN_WITHIN_S)
    started: StartedDaemon | None = None
    recalled = False
    try:
        while True:
            try:
                connection = endpoint.connect_once()
            except DaemonAbsentError:
                if not recalled and _recall(endpoint):
                    recalled = True
                    continue
                if not endpoint.autostart:
                    raise
                if started is None:
                    started = start_daemon(endpoint.paths, endpoint.socket_path)
                elif started.failed():
                    raise UnavailableError(started.failure_text()) from None
            else:
                if connection is not None:
                    return connection
            if deadline.passed:
                raise _late_error(endpoint, started)
            time.sleep(deadline.within_s(POLL_S))
    finally:
        if started is not None:
            started.close()


def ensure_daemon(
    paths: Paths | None = None, *, socket_path: str | None = None, timeout_s: float = LISTEN_WITHIN_S
) -> None:
    """Returns when a daemon listens; starts one if nothing does.

    Raises UnavailableError, with what the daemon last wrote to its log, when it ends before it listens, or when it does
    not listen in time.
    """
    paths = paths or Paths.for_scope()
    await_daemon(Endpoint(paths, socket_path or paths.client_socket, autostart=True), Deadline(timeout_s))


def await_daemon(endpoint: Endpoint, deadline: Deadline) -> None:
    """Returns when a daemon listens; starts one if nothing does and that is allowed. Errors as `connect`."""
    connect(endpoint, deadline).close()


def _recall(endpoint: Endpoint) -> bool:
    """Whether a daemon lives whose socket file was removed; it listens there again then."""
    from roost.platform.recall import recall_daemon  # here, as most clients find a daemon

    return recall_daemon(endpoint.paths.recall_name) == endpoint.socket_path


def _late_error(endpoint: Endpoint, started: StartedDaemon | None) -> UnavailableError:
    if started is None:
        return endpoint.busy_error()
    if started.ended:  # it left the field to another one, which does not listen where we look
        return UnavailableError(f"nothing listens on {endpoint.socket_path}, and {started.failure_text()}")
    return UnavailableError(
        f"a daemon was started but does not listen on {endpoint.socket_path} yet; "
        f"look at {endpoint.paths.daemon_log}, or run `roost doctor`"
    )


class StartedDaemon:
    """A daemon process of which nothing is known yet."""

    def __init__(self, pid: int, paths: Paths, log_start: int) -> None:
        self._paths = paths
        self._log_start = log_start
        try:
            self._pidfd: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            self._pidfd = None

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._pidfd is None or bool(select.select([self._pidfd], [], [], 0)[0])

    def failed(self) -> bool:
        """Whether the process ended, and not because another daemon is just starting."""
        return self.ended and not _is_locked(self._paths.daemon_lock)

    def failure_text(self) -> str:
        """What to tell the user, with the last lines that it wrote to the log."""
        try:
            with open(self._paths.daemon_log, "rb") as log:
                log.seek(self._log_start)
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            lines = []
        said = "".join(f"\n  {line}" for line in lines[-LOG_LINES_SHOWN:])
        if not said:
            return (
                f"the daemon ended before it listened, and the log {self._paths.daemon_log} does not say why; "
                f"`roost daemon start --foreground` shows it, `df {self._paths.state_dir}` whether the disk is full"
            )
        return f"the daemon ended before it listened; the log {self._paths.daemon_log} says:{said}"

    def close(self) -> None:
        """Stops watching it."""
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None


def start_daemon(paths: Paths, socket_path: str | None = None) -> StartedDaemon:
    """Starts a daemon process of that scope in the background, its output going to the daemon's log."""
    import subprocess  # here, as most clients find a daemon and must not pay for it

    paths.ensure_dirs()
    command = [sys.executable, "-m", "roost.daemon", "--scope", paths.scope]
    if socket_path not in (None, paths.daemon_socket):
        command += ["--socket-path", str(socket_path)]
    with _open_log(paths.daemon_log) as log:
        log_start = log.tell()
        try:
            started = subprocess.run(
                [sys.executable, "-I", "-S", "-c", _STARTER, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={key: value for key, value in os.environ.items() if key not in _SESSION_VARIABLES},
                cwd="/",
                start_new_session=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise UnavailableError(
                f"the daemon could not be started with {sys.executable}: {error}; look at {paths.daemon_log}"
            ) from error
    return StartedDaemon(int(started.stdout), paths, log_start)


def _open_log(path: str) -> BinaryIO:
    try:
        return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))
    except OSError as error:
        raise RoostError(
            f"the daemon's log {path} cannot be opened: {error.strerror}; look at `ls -l {path}` and `df {path}`",
            kind="denied" if isinstance(error, PermissionError) else "exhausted",
        ) from error


def _is_locked(path: str) -> bool:
    """Whether a process holds the lock file. Looked up in /proc: trying it could make a starting daemon fail.

    Source: proc(5), /proc/locks: the sixth field is major:minor:inode of the file.
    """
    try:
        inode = str(os.stat(path).st_ino)
        with open("/proc/locks") as locks:
            return any(inode == fields[5].rpartition(":")[2] for fields in map(str.split, locks) if len(fields) > 5)
    except OSError:
        return False
