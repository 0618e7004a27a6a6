"""What comes in on a connection for requests: some answered at once, the rest handed to the connection's task in order.

Owns the socket's readable side while requests come one after the other, and the answers that are given at once. Knows
of a request only whether there is an answer already.

    idle --(data)--> answered at once, one a turn --> idle
    idle --(data)--> begun, nothing is read --(its answer)--> idle
    idle --(data that needs the task, the end, an answer that the client does not take)--> the task's --(next)--> idle
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from roost.daemon.v1 import Connection
from roost.wire.conversation import BadRequest, Request
from roost.wire.frame_types import InputFrame

if TYPE_CHECKING:
    from roost.daemon.begun import Begun
    from roost.wire import daemon_v1_pb2 as pb

READ_BYTES = 64 * 1024


class Incoming:
    """Reads requests off one connection."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: Connection,
        answer_at_once: Callable[[Connection, pb.DaemonRequest], bytes | None],
        begin: Callable[[Connection, pb.DaemonRequest, Callable[[bytes], None]], Begun[Any] | None],
    ) -> None:
        """`answer_at_once`: the answer's bytes to a request for which nothing has to be waited, else None.

        `begin`: what is done for one that has to wait but needs no task, else None; the callback brings the answer.
        """
        self._loop = loop
        self._connection = connection
        self._fd = connection.sock.fileno()  # asked for a socket not watched yet, a selector describes it: 30 µs
        self._answer_at_once = answer_at_once
        self._begin = begin
        self._begun: Begun[Any] | None = None
        self._idle: asyncio.Future[None] | None = None
        self._reading = False
        self._next_turn: asyncio.Handle | None = None
        self._event: Request | BadRequest | None = None
        self._unsent = memoryview(b"")
        self._ended = False
        self._error: OSError | None = None

    async def next(self) -> Request | BadRequest | None:
        """The next request that needs the task; None at the end. Raises OSError when the connection is broken."""
        conversation = self._connection.conversation
        while True:
            if self._unsent:
                unsent, self._unsent = self._unsent, memoryview(b"")
                await self._loop.sock_sendall(self._connection.sock, unsent)
            if self._error is not None:
                raise self._error
            if self._event is not None:
                event, self._event = self._event, None
                return event
            if self._ended:
                bad: BadRequest | None = conversation.feed_eof()
                return bad
            self._idle = self._loop.create_future()
            if conversation.buffered:  # what was sent together is not answered in one go: others have their turn
                self._next_turn = self._loop.call_soon(self._go_on)
            else:
                self._read()
            await self._idle

    def close(self) -> None:
        """Read no more. Before the socket is closed or given to somebody else."""
        self._read_no_more()
        if self._begun is not None:
            self._begun.close()
        if self._next_turn is not None:
            self._next_turn.cancel()

    def _read(self) -> None:
        if not self._reading:
            self._reading = True
            self._loop.add_reader(self._fd, self._readable)

    def _read_no_more(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)

    def _wake_task(self) -> None:
        self._read_no_more()
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def _readable(self) -> None:
        if self._begun is not None:  # whatever it is, it comes behind the answer
            self._read_no_more()
            return
        try:
            data = self._connection.sock.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._error = error
            self._wake_task()
            return
        if not data:
            self._ended = True
            self._wake_task()
            return
        self._connection.conversation.feed(data)
        if self._next_turn is None:
            self._go_on()

    def _go_on(self) -> None:
        """Answer one request, or have the task do it."""
        self._next_turn = None
        conversation = self._connection.conversation
        event = conversation.next_event()
        if event is None:
            self._read()
            return
        assert not isinstance(event, InputFrame)
        if isinstance(event, Request):
            answer = self._answer_at_once(self._connection, event.message)
            if answer is not None:
                self._answered(answer)
                return
            self._begun = self._begin(self._connection, event.message, self._answered)
            if self._begun is not None:
                self._begun.start()
                return
        self._event = event
        self._wake_task()

    def _answered(self, answer: bytes) -> None:
        self._begun = None
        conversation = self._connection.conversation
        if not self._send(answer):
            self._wake_task()
        elif conversation.buffered:
            self._next_turn = self._loop.call_soon(self._go_on)
        else:
            self._read()

    def _send(self, answer: bytes) -> bool:
        """Whether the client has taken all of it."""
        try:
            sent = self._connection.sock.send(answer)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._error = error
            return False
        self._unsent = memoryview(answer)[sent:]
        return not self._unsent
