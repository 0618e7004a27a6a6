"""The Unix socket: accepts, reads requests, answers them in order, and hands a connection over when it is attached.

Owns connections until they become attachments. Limits are here: connections, and who may connect. Knows requests only
as something to be answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import struct
from collections.abc import Callable

from roost.daemon.asker import ASKER
from roost.daemon.begun import Begun
from roost.daemon.behind import Behind
from roost.daemon.incoming import READ_BYTES, Incoming
from roost.daemon.listening import file_at, listen_at
from roost.daemon.typists import Typists
from roost.daemon.v1 import V1, Connection
from roost.errors import RoostError
from roost.platform.descriptors import descriptors_left
from roost.wire import daemon_v1_pb2 as pb
from roost.wire.codec import encode_response
from roost.wire.conversation import BadRequest, Request, ServerConversation

log = logging.getLogger(__name__)

#: Open connections at most; one more is told so and closed.
MAX_CONNECTIONS = 4096
#: Descriptors that connections leave to what is done for them; the first few are let in all the same, to mend things.
_RESERVED_DESCRIPTORS = 16
_UNCOUNTED = 4
#: How long a full process waits before it accepts again.
_ACCEPT_PAUSE_S = 0.1
#: How long connections may take to end when the daemon leaves.
_HANG_UP_S = 1.0


class UnixServer:
    """Serves the session protocol on one socket."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        tasks: asyncio.TaskGroup,
        v1: Callable[[], V1],
        typists: Typists,
        behind: Behind,
    ) -> None:
        """`v1` is asked at the first connection: protobuf is imported then."""
        self._loop = loop
        self._tasks = tasks
        self._v1 = v1
        self._typists = typists
        self._behind = behind
        self._listener: socket.socket | None = None
        self._path = ""
        self._file: tuple[int, int] | None = None
        self.connections = 0
        self._served: dict[asyncio.Task[None], Connection] = {}

    def listen(self, path: str, listener: socket.socket | None = None, *, lent: bool = False) -> None:
        """Listen at a path, or serve the socket that listens there already; a lent one keeps its file at the end.

        Raises RoostError, naming the path.
        """
        self._listener = listener or listen_at(path)
        self._path = "" if lent else path
        self._file = file_at(path)
        self._loop.add_reader(self._listener, self._accept)

    def listen_again(self) -> bool:
        """Listen at the path anew if what is there is not our socket any more; whether it was so.

        Raises RoostError where that cannot be done; the old socket, which nobody finds, is kept then.
        """
        if self._listener is None or not self._path or file_at(self._path) == self._file:
            return False
        fresh = listen_at(self._path)
        self._loop.remove_reader(self._listener)
        self._listener.close()
        self._listener = fresh
        self._file = file_at(self._path)
        self._loop.add_reader(fresh, self._accept)
        return True

    def _accept(self) -> None:
        assert self._listener is not None
        for _ in range(64):
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    log.error(
                        "cannot accept connections for a moment: %s; `roost doctor` shows the limits", error.strerror
                    )
                    self._loop.remove_reader(self._listener)
                    self._loop.call_later(_ACCEPT_PAUSE_S, self._accept_again)
                return
            sock.setblocking(False)
            self._tasks.create_task(self._serve(sock), name="connection")

    def _accept_again(self) -> None:
        if self._listener is not None:
            self._loop.add_reader(self._listener, self._accept)

    def connect_for(self, asker: str, pid: int | None) -> socket.socket:
        """A connection from within for somebody who came in another way; what is done on it is done in their name."""
        near, far = socket.socketpair()
        near.setblocking(False)
        far.setblocking(False)
        self._tasks.create_task(self._serve(far, (asker, pid or 0)), name="connection")
        return near

    async def _serve(self, sock: socket.socket, known: tuple[str, int] | None = None) -> None:
        """One connection until it ends or becomes an attachment. `known`: who is there and their pid, 0 for unknown."""
        self.connections += 1
        handed_over = False
        try:
            peer_pid, peer_uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            refusal = self._refusal(peer_uid)
            if refusal is not None:
                await self._refuse(sock, refusal)
                return
            asker, peer_pid = known or (f"unix:{peer_pid}", peer_pid)
            ASKER.set(asker)
            connection = Connection(sock, ServerConversation(), peer_pid, self._one_less)
            incoming = Incoming(self._loop, connection, self._answer_at_once, self._begin)
            task = asyncio.current_task()
            assert task is not None
            self._served[task] = connection
            try:
                handed_over = await self._converse(connection, incoming)
            finally:
                del self._served[task]
                incoming.close()
                if connection.stream is not None:
                    connection.stream.close()
        except (ConnectionError, TimeoutError):
            pass
        except OSError as error:  # no descriptor is left, for example: this connection ends, the daemon does not
            log.error("a connection was closed: %s", error.strerror or error)
        finally:
            if not handed_over:
                sock.close()
                self._one_less()

    def _one_less(self) -> None:
        self.connections -= 1

    def _refusal(self, peer_uid: int) -> pb.DaemonResponse | None:
        if peer_uid not in (os.geteuid(), 0):
            text = f"user {peer_uid} may not use the daemon of user {os.geteuid()}"
            return pb.DaemonResponse(code=pb.STATUS_CODE_INVALID_ARGUMENT, message=text)
        if self.connections > MAX_CONNECTIONS:
            text = f"{MAX_CONNECTIONS} connections are open, which is the limit; close some"
            return pb.DaemonResponse(code=pb.STATUS_CODE_RATE_LIMITED, message=text)
        if self._crowded():
            text = "too many open files in the daemon: close connections, or raise the hard limit (`ulimit -Hn`)"
            return pb.DaemonResponse(code=pb.STATUS_CODE_RATE_LIMITED, message=text)
        return None

    def _crowded(self) -> bool:
        """Whether one more connection would take a descriptor that the work for the others needs."""
        return self.connections > _UNCOUNTED and descriptors_left() < _RESERVED_DESCRIPTORS

    async def _refuse(self, sock: socket.socket, refusal: pb.DaemonResponse) -> None:
        """Answer the first request, whatever it is, and close: a silent close would stall a v1 client."""
        async with asyncio.timeout(5):
            conversation = ServerConversation()
            while data := await self._loop.sock_recv(sock, READ_BYTES):
                conversation.feed(data)
                event = conversation.next_event()
                if event is not None:
                    refusal.request_id = event.message.id if isinstance(event, Request) else 0
                    await self._loop.sock_sendall(sock, encode_response(refusal))
                    return

    async def _converse(self, connection: Connection, incoming: Incoming) -> bool:
        """Answer requests in order; True when the connection has become an attachment."""
        sock, conversation = connection.sock, connection.conversation
        while True:
            event = await incoming.next()
            if event is None:
                return False
            if isinstance(event, BadRequest):
                await self._answer_bad(sock, event)
                if event.fatal:
                    return False
                continue
            if await self._answer(connection, event.message):
                return True
            if connection.stream is not None:
                from roost.daemon.streaming import serve_stream  # not before a call needs it

                await serve_stream(self._loop, sock, conversation, event.message.id, connection.stream)
                return False
            if conversation.waiting:  # a refused attach: v1 closes
                return False

    def _answer_at_once(self, connection: Connection, request: pb.DaemonRequest) -> bytes | None:
        """The answer to a request for which nothing has to be waited, else None."""
        self._typists.serve()
        v1 = self._v1()
        if not v1.answers_at_once(request):
            return None
        self._behind.settle()
        return self._encode(v1.answer_at_once(request, connection))

    def _begin(
        self, connection: Connection, request: pb.DaemonRequest, done: Callable[[bytes], None]
    ) -> Begun[pb.DaemonResponse] | None:
        """The answer under way to a request that needs no task; `done` is called with its bytes."""
        v1 = self._v1()
        if not v1.begins_at_once(request):
            return None
        return Begun(v1.answer(request, connection), lambda response: done(self._encode(response)))

    async def _answer_bad(self, sock: socket.socket, bad: BadRequest) -> None:
        response = pb.DaemonResponse(code=pb.STATUS_CODE_INVALID_ARGUMENT, message=bad.text)
        await self._loop.sock_sendall(sock, encode_response(response))

    async def _answer(self, connection: Connection, request: pb.DaemonRequest) -> bool:
        """Answer one request; True when it was a successful attach (the attachment then owns the socket)."""
        self._behind.settle()
        if self._v1().may_wait(request):
            response = await self._answer_unless_gone(connection, request)
        else:
            response = await self._v1().answer(request, connection)
        body = self._encode(response)
        if connection.attachment is not None:
            connection.conversation.start_stream()
            connection.attachment.start(body)
            return True
        await self._loop.sock_sendall(connection.sock, body)
        return False

    async def _answer_unless_gone(self, connection: Connection, request: pb.DaemonRequest) -> pb.DaemonResponse:
        """Answer a request that may wait for long; given up when the client goes away. Raises ConnectionResetError."""
        work = self._tasks.create_task(self._v1().answer(request, connection), name="request")
        sock = connection.sock

        def look() -> None:
            try:
                gone = not sock.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                return
            except OSError:
                gone = True
            self._loop.remove_reader(sock)  # either it is gone, or a pipelined request hides whether it is
            if gone:
                work.cancel()

        self._loop.add_reader(sock, look)
        try:
            await asyncio.wait([work])
        finally:
            self._loop.remove_reader(sock)
            work.cancel()
        if work.cancelled():
            raise ConnectionResetError("the client went away")
        return work.result()

    def _encode(self, response: pb.DaemonResponse) -> bytes:
        try:
            return encode_response(response)
        except RoostError as error:
            failed = pb.DaemonResponse(
                request_id=response.request_id, code=pb.STATUS_CODE_INTERNAL, message=error.message
            )
            return encode_response(failed)

    async def hang_up(self) -> None:
        """End the connections that ask; what they have not asked yet is for the next daemon. Those that are told of
        something, and attachments, are ended by others."""
        asking = [task for task, connection in self._served.items() if connection.stream is None]
        for task in asking:
            task.cancel()
        if asking:
            await asyncio.wait(asking, timeout=_HANG_UP_S)

    def close(self) -> None:
        """Stop listening and remove the socket file."""
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
            if self._path and file_at(self._path) == self._file:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._path)
