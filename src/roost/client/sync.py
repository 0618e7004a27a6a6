"""The blocking client: connects when needed, performs calls, opens attachments.

Owns one plain connection to the daemon and its renewal; not for use from several threads at once. What the calls say is
in `calls`, what an attachment's frames mean in `stream`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from roost.client import calls
from roost.client.attachment import Attachment
from roost.client.connection import Connection
from roost.client.deadline import Deadline
from roost.client.endpoint import Endpoint
from roost.client.faults import ConnectionLostError
from roost.client.opening import AttachOptions, spawn_request, spawned_session
from roost.client.replies import check_reply
from roost.client.results import Sent
from roost.client.session import Session
from roost.model import Backlog, Check, DaemonStatus, ExitStatus, SessionInfo, TerminateResult
from roost.wire.requests import Reply

T = TypeVar("T")


class Client:
    """A connection to the daemon, made when it is first needed and made again after a restart of the daemon.

    Without `socket_path` it is the daemon of the scope (ROOST_SCOPE, ROOST_SOCKET). `timeout_s` bounds every call as a
    whole, connecting included. With `autostart` a daemon that is not there is started.

    Everywhere `target` is a name, an id, an unambiguous part of either, a pid, or "" for the latest live session.
    Errors are `roost.errors.RoostError`s: `UnavailableError` when the daemon cannot be reached or went away in a call
    that may have been carried out, `WaitTimeoutError` when the deadline came first, else what the daemon answered.
    """

    def __init__(
        self,
        socket_path: str | Path | None = None,
        *,
        scope: str | None = None,
        timeout_s: float = 30.0,
        client_name: str = "roost",
        autostart: bool = True,
    ) -> None:
        self.timeout_s = timeout_s
        self.client_name = client_name
        self._endpoint = Endpoint.of(socket_path, scope=scope, autostart=autostart)
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.socket_path!r})"

    @property
    def socket_path(self) -> str:
        """Where the daemon listens."""
        return self._endpoint.socket_path

    def close(self) -> None:
        """Closes the connection; the next call opens a new one. Attachments live on their own."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # ------------------------------------------------------------------ sessions

    def spawn(
        self,
        argv: Sequence[str | bytes],
        *,
        cwd: str | bytes | Path | None = None,
        env: Mapping[str, str] | Mapping[bytes, bytes] | None = None,
        name: str | None = None,
        rows: int = 0,
        cols: int = 0,
        pipe: bool = False,
        merge_stderr: bool = False,
        originator: str | None = None,
        labels: Mapping[str, str] | None = None,
        ring_bytes: int | None = None,
        size_policy: str | None = None,
        term: str | None = None,
        umask: int | None = None,
        limits: Mapping[str, int | None] | None = None,
        spawn_id: str | None = None,
    ) -> Session:
        """Starts a program in a session of its own and returns its handle.

        `cwd`, `env`, `umask` and the soft limit of open files are this process's own unless given; `limits` are soft
        limits by resource name, None for unlimited. rows and cols of 0 mean 24 and 80. The call carries a spawn id
        (made up unless given): repeated after a crash of the daemon, it still creates one session.
        """
        order = spawn_order(
            argv,
            cwd=cwd,
            env=env,
            name=name,
            rows=rows,
            cols=cols,
            pipe=pipe,
            merge_stderr=merge_stderr,
            originator=originator,
            labels=labels,
            ring_bytes=ring_bytes,
            size_policy=size_policy,
            term=term,
            umask=umask,
            limits=limits,
            spawn_id=spawn_id,
        )
        reply = self._exchange(lambda number: order.encode(number, self.client_name), repeatable=True)
        return Session(self, order.spawned(reply))

    def list(self, *, originator: str | None = None, all: bool = True) -> list[SessionInfo]:
        """The sessions, exited ones too unless `all` is false; `originator` keeps those of exactly that owner."""
        return self._call(calls.list_sessions(originator, all=all))

    sessions = list

    def get(self, target: str = "") -> SessionInfo:
        """What the daemon knows of one session."""
        return self._call(calls.get_session(target))

    def session(self, target: str = "") -> Session:
        """The handle of one session; it stays with that session whatever the target would mean later."""
        return Session(self, self.get(target))

    def attach(
        self,
        target: str = "",
        *,
        mode: str = "exclusive",
        steal: bool = False,
        lossless: bool = False,
        from_offset: int | None = None,
        tail_bytes: int | None = None,
        rows: int = 0,
        cols: int = 0,
        tty: bool = False,
        term: str | None = None,
        label: str | None = None,
        restore: str = "none",
        stream: str = "stdout",
        reconnect: bool = True,
    ) -> Attachment:
        """Attaches to a session, exited ones included, on a connection of its own.

        mode: "exclusive", "share" or "view". Output starts at `from_offset`, or with the last `tail_bytes`, else with
        all that is retained. rows and cols are taken over only with `tty`. `lossless` makes the child wait for this
        client instead of leaving a gap. restore: "raw" asks for the bytes that set the terminal modes, see
        `Attachment.restore`. stream: "stdout" or "stderr" of a pipe session.
        """
        options = AttachOptions(
            target=target,
            mode=mode,
            steal=steal,
            lossless=lossless,
            from_offset=from_offset,
            tail_bytes=tail_bytes,
            rows=rows,
            cols=cols,
            tty=tty,
            term=term,
            label=label,
            restore=restore,
            stream=stream,
        )
        return self._attach(options, kind=None, reconnect=reconnect)

    def backlog(
        self,
        target: str = "",
        *,
        stream: str = "stdout",
        from_offset: int | None = None,
        tail_bytes: int | None = None,
    ) -> Backlog:
        """The retained output up to now, without attaching and without a hole in it."""
        gathering = BacklogGathering(target, stream, from_offset, tail_bytes)
        while not gathering.complete:
            gathering.add(self._call(gathering.next_call()))
        return gathering.backlog()

    def logs(
        self,
        target: str = "",
        *,
        stream: str = "stdout",
        from_offset: int | None = None,
        tail_bytes: int | None = None,
        limit_bytes: int = calls.LOG_PAGE_BYTES,
    ) -> Backlog:
        """One page of retained output: at most `limit_bytes`; go on from its `next_offset`."""
        return self._call(
            calls.read_logs(
                target, stream=stream, from_offset=from_offset, tail_bytes=tail_bytes, limit_bytes=limit_bytes
            )
        )

    def send(self, target: str, data: str | bytes, *, enter: bool = False) -> Sent:
        """Types into a session without attaching; returns when the bytes are written to the child.

        `enter` adds the Enter key. Never repeated by itself: after an UnavailableError it may have arrived or not.
        """
        return self._call(calls.send_input(target, _encoded(data), enter=enter))

    def close_stdin(self, target: str = "") -> None:
        """Closes the stdin of a pipe session: its child reads end-of-file."""
        self._call(calls.close_stdin(target))

    def resize(self, target: str, rows: int, cols: int) -> tuple[int, int]:
        """Sets the size of the terminal (0 keeps that side); returns the size that it has now."""
        return self._call(calls.resize(target, rows, cols))

    def signal(self, target: str, number: int | str, *, scope: str | None = None) -> builtins.list[int]:
        """Sends a signal ("INT", "SIGINT" or 2) and returns the pids that got it.

        scope: "foreground" (the default for a terminal), "leader", "group" (the default for pipes) or "tree".
        """
        return self._call(calls.signal(target, number, scope))

    def detach(self, target: str = "") -> int:
        """Detaches every client of a session; returns how many there were."""
        return self._call(calls.detach(target))

    def rename(self, target: str, name: str) -> SessionInfo:
        """Gives a session another name."""
        return self._call(calls.rename(target, name))

    def restart(self, target: str = "", *, grace_s: float = 2.0) -> Session:
        """Ends a session and starts the same command again under the same name; the handle is the new session's."""
        return Session(self, self._call(calls.restart(target, grace_s)))

    def wait(self, target: str = "", timeout_s: float | None = None) -> ExitStatus:
        """Waits for the child to end; without a timeout as long as it takes, also across restarts of the daemon."""
        return self._call(calls.wait(target, timeout_s))

    def terminate(
        self,
        *targets: str,
        grace_s: float = 2.0,
        wait: bool = True,
        older_than_s: float | None = None,
        originator: str | None = None,
    ) -> builtins.list[TerminateResult]:
        """Ends sessions: TERM, after `grace_s` KILL, down to processes that left the session's process group.

        Without targets `older_than_s` and `originator` choose among the live ones. Without `wait` the answer comes at
        once and says only which were chosen.
        """
        return self._call(
            calls.terminate(targets, grace_s=grace_s, wait=wait, older_than_s=older_than_s, originator=originator)
        )

    def purge(
        self, *targets: str, originator: str | None = None, older_than_s: float | None = None
    ) -> builtins.list[str]:
        """Forgets exited sessions and their output; without arguments all of them. Returns their ids."""
        return self._call(calls.purge(targets, originator, older_than_s))

    def env(self, target: str = "") -> dict[str, str]:
        """The environment that a session was started with."""
        return self._call(calls.environment(target))

    # ------------------------------------------------------------------ daemon

    def ping(self) -> float:
        """Asks the daemon for a sign of life; returns its clock, in Unix seconds."""
        return pong(self._exchange(lambda number: ping_request(number, self.client_name), repeatable=True))

    def status(self) -> DaemonStatus:
        """What the daemon says of itself."""
        return self._call(calls.status())

    def stop(self, *, kill: bool = False, timeout_s: float = 10.0) -> int:
        """Stops the daemon; sessions run on in the keeper unless `kill`. Returns how many are left."""
        left = self._call(calls.stop(kill=kill, timeout_s=timeout_s))
        self.close()
        return left

    def upgrade_keeper(self) -> dict[str, Any]:
        """Has the keeper re-execute itself in place, without losing a child or a byte."""
        return self._call(calls.upgrade_keeper())

    def doctor(self) -> builtins.list[Check]:
        """What the daemon finds when it examines itself and its surroundings."""
        return self._call(calls.doctor())
