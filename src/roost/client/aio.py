"""The asyncio client: the verbs of `Client`, as coroutines that may run side by side.

Owns the idle connections to the daemon: each call has one to itself, so that a long `wait` holds nothing up. Starts no
task of its own. What the calls say is in `calls`, what an attachment's frames mean in `stream`.
"""

from __future__ import annotations

import asyncio
import builtins
import os
import socket
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

from roost.client import calls
from roost.client.aio_attachment import AsyncAttachment
from roost.client.aio_automation import AsyncAutomationVerbs
from roost.client.aio_connection import AsyncConnection, connect_async
from roost.client.aio_daemon_verbs import AsyncDaemonVerbs
from roost.client.aio_event_verbs import AsyncEventVerbs
from roost.client.aio_recording import AsyncRecordingVerbs
from roost.client.aio_session import AsyncSession
from roost.client.aio_session_verbs import AsyncSessionVerbs
from roost.client.deadline import Deadline
from roost.client.endpoint import Endpoint, MadeEndpoint
from roost.client.far_targets import attach_endpoint, far_base, far_id, far_request, far_wish, near_id
from roost.client.keywords import AttachKeywords, EventKeywords, SpawnKeywords, Text
from roost.client.opening import SpawnOrder, attach_options, event_wish
from roost.client.retry import CallRetry
from roost.client.session_identity import SessionIdentity
from roost.client.stream import AttachmentState
from roost.errors import UnavailableError
from roost.model.sessions import SessionInfo
from roost.wire.requests import Reply

if TYPE_CHECKING:
    from roost.client.aio_access import AsyncAccess
    from roost.client.aio_approvals import AsyncApprovals
    from roost.client.aio_event_stream import AsyncEventStream
    from roost.client.aio_services import AsyncServices

T = TypeVar("T")

#: Connections kept for the next calls; the others are closed when their call is over.
IDLE_LIMIT = 4


class AsyncClient(AsyncSessionVerbs, AsyncEventVerbs, AsyncDaemonVerbs, AsyncAutomationVerbs, AsyncRecordingVerbs):
    """A client for asyncio. Arguments, targets and errors are those of `Client`; calls may run concurrently.

    `connect` gives connected, non-blocking sockets of a daemon that is reached in another way than by a path.

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
        connect: Callable[[], socket.socket] | None = None,
    ) -> None:
        self.timeout_s = timeout_s
        self.client_name = client_name
        self._far = far_base(socket_path)
        self._leaves = connect is None  # for the daemons that targets name; one that was given resolves them itself
        if connect is not None:
            self._endpoint: Endpoint = MadeEndpoint(os.fspath(socket_path or ""), connect)
        else:
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

    async def restart(self, target: str = "", *, grace_s: float = 2.0) -> AsyncSession:
        """Ends a session and starts the same command again under the same name; the handle is the new session's."""
        return self._handle(target, await self._perform(calls.restart(target, grace_s)))

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
        from roost.client.aio_access import AsyncAccess

        return AsyncAccess(self._perform)

    # ------------------------------------------------------------------ approvals

    @property
    def approvals(self) -> AsyncApprovals:
        """The verbs about approvals."""
        from roost.client.aio_approvals import AsyncApprovals

        return AsyncApprovals(self._perform)

    # ------------------------------------------------------------------ the connections

    async def _perform(self, request: calls.Request[T]) -> T:
        """Asks and returns the answer, over a new connection if an old one turns out to be gone."""
        deadline = Deadline(None if request.extra_s is None else self.timeout_s + request.extra_s)
        there = far_request(self._far, request) if self._leaves else None
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
