"""One plain connection for asyncio: a request out, its response in.

Owns the socket and the request ids, like `connection` does for blocking code. Cancelled or failed in between, it may be
out of step and is thrown away by its owner.
"""

from __future__ import annotations

import asyncio
import socket

from roost.client.calls import Request
from roost.client.connection import CAPACITY_BYTES, lost_after, lost_before
from roost.client.deadline import Deadline
from roost.client.endpoint import Endpoint
from roost.client.faults import SEE_DOCTOR, DaemonAbsentError
from roost.client.inbox import Inbox
from roost.client.launch import POLL_S, await_daemon
from roost.client.replies import check_reply
from roost.wire.requests import Reply, decode_reply


async def connect_async(endpoint: Endpoint, deadline: Deadline) -> socket.socket:
    """A connected non-blocking socket; starts the daemon if there is none and that is allowed."""
    while True:
        try:
            connection = endpoint.connect_once()
        except DaemonAbsentError:
            await asyncio.to_thread(await_daemon, endpoint, deadline)
            continue
        if connection is not None:
            return connection
        if deadline.passed:
            raise endpoint.busy_error()
        await asyncio.sleep(deadline.within_s(POLL_S))


class AsyncConnection:
    """A connected non-blocking socket in request and response, for one task at a time."""

    __slots__ = ("_inbox", "_last_id", "_socket")

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._inbox = Inbox(CAPACITY_BYTES)
        self._last_id = 0

    async def request(self, request: Request[object], client_name: str, deadline: Deadline) -> Reply:
        """Sends a request and returns the response to it; errors as `Connection.request`."""
        self._last_id += 1
        message = request.encode(self._last_id, client_name)
        try:
            async with asyncio.timeout(deadline.remaining_s()):
                await self._send(message, request.what)
                while (payload := self._inbox.next_payload()) is None:
                    await self._receive(request.what)
        except TimeoutError:
            raise deadline.error(f"the daemon did not answer {request.what}", advice=SEE_DOCTOR) from None
        return check_reply(decode_reply(bytes(payload)), self._last_id)

    async def next_reply(self, deadline: Deadline, waited_for: str) -> Reply:
        """The next frame of an answer that goes on; as `Connection.next_reply`. Cancelling it loses nothing."""
        try:
            async with asyncio.timeout(deadline.remaining_s()):
                while (payload := self._inbox.next_payload()) is None:
                    await self._receive(waited_for)
        except TimeoutError:
            raise deadline.error(waited_for) from None
        return check_reply(decode_reply(bytes(payload)), self._last_id)

    async def tell(self, request: Request[object], client_name: str, deadline: Deadline) -> None:
        """Says something within a stream; there is no answer to it."""
        async with asyncio.timeout(deadline.remaining_s()):
            await self._send(request.encode(self._last_id, client_name), request.what)

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()

    async def _send(self, message: bytes, what: str) -> None:
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, message)
        except OSError as error:
            raise lost_before(what) from error

    async def _receive(self, what: str) -> None:
        try:
            count = await asyncio.get_running_loop().sock_recv_into(self._socket, self._inbox.space())
        except OSError:
            count = 0
        if not count:
            raise lost_after(what)
        self._inbox.received(count)
