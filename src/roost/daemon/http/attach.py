"""Attaching over a WebSocket: `WS /v1/sessions/{target}/attach`.

Owns both forms of it. The plain one is for browsers and scripts: JSON texts for what happens, binary messages for bytes
(from us: eight bytes of offset, then output; to us: input), and acknowledgements, so that a slow screen does not have
megabytes on the way to it. With the subprotocol `roost.frames.v1` binary messages carry the frames of the daemon's
socket as they are, beginning with the client's attach request: that is how roost's own clients attach from afar.

Either way the attachment is an ordinary one, on one end of a pair of sockets. So all of its promises hold: gaps are
exact, the exit comes behind the output, a steal and a detach are told, and input is held back, never dropped.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, cast

from roost.core.access import DeniedError
from roost.daemon.http.attach_plain import Plain, attach_request
from roost.daemon.http.caller import Caller
from roost.daemon.http.describe import answers, path_parameter
from roost.daemon.http.routes import Route, Scope
from roost.daemon.v1 import V1, Connection
from roost.errors import InvalidError, RoostError, error_of_kind
from roost.wire import daemon_v1_pb2 as pb
from roost.wire.codec import encode_response
from roost.wire.conversation import BadRequest, Request, ServerConversation

if TYPE_CHECKING:
    from roost.daemon.http.world import World

FRAMES = "roost.frames.v1"
PLAIN = "roost.attach.v1"
_READ_BYTES = 256 * 1024
#: How long a client may take to say how it wants to attach.
_FIRST_S = 15.0
_ATTACHES = (pb.REQUEST_TYPE_ATTACH_PTY_SESSION, pb.REQUEST_TYPE_ATTACH_PIPE_STREAM)


def routes(world: World) -> list[Route]:
    """One."""

    async def serve(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        caller.require("read")
        session = caller.find(world.service, values["target"])
        await receive()  # websocket.connect
        frames = FRAMES in scope["subprotocols"]
        chosen = FRAMES if frames else PLAIN if PLAIN in scope["subprotocols"] else None
        await send({"type": "websocket.accept", "subprotocol": chosen})
        world.counters.attachments += 1
        link = _Link(world, caller, session.id, receive, send)
        try:
            await (link.serve_frames() if frames else link.serve_plain())
        finally:
            world.counters.attachments -= 1
            link.close()

    return [Route("WS", "/v1/sessions/{target}/attach", serve, described=_described())]


class _Link:
    """One WebSocket and the attachment behind it."""

    def __init__(self, world: World, caller: Caller, session_id: str, receive: Any, send: Any) -> None:
        self._world = world
        self._loop = world.context.loop
        self._caller = caller
        self._session_id = session_id
        self._receive = receive
        self._send = send
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self._handed_over = False

    def close(self) -> None:
        """Leave; the attachment sees the end of its socket."""
        self._near.close()
        if not self._handed_over:
            self._far.close()

    async def _first(self) -> Any:
        """The client's first message. Raises RoostError."""
        try:
            async with asyncio.timeout(_FIRST_S):
                return await self._receive()
        except TimeoutError:
            raise RoostError("nothing was said after the connection was made", kind="timeout") from None

    async def _attach(self, data: bytes) -> bytes:
        """Attach as an encoded request says; the encoded answer, which the attachment sends itself when it is good."""
        conversation = ServerConversation()
        conversation.feed(data)
        event = conversation.next_event()
        if not isinstance(event, Request) or event.message.type not in _ATTACHES:
            text = event.text if isinstance(event, BadRequest) else "the first message must be an attach request"
            raise InvalidError(text)
        self._check(event.message)
        connection = Connection(self._far, conversation, 0, lambda: None)
        v1 = cast(V1, self._world.shared["v1"])
        response = await v1.answer(event.message, connection)
        body = encode_response(response)
        if connection.attachment is not None:
            self._handed_over = True
            conversation.start_stream()
            connection.attachment.start(body)
        elif response.code:
            self._failure = error_of_kind(response.roost.error_kind or "invalid", response.message)
        return body

    _failure: RoostError | None = None

    def _check(self, request: pb.DaemonRequest) -> None:
        """Whether this caller may attach so, and to this session. Raises DeniedError."""
        terminal = request.type == pb.REQUEST_TYPE_ATTACH_PTY_SESSION
        payload = request.attach_pty_session if terminal else request.attach_pipe_stream
        if not payload.HasField("roost"):
            raise InvalidError("the attach request must carry roost's extension")
        if payload.roost.mode != "view" or payload.roost.lossless or payload.steal:
            self._caller.require("type")
        target = self._caller.find(self._world.service, payload.session_id)
        if target.id != self._session_id:
            raise DeniedError(f"this address attaches to session {self._session_id}, not to {target.id}")

    # --- frames as they are -----------------------------------------------------------------------------------------

    async def serve_frames(self) -> None:
        """Bytes both ways."""
        message = await self._first()
        data = message.get("bytes") or b""
        try:
            body = await self._attach(data)
        except RoostError as error:
            response = pb.DaemonResponse(request_id=1, code=pb.STATUS_CODE_INVALID_ARGUMENT, message=error.message)
            response.roost.error_kind = error.kind
            body = encode_response(response)
        if not self._handed_over:
            await self._send({"type": "websocket.send", "bytes": body})
            await self._send({"type": "websocket.close", "code": 1008})
            return
        await self._both(self._frames_down(), self._frames_up())

    async def _frames_down(self) -> None:
        while data := await self._loop.sock_recv(self._near, _READ_BYTES):
            self._world.counters.output_bytes += len(data)
            await self._send({"type": "websocket.send", "bytes": data})
        await self._send({"type": "websocket.close", "code": 1000})

    async def _frames_up(self) -> None:
        while (message := await self._receive())["type"] == "websocket.receive":
            if message.get("bytes"):
                await self._loop.sock_sendall(self._near, message["bytes"])

    # --- the plain form ---------------------------------------------------------------------------------------------

    async def serve_plain(self) -> None:
        """JSON and bytes."""
        try:
            message = await self._first()
            if message["type"] != "websocket.receive":
                return
            session = self._world.service.find(self._session_id)
            wish, request = attach_request(session, message.get("text"))
            await self._attach(request)
            if self._failure is not None:
                raise self._failure
        except RoostError as error:
            await self._send({"type": "websocket.send", "text": Plain.error(error)})
            await self._send({"type": "websocket.close", "code": 1008, "reason": error.kind})
            return
        plain = Plain(wish, pipe=not session.is_pty)
        await self._both(self._plain_down(plain), self._plain_up(plain))

    async def _plain_down(self, plain: Plain) -> None:
        while data := await self._loop.sock_recv(self._near, _READ_BYTES):
            for message in plain.received(data):
                if isinstance(message, bytes):
                    self._world.counters.output_bytes += len(message)
                    await self._send({"type": "websocket.send", "bytes": message})
                else:
                    await self._send({"type": "websocket.send", "text": message})
                while plain.window_full:
                    await plain.acknowledged.wait()
        await self._send({"type": "websocket.close", "code": 1000 if plain.ended else 1012})

    async def _plain_up(self, plain: Plain) -> None:
        while (message := await self._receive())["type"] == "websocket.receive":
            try:
                data = plain.asked(message)
            except RoostError as error:
                await self._send({"type": "websocket.send", "text": Plain.error(error)})
                continue
            if data:
                await self._loop.sock_sendall(self._near, data)

    async def _both(self, down: Any, up: Any) -> None:
        """Run both directions until either ends."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_until_lost(one)) for one in (down, up)]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None


async def _until_lost(work: Any) -> None:
    """Carry on until the socket or the client is gone."""
    try:
        await work
    except OSError:
        pass


def _described() -> dict[str, Any]:
    components: dict[str, Any] = {}
    return {
        "operationId": "attach_sessions_target",
        "summary": "Attach (WebSocket)",
        "description": f'Connect as a WebSocket. The first message is JSON: `{{"type": "attach", …}}`. Subprotocols: '
        f"`{PLAIN}` (the default) and `{FRAMES}`. See docs/http.md.",
        "tags": ["sessions"],
        "x-roost-scope": "read",
        "x-websocket": True,
        "parameters": [path_parameter("target")],
        "responses": answers({101: ("A WebSocket", {})}, components),
        "components": components,
    }
