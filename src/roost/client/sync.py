"""The blocking client: connects when needed, performs calls, opens attachments.

Owns one plain connection to the daemon and its renewal; not for use from several threads at once. What the calls say is
in `calls`, what an attachment's frames mean in `stream`.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Sequence
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from roost.client import calls, event_calls, hook_calls, process_calls, tee_calls
from roost.client.attachment import Attachment
from roost.client.automation import AutomationVerbs
from roost.client.backlog import BacklogGathering
from roost.client.connection import Connection
from roost.client.deadline import Deadline
from roost.client.endpoint import Endpoint
from roost.client.far_targets import attach_endpoint, far_base, far_id, far_request, far_wish, near_id
from roost.client.keywords import AttachKeywords, EventKeywords, SpawnKeywords, TeeKeywords, Text
from roost.client.launch import connect
from roost.client.opening import SpawnOrder, attach_options, event_wish, tee_from
from roost.client.recording import RecordingVerbs
from roost.client.results import Sent
from roost.client.retry import CallRetry
from roost.client.screens import ScreenVerbs
from roost.client.sending import InputSending
from roost.client.session import Session, SessionIdentity
from roost.client.stream import AttachmentState
from roost.errors import RoostError, UnavailableError
from roost.model import (
    Backlog,
    Check,
    ConfigInfo,
    DaemonStatus,
    ExitStatus,
    HistoryEntry,
    ObserverInfo,
    ProcessInfo,
    SessionInfo,
    SinkInfo,
    TeeInfo,
    TerminateResult,
    ZombieInfo,
)
from roost.wire.requests import Reply

if TYPE_CHECKING:
    from roost.client.access import Access
    from roost.client.approvals import Approvals
    from roost.client.event_stream import EventStream
    from roost.client.services import Services
    from roost.core.events import Event

T = TypeVar("T")


class Client(AutomationVerbs, RecordingVerbs, ScreenVerbs):
    """A connection to the daemon, made when it is first needed and made again after a restart of the daemon.

    Without `socket_path` it is the daemon of the scope (ROOST_SCOPE, ROOST_SOCKET). `timeout_s` bounds every call as a
    whole, connecting included. With `autostart` a daemon that is not there is started.

    Everywhere `target` is a name, an id, an unambiguous part of either, a pid, or "" for the latest live session.
    Errors are `roost.errors.RoostError`s: `UnavailableError` when the daemon cannot be reached or went away in a call
    that may have been carried out, `WaitTimeoutError` when the deadline came first, else what the daemon answered.
    """

    def __init__(
        self,
        socket_path: str | os.PathLike[str] | None = None,
        *,
        scope: str | None = None,
        timeout_s: float = 30.0,
        client_name: str = "roost",
        autostart: bool = True,
    ) -> None:
        self.timeout_s = timeout_s
        self.client_name = client_name
        self._far = far_base(socket_path)
        self._endpoint = Endpoint.of(None if self._far else socket_path, scope=scope, autostart=autostart)
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
        return self._far or self._endpoint.socket_path

    def close(self) -> None:
        """Closes the connection; the next call opens a new one. Attachments live on their own."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # ------------------------------------------------------------------ sessions

    def spawn(self, argv: Sequence[Text], **options: Unpack[SpawnKeywords]) -> Session:
        """Starts a program in a session of its own and returns its handle; the options are those of `SpawnKeywords`.

        The call carries a spawn id: repeated after a crash of the daemon, it still creates one session.
        """
        info, existing = self._perform(SpawnOrder(argv, options))
        return Session(self, info, existing=existing)

    def list(self, *, originator: str | None = None, all: bool = True) -> list[SessionInfo]:
        """The sessions, exited ones too unless `all` is false; `originator` keeps those of exactly that owner."""
        return self._perform(calls.list_sessions(originator, all=all))

    sessions = list

    def get(self, target: str = "") -> SessionInfo:
        """What the daemon knows of one session."""
        return self._perform(calls.get_session(target))

    def session(self, target: str = "") -> Session:
        """The handle of one session; it stays with that session whatever the target would mean later."""
        return self._handle(target, self.get(target))

    def _handle(self, target: str, info: SessionInfo) -> Session:
        session = Session(self, info)
        session.id = far_id(target, session.id)
        return session

    def attach(self, target: str = "", **options: Unpack[AttachKeywords]) -> Attachment:
        """Attaches to a session, exited ones included, on a connection of its own.

        The options are those of `AttachKeywords`. Errors: NoRunError, AmbiguousTargetError, AlreadyAttachedError (use
        mode share or view, or steal).
        """
        return self.session(target).attach(**options)

    def attach_session(self, session: SessionIdentity, **options: Unpack[AttachKeywords]) -> Attachment:
        """Attaches to a session that was looked up before."""
        state = AttachmentState(
            attach_options(near_id(session.id), session.kind, options),
            client_name=self.client_name,
            reconnect=options.get("reconnect", True),
        )
        return Attachment.open(attach_endpoint(self._endpoint, self._far, session.id), state, Deadline(self.timeout_s))

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
            gathering.add(self._perform(gathering.next_call()))
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
        return self._perform(
            calls.read_logs(
                target, stream=stream, from_offset=from_offset, tail_bytes=tail_bytes, limit_bytes=limit_bytes
            )
        )

    def send(self, target: str, data: str | bytes, *, enter: bool = False, paste: bool = False) -> Sent:
        """Types into a session without attaching; returns when the bytes are written to the child.

        `enter` adds the Enter key. `paste` puts the data between brackets, without what could end them early, if the
        program asked for that. Never repeated by itself: after an UnavailableError it may have arrived or not.
        """
        sending = InputSending(target, data.encode() if isinstance(data, str) else data, enter=enter, paste=paste)
        while (call := sending.next_call()) is not None:
            try:
                sending.answered(self._perform(call))
            except RoostError as error:
                sending.failed(error)
                raise
        return sending.result

    def close_stdin(self, target: str = "") -> None:
        """Closes the stdin of a pipe session: its child reads end-of-file."""
        self._perform(calls.close_stdin(target))

    def resize(self, target: str, rows: int, cols: int) -> tuple[int, int]:
        """Sets the size of the terminal (0 keeps that side); returns the size that it has now."""
        return self._perform(calls.resize(target, rows, cols))

    def signal(self, target: str, number: int | str, *, scope: str | None = None) -> builtins.list[int]:
        """Sends a signal ("INT", "SIGINT" or 2) and returns the pids that got it.

        scope: "foreground" (the default for a terminal), "leader", "group" (the default for pipes) or "tree".
        """
        return self._perform(calls.signal(target, number, scope))

    def detach(self, target: str = "") -> int:
        """Detaches every client of a session; returns how many there were."""
        return self._perform(calls.detach(target))

    def rename(self, target: str, name: str) -> SessionInfo:
        """Gives a session another name."""
        return self._perform(calls.rename(target, name))

    def restart(self, target: str = "", *, grace_s: float = 2.0) -> Session:
        """Ends a session and starts the same command again under the same name; the handle is the new session's."""
        return self._handle(target, self._perform(calls.restart(target, grace_s)))

    def wait(self, target: str = "", timeout_s: float | None = None) -> ExitStatus:
        """Waits for the child to end; without a timeout as long as it takes, also across restarts of the daemon."""
        return self._perform(calls.wait(target, timeout_s))

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
        return self._perform(
            calls.terminate(targets, grace_s=grace_s, wait=wait, older_than_s=older_than_s, originator=originator)
        )

    def purge(
        self, *targets: str, originator: str | None = None, older_than_s: float | None = None
    ) -> builtins.list[str]:
        """Forgets exited sessions and their output; without arguments all of them. Returns their ids."""
        return self._perform(calls.purge(targets, originator, older_than_s))

    def env(self, target: str = "") -> dict[str, str]:
        """The environment that a session was started with."""
        return self._perform(calls.environment(target))

    # ------------------------------------------------------------------ configuration

    def config(self) -> ConfigInfo:
        """The configuration in force in the daemon, and where each value comes from."""
        return self._perform(hook_calls.show_config())

    def reload_config(self) -> ConfigInfo:
        """Has the daemon read its configuration again; InvalidError says what is wrong, and nothing changed then."""
        return self._perform(hook_calls.reload_config())

    def hooks(self) -> builtins.list[SinkInfo]:
        """How the sinks of events are doing."""
        return self._perform(hook_calls.show_hooks())

    def retry_hooks(self, name: str | None = None) -> dict[str, int]:
        """Has one sink, or all, try again what it did not take, dead letters too; how many events each has to try."""
        return self._perform(hook_calls.retry_hooks(name))

    # ------------------------------------------------------------------ events

    def events(self, target: str | None = None, **options: Unpack[EventKeywords]) -> EventStream:
        """Events as they happen, on a connection of their own: of one session with a `target`, else of everything.

        since: also those behind that id, as far as the journal reaches; without it only those to come. policy, for who
        reads slowly: "journal" (the default) reads on from the journal, "drop_oldest" leaves out beyond `capacity`,
        "block" lets emitters wait. What is missing is a `gap` event. observer: the id of one registered before, whose
        buffer is delivered. until_exit: end with the session's exit, the default with a target. The stream reconnects
        by itself and goes on without hole or repeat.
        """
        from roost.client.event_stream import EventStream

        wish, reconnect = event_wish(target, options)
        if (there := far_wish(self._far, wish)) is not None:
            from roost.client.far_events import FarEventStream

            return FarEventStream(*there, reconnect=reconnect)
        return EventStream(self._endpoint, self.client_name, wish, reconnect=reconnect)

    def read_events(
        self,
        target: str | None = None,
        *,
        categories: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        since: str = "0.0",
        limit: int = 500,
    ) -> builtins.list[Event]:
        """A page of the journal behind an id, oldest first."""
        return self._perform(event_calls.read_events(target, categories, types, since, limit))

    def add_observer(
        self,
        target: str = "",
        *,
        categories: Sequence[str] | None = None,
        capacity: int = 0,
        policy: str = "drop_oldest",
    ) -> ObserverInfo:
        """Registers an observer: its events are buffered from now on, whoever is connected; `events(observer=id)`
        delivers them. Beyond `capacity` (1024 if 0) the oldest go, or with "block" emitters wait."""
        return self._perform(event_calls.add_observer(target, categories, capacity, policy))

    def observers(self, target: str | None = None) -> builtins.list[ObserverInfo]:
        """The observers of a session, of all sessions without a target."""
        return self._perform(event_calls.list_observers(target))

    def remove_observer(self, id: str) -> ObserverInfo:
        """Forgets an observer and what it has buffered; what it was."""
        return self._perform(event_calls.remove_observer(id))

    def event_status(self) -> dict[str, Any]:
        """How far the journal reaches, what it keeps, and what programs emitted."""
        return self._perform(event_calls.event_status())

    def history(
        self,
        target: str = "",
        *,
        originator: str | None = None,
        failed: bool = False,
        running: bool = False,
        since: float | None = None,
        until: float | None = None,
        limit: int = 100,
    ) -> builtins.list[HistoryEntry]:
        """Sessions that ran, purged and lost ones too, the latest first. Times in Unix seconds."""
        call = event_calls.history(
            target, originator=originator, failed=failed, running=running, since=since, until=until, limit=limit
        )
        return self._perform(call)

    # ------------------------------------------------------------------ tees

    def add_tee(self, target: str, path: Text, **options: Unpack[TeeKeywords]) -> TeeInfo:
        """Copies a stream of a session to a file, from its next byte on; goes on across restarts of the daemon."""
        return self._perform(tee_calls.add_tee(target, tee_from(path, options)))

    def tees(self, target: str | None = None) -> builtins.list[TeeInfo]:
        """The tees of a session, ended ones too; of all sessions without a target."""
        return self._perform(tee_calls.list_tees(target))

    def remove_tee(self, target: str, handle: int) -> TeeInfo:
        """Ends a tee when its file has what was written up to now; what it was."""
        return self._perform(tee_calls.remove_tee(target, handle))

    # ------------------------------------------------------------------ registered processes

    def processes(self, *, originator: str | None = None) -> builtins.list[ProcessInfo]:
        """The process registry, oldest entry first; `originator` keeps those that begin with it and a colon."""
        return self._perform(process_calls.list_processes(originator))

    def process_tree(self, pid: int | None = None) -> str:
        """The tree below a process, drawn; without a pid everything that is roost's."""
        return self._perform(process_calls.process_tree(pid))

    def kill_tree(self, pid: int, *, timeout_s: float = 3.0) -> int:
        """Kills a process and everything below it at once; how many were reached. A reused pid is left alone."""
        return self._perform(process_calls.kill_tree(pid, timeout_s))

    def kill_zombies(self, *, dry_run: bool = False) -> builtins.list[ZombieInfo]:
        """Forgets entries whose process is gone and kills orphans; with `dry_run` only tells."""
        return self._perform(process_calls.kill_zombies(dry_run=dry_run))

    # ------------------------------------------------------------------ services

    @property
    def services(self) -> Services:
        """The verbs about services."""
        from roost.client.services import Services

        return Services(self._perform)

    # ------------------------------------------------------------------ addresses and tokens

    @property
    def access(self) -> Access:
        """The verbs about HTTP addresses and tokens."""
        from roost.client.access import Access

        return Access(self._perform)

    # ------------------------------------------------------------------ approvals

    @property
    def approvals(self) -> Approvals:
        """The verbs about approvals."""
        from roost.client.approvals import Approvals

        return Approvals(self._perform)

    # ------------------------------------------------------------------ daemon

    def ping(self) -> float:
        """Asks the daemon for a sign of life; returns its clock, in Unix seconds."""
        return self._perform(calls.Ping())

    def status(self) -> DaemonStatus:
        """What the daemon says of itself."""
        return self._perform(calls.status())

    def stop(self, *, kill: bool = False, restart: bool = False, timeout_s: float = 10.0) -> int:
        """Stops the daemon; sessions run on in the keeper unless `kill`. Returns how many are left.

        With `restart` the keeper starts it again and attached clients wait for it; else they are detached.
        """
        left = self._perform(calls.stop(kill=kill, restart=restart, timeout_s=timeout_s))
        self.close()
        return left

    def upgrade_keeper(self) -> dict[str, Any]:
        """Has the keeper re-execute itself in place, without losing a child or a byte."""
        return self._perform(calls.upgrade_keeper())

    def doctor(self) -> builtins.list[Check]:
        """What the daemon finds when it examines itself and its surroundings."""
        return self._perform(calls.doctor())

    # ------------------------------------------------------------------ the connection

    def _perform(self, request: calls.Request[T]) -> T:
        """Asks and returns the answer, over a new connection if the old one turns out to be gone."""
        deadline = Deadline(None if request.extra_s is None else self.timeout_s + request.extra_s)
        there = far_request(self._far, request)
        retry = CallRetry(repeatable=request.repeatable)
        while True:
            try:
                if there is not None:
                    return there.perform(deadline)
                return request.answer(self._exchange(request, deadline))
            except UnavailableError as error:
                pause_s = retry.pause_after(error, monotonic())
                if pause_s is None or deadline.passed:
                    raise
                sleep(deadline.within_s(pause_s))

    def _exchange(self, request: calls.Request[T], deadline: Deadline) -> Reply:
        connection = self._connection or Connection(connect(self._endpoint, deadline))
        self._connection = None  # until it is known to be in step again
        try:
            reply = connection.request(request, self.client_name, deadline)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return reply
