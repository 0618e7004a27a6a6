"""What speaks HTTP: uvicorn's protocols in the daemon's own loop, one connection at a time handed to them.

Owns the connections. Imported when the first one is there. What is answered is the application's (`entrance`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from typing import TYPE_CHECKING, Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from roost.core.problems import CONTENT_TYPE, problem
from roost.daemon.http.entrance import Entrance
from roost.daemon.http.world import World

if TYPE_CHECKING:
    from roost.daemon.http.doors import Door

#: Request line and headers together; more is no request.
MOST_HEAD_BYTES = 32 * 1024
#: How long a connection may take to say what it wants.
FIRST_REQUEST_S = 15.0
#: The largest message of a WebSocket's client.
MOST_MESSAGE_BYTES = 1 << 20
_PING_S = 20.0
_IDLE_S = 75


class HeadTooLargeError(Exception):
    """A request's head is not to be read any further."""


class Http(HttpToolsProtocol):
    """One connection, with bounds that uvicorn leaves to proxies."""

    _head_bytes = 0
    _in_head = False

    def data_received(self, data: bytes) -> None:
        """Bytes came. A head that goes on and on is not told by the parser: its pieces are counted here."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head_bytes = 0
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def on_url(self, url: bytes) -> None:
        """A piece of the request line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MOST_HEAD_BYTES:
            raise HeadTooLargeError

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, and hang up."""
        detail = "this is no HTTP/1.1 request, or its head is too large"
        body = json.dumps(problem("malformed", detail)).encode()
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def hang_up_unless_asked(self) -> None:
        """Close the connection if no request has come yet."""
        if self.cycle is None and self in self.connections:
            self.transport.close()


class Stack:
    """The connections and the application behind them."""

    def __init__(self, world: World) -> None:
        self._loop = world.context.loop
        self.app = Entrance(world)
        self._config = Config(
            self.app,
            http=Http,
            ws="websockets-sansio",
            ws_max_size=MOST_MESSAGE_BYTES,
            ws_ping_interval=_PING_S,
            ws_ping_timeout=_PING_S,
            ws_per_message_deflate=False,
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_IDLE_S,
        )
        for name in ("uvicorn.error", "uvicorn.access", "websockets.server"):
            logger = logging.getLogger(name)  # what matters is logged by the application, once
            logger.setLevel(logging.CRITICAL)
            logger.propagate = name != "uvicorn.access"
        self._config.load()
        self._state = ServerState()

    @property
    def connections(self) -> int:
        """How many there are, WebSockets and streams included."""
        return len(self._state.connections)

    async def serve(self, sock: socket.socket, door: Door, peer: str) -> None:
        """Speak HTTP on a connection from now on. `peer`: who is there, "" where nobody can know."""
        if not door.local:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        state: dict[str, Any] = {"door": door, "peer": peer}
        protocol = Http(self._config, self._state, state, _loop=self._loop)
        await self._loop.connect_accepted_socket(lambda: protocol, sock)
        self._loop.call_later(FIRST_REQUEST_S, protocol.hang_up_unless_asked)

    def close(self) -> None:
        """End every connection: the daemon stops."""
        self.app.close()
        for connection in list(self._state.connections):
            with contextlib.suppress(Exception):
                connection.shutdown()
            transport: asyncio.Transport | None = connection.transport
            if transport is not None:
                transport.close()
