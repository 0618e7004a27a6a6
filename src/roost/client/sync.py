"""The blocking client: connects when needed, performs calls, opens attachments.

Owns one plain connection to the daemon and its renewal; not for use from several threads at once. What the calls say is
in `calls`, what an attachment's frames mean in `stream`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from time import monotonic, sleep
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

from roost.client import calls
from roost.client.attachment import Attachment
from roost.client.automation import AutomationVerbs
from roost.client.connection import Connection
from roost.client.daemon_verbs import DaemonVerbs
from roost.client.deadline import Deadline
from roost.client.endpoint import Endpoint
from roost.client.event_verbs import EventVerbs
from roost.client.far_targets import attach_endpoint, far_base, far_id, far_request, far_wish, near_id
from roost.client.keywords import AttachKeywords, EventKeywords, SpawnKeywords, Text
from roost.client.launch import connect
from roost.client.opening import SpawnOrder, attach_options, event_wish
from roost.client.recording import RecordingVerbs
from roost.client.retry import CallRetry
from roost.client.session import Session
from roost.client.session_identity import SessionIdentity
from roost.client.session_verbs import SessionVerbs
from roost.client.stream import AttachmentState
from roost.errors import UnavailableError
from roost.model.sessions import SessionInfo
from roost.wire.requests import Reply

if TYPE_CHECKING:
    from roost.client.access import Access
    from roost.client.approvals import Approvals
    from roost.client.event_stream import EventStream
    from roost.client.services import Services

T = TypeVar("T")


class Client(SessionVerbs, EventVerbs, DaemonVerbs, AutomationVerbs, RecordingVerbs):
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

    def restart(self, target: str = "", *, grace_s: float = 2.0) -> Session:
        """Ends a session and starts the same command again under the same name; the handle is the new session's."""
        return self._handle(target, self._perform(calls.restart(target, grace_s)))

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
