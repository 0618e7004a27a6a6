"""The asyncio client: the verbs of `Client`, as coroutines that may run side by side.

Owns the idle connections to the daemon: each call has one to itself, so that a long `wait` holds nothing up. Starts no
task of its own. What the calls say is in `calls`, what an attachment's frames mean in `stream`.
"""

from __future__ import annotations

import asyncio
import builtins
import os
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from roost.client import calls, event_calls, hook_calls, process_calls, tee_calls
from roost.client.aio_attachment import AsyncAttachment
from roost.client.aio_automation import AsyncAutomationVerbs
from roost.client.aio_connection import AsyncConnection, connect_async
from roost.client.aio_session import AsyncSession
from roost.client.backlog import BacklogGathering
from roost.client.deadline import Deadline
from roost.client.endpoint import Endpoint
from roost.client.far_targets import attach_endpoint, far_base, far_id, far_request, far_wish, near_id
from roost.client.keywords import AttachKeywords, EventKeywords, SpawnKeywords, TeeKeywords, Text
from roost.client.opening import SpawnOrder, attach_options, event_wish, tee_from
from roost.client.recording import AsyncRecordingVerbs
from roost.client.results import Sent
from roost.client.retry import CallRetry
from roost.client.screens import AsyncScreenVerbs
from roost.client.sending import InputSending
from roost.client.session import SessionIdentity
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
    from roost.client.access import AsyncAccess
    from roost.client.aio_event_stream import AsyncEventStream
    from roost.client.aio_services import AsyncServices
    from roost.client.approvals import AsyncApprovals
    from roost.core.events import Event

T = TypeVar("T")

#: Connections kept for the next calls; the others are closed when their call is over.
IDLE_LIMIT = 4


class AsyncClient(AsyncAutomationVerbs, AsyncRecordingVerbs, AsyncScreenVerbs):
    """A client for asyncio. Arguments, targets and errors are those of `Client`; calls may run concurrently.

    Cancelling a call is safe for the client: its connection is thrown away. Whether the daemon carried the call out is
    then unknown, as after an UnavailableError.
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
        self._idle: builtins.list[AsyncConnection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"AsyncClient({self.socket_path!r})"

    @property
    def socket_path(self) -> str:
        """Where the daemon listens."""
        return self._far or self._endpoint.socket_path

    def close(self) -> None:
        """Closes the idle connections; the next call opens a new one. Attachments live on their own."""
        while self._idle:
            self._idle.pop().close()

    # ------------------------------------------------------------------ sessions

    async def spawn(self, argv: Sequence[Text], **options: Unpack[SpawnKeywords]) -> AsyncSession:
        """Starts a program in a session of its own and returns its handle; the options are those of `SpawnKeywords`.

        The call carries a spawn id: repeated after a crash of the daemon, it still creates one session.
        """
        info, existing = await self._perform(SpawnOrder(argv, options))
        return AsyncSession(self, info, existing=existing)

    async def list(self, *, originator: str | None = None, all: bool = True) -> list[SessionInfo]:
        """The sessions, exited ones too unless `all` is false; `originator` keeps those of exactly that owner."""
        return await self._perform(calls.list_sessions(originator, all=all))

    sessions = list

    async def get(self, target: str = "") -> SessionInfo:
        """What the daemon knows of one session."""
        return await self._perform(calls.get_session(target))

    async def session(self, target: str = "") -> AsyncSession:
        """The handle of one session; it stays with that session whatever the target would mean later."""
        return self._handle(target, await self.get(target))

    def _handle(self, target: str, info: SessionInfo) -> AsyncSession:
        session = AsyncSession(self, info)
        session.id = far_id(target, session.id)
        return session

    async def attach(self, target: str = "", **options: Unpack[AttachKeywords]) -> AsyncAttachment:
        """Attaches to a session, exited ones included, on a connection of its own.

        The options are those of `AttachKeywords`. Errors: NoRunError, AmbiguousTargetError, AlreadyAttachedError (use
        mode share or view, or steal).
        """
        return await (await self.session(target)).attach(**options)

    async def attach_session(self, session: SessionIdentity, **options: Unpack[AttachKeywords]) -> AsyncAttachment:
        """Attaches to a session that was looked up before."""
        state = AttachmentState(
            attach_options(near_id(session.id), session.kind, options),
            client_name=self.client_name,
            reconnect=options.get("reconnect", True),
        )
        endpoint = attach_endpoint(self._endpoint, self._far, session.id)
        return await AsyncAttachment.open(endpoint, state, Deadline(self.timeout_s))

    async def backlog(
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
            gathering.add(await self._perform(gathering.next_call()))
        return gathering.backlog()

    async def logs(
        self,
        target: str = "",
        *,
        stream: str = "stdout",
        from_offset: int | None = None,
        tail_bytes: int | None = None,
        limit_bytes: int = calls.LOG_PAGE_BYTES,
    ) -> Backlog:
        """One page of retained output: at most `limit_bytes`; go on from its `next_offset`."""
        return await self._perform(
            calls.read_logs(
                target, stream=stream, from_offset=from_offset, tail_bytes=tail_bytes, limit_bytes=limit_bytes
            )
        )

    async def send(self, target: str, data: str | bytes, *, enter: bool = False, paste: bool = False) -> Sent:
        """Types into a session without attaching; returns when the bytes are written to the child.

        `enter` adds the Enter key. `paste` puts the data between brackets, without what could end them early, if the
        program asked for that. Never repeated by itself: after an UnavailableError it may have arrived or not.
        """
        sending = InputSending(target, data.encode() if isinstance(data, str) else data, enter=enter, paste=paste)
        while (call := sending.next_call()) is not None:
            try:
                sending.answered(await self._perform(call))
            except RoostError as error:
                sending.failed(error)
                raise
        return sending.result

    async def close_stdin(self, target: str = "") -> None:
        """Closes the stdin of a pipe session: its child reads end-of-file."""
        await self._perform(calls.close_stdin(target))

    async def resize(self, target: str, rows: int, cols: int) -> tuple[int, int]:
        """Sets the size of the terminal (0 keeps that side); returns the size that it has now."""
        return await self._perform(calls.resize(target, rows, cols))

    async def signal(self, target: str, number: int | str, *, scope: str | None = None) -> builtins.list[int]:
        """Sends a signal ("INT", "SIGINT" or 2) and returns the pids that got it.

        scope: "foreground" (the default for a terminal), "leader", "group" (the default for pipes) or "tree".
        """
        return await self._perform(calls.signal(target, number, scope))

    async def detach(self, target: str = "") -> int:
        """Detaches every client of a session; returns how many there were."""
        return await self._perform(calls.detach(target))

    async def rename(self, target: str, name: str) -> SessionInfo:
        """Gives a session another name."""
        return await self._perform(calls.rename(target, name))

    async def restart(self, target: str = "", *, grace_s: float = 2.0) -> AsyncSession:
        """Ends a session and starts the same command again under the same name; the handle is the new session's."""
        return self._handle(target, await self._perform(calls.restart(target, grace_s)))

    async def wait(self, target: str = "", timeout_s: float | None = None) -> ExitStatus:
        """Waits for the child to end; without a timeout as long as it takes, also across restarts of the daemon."""
        return await self._perform(calls.wait(target, timeout_s))

    async def terminate(
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
        return await self._perform(
            calls.terminate(targets, grace_s=grace_s, wait=wait, older_than_s=older_than_s, originator=originator)
        )

    async def purge(
        self, *targets: str, originator: str | None = None, older_than_s: float | None = None
    ) -> builtins.list[str]:
        """Forgets exited sessions and their output; without arguments all of them. Returns their ids."""
        return await self._perform(calls.purge(targets, originator, older_than_s))

    async def env(self, target: str = "") -> dict[str, str]:
        """The environment that a session was started with."""
        return await self._perform(calls.environment(target))

    # ------------------------------------------------------------------ configuration

    async def config(self) -> ConfigInfo:
        """The configuration in force in the daemon, and where each value comes from."""
        return await self._perform(hook_calls.show_config())

    async def reload_config(self) -> ConfigInfo:
        """Has the daemon read its configuration again; InvalidError says what is wrong, and nothing changed then."""
        return await self._perform(hook_calls.reload_config())

    async def hooks(self) -> builtins.list[SinkInfo]:
        """How the sinks of events are doing."""
        return await self._perform(hook_calls.show_hooks())

    async def retry_hooks(self, name: str | None = None) -> dict[str, int]:
        """Has one sink, or all, try again what it did not take, dead letters too; how many events each has to try."""
        return await self._perform(hook_calls.retry_hooks(name))

    # ------------------------------------------------------------------ events

    def events(self, target: str | None = None, **options: Unpack[EventKeywords]) -> AsyncEventStream:
        """Events as they happen, on a connection of their own: of one session with a `target`, else of everything.

        since: also those behind that id, as far as the journal reaches; without it only those to come. policy, for who
        reads slowly: "journal" (the default) reads on from the journal, "drop_oldest" leaves out beyond `capacity`,
        "block" lets emitters wait. What is missing is a `gap` event. observer: the id of one registered before, whose
        buffer is delivered. until_exit: end with the session's exit, the default with a target. The stream reconnects
        by itself and goes on without hole or repeat.
        """
        from roost.client.aio_event_stream import AsyncEventStream

        wish, reconnect = event_wish(target, options)
        if (there := far_wish(self._far, wish)) is not None:
            from roost.client.aio_far_events import AsyncFarEventStream

            return AsyncFarEventStream(*there, reconnect=reconnect)
        return AsyncEventStream(self._endpoint, self.client_name, wish, reconnect=reconnect)

    async def read_events(
        self,
        target: str | None = None,
        *,
        categories: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        since: str = "0.0",
        limit: int = 500,
    ) -> builtins.list[Event]:
        """A page of the journal behind an id, oldest first."""
        return await self._perform(event_calls.read_events(target, categories, types, since, limit))

    async def add_observer(
        self,
        target: str = "",
        *,
        categories: Sequence[str] | None = None,
        capacity: int = 0,
        policy: str = "drop_oldest",
    ) -> ObserverInfo:
        """Registers an observer: its events are buffered from now on, whoever is connected; `events(observer=id)`
        delivers them. Beyond `capacity` (1024 if 0) the oldest go, or with "block" emitters wait."""
        return await self._perform(event_calls.add_observer(target, categories, capacity, policy))

    async def observers(self, target: str | None = None) -> builtins.list[ObserverInfo]:
        """The observers of a session, of all sessions without a target."""
        return await self._perform(event_calls.list_observers(target))

    async def remove_observer(self, id: str) -> ObserverInfo:
        """Forgets an observer and what it has buffered; what it was."""
        return await self._perform(event_calls.remove_observer(id))

    async def event_status(self) -> dict[str, Any]:
        """How far the journal reaches, what it keeps, and what programs emitted."""
        return await self._perform(event_calls.event_status())

    async def history(
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
        return await self._perform(call)

    # ------------------------------------------------------------------ tees

    async def add_tee(self, target: str, path: Text, **options: Unpack[TeeKeywords]) -> TeeInfo:
        """Copies a stream of a session to a file, from its next byte on; goes on across restarts of the daemon."""
        return await self._perform(tee_calls.add_tee(target, tee_from(path, options)))

    async def tees(self, target: str | None = None) -> builtins.list[TeeInfo]:
        """The tees of a session, ended ones too; of all sessions without a target."""
        return await self._perform(tee_calls.list_tees(target))

    async def remove_tee(self, target: str, handle: int) -> TeeInfo:
        """Ends a tee when its file has what was written up to now; what it was."""
        return await self._perform(tee_calls.remove_tee(target, handle))

    # ------------------------------------------------------------------ registered processes

    async def processes(self, *, originator: str | None = None) -> builtins.list[ProcessInfo]:
        """The process registry, oldest entry first; `originator` keeps those that begin with it and a colon."""
        return await self._perform(process_calls.list_processes(originator))

    async def process_tree(self, pid: int | None = None) -> str:
        """The tree below a process, drawn; without a pid everything that is roost's."""
        return await self._perform(process_calls.process_tree(pid))

    async def kill_tree(self, pid: int, *, timeout_s: float = 3.0) -> int:
        """Kills a process and everything below it at once; how many were reached. A reused pid is left alone."""
        return await self._perform(process_calls.kill_tree(pid, timeout_s))

    async def kill_zombies(self, *, dry_run: bool = False) -> builtins.list[ZombieInfo]:
        """Forgets entries whose process is gone and kills orphans; with `dry_run` only tells."""
        return await self._perform(process_calls.kill_zombies(dry_run=dry_run))

    # ------------------------------------------------------------------ services

    @property
    def services(self) -> AsyncServices:
        """The verbs about services."""
        from roost.client.aio_services import AsyncServices

        return AsyncServices(self._perform)

    # ------------------------------------------------------------------ addresses and tokens

    @property
    def access(self) -> AsyncAccess:
        """The verbs about HTTP addresses and tokens."""
        from roost.client.access import AsyncAccess

        return AsyncAccess(self._perform)

    # ------------------------------------------------------------------ approvals

    @property
    def approvals(self) -> AsyncApprovals:
        """The verbs about approvals."""
        from roost.client.approvals import AsyncApprovals

        return AsyncApprovals(self._perform)

    # ------------------------------------------------------------------ daemon

    async def ping(self) -> float:
        """Asks the daemon for a sign of life; returns its clock, in Unix seconds."""
        return await self._perform(calls.Ping())

    async def status(self) -> DaemonStatus:
        """What the daemon says of itself."""
        return await self._perform(calls.status())

    async def stop(self, *, kill: bool = False, restart: bool = False, timeout_s: float = 10.0) -> int:
        """Stops the daemon; sessions run on in the keeper unless `kill`. Returns how many are left.

        With `restart` the keeper starts it again and attached clients wait for it; else they are detached.
        """
        left = await self._perform(calls.stop(kill=kill, restart=restart, timeout_s=timeout_s))
        self.close()
        return left

    async def upgrade_keeper(self) -> dict[str, Any]:
        """Has the keeper re-execute itself in place, without losing a child or a byte."""
        return await self._perform(calls.upgrade_keeper())

    async def doctor(self) -> builtins.list[Check]:
        """What the daemon finds when it examines itself and its surroundings."""
        return await self._perform(calls.doctor())

    # ------------------------------------------------------------------ the connections

    async def _perform(self, request: calls.Request[T]) -> T:
        """Asks and returns the answer, over a new connection if an old one turns out to be gone."""
        deadline = Deadline(None if request.extra_s is None else self.timeout_s + request.extra_s)
        there = far_request(self._far, request)
        retry = CallRetry(repeatable=request.repeatable)
        while True:
            try:
                if there is not None:
                    return await asyncio.to_thread(there.perform, deadline)
                return request.answer(await self._exchange(request, deadline))
            except UnavailableError as error:
                pause_s = retry.pause_after(error, monotonic())
                if pause_s is None or deadline.passed:
                    raise
                self.close()  # what is idle is older than what was just lost
                await asyncio.sleep(deadline.within_s(pause_s))

    async def _exchange(self, request: calls.Request[T], deadline: Deadline) -> Reply:
        connection = self._idle.pop() if self._idle else AsyncConnection(await connect_async(self._endpoint, deadline))
        try:
            reply = await connection.request(request, self.client_name, deadline)
        except BaseException:
            connection.close()
            raise
        if len(self._idle) < IDLE_LIMIT:
            self._idle.append(connection)
        else:
            connection.close()
        return reply
