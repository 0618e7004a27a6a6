"""The sockets that HTTP is listened on, and who may come in through each.

Owns the listening sockets and the bound on connections. Light: the stack that speaks HTTP is imported, in a thread,
when the first connection is there; connections wait meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from roost.core.access import DeniedError, allowed_hosts
from roost.core.listening import ListenAddress
from roost.core.problems import CONTENT_TYPE, problem
from roost.daemon.listening import file_at, listen_at
from roost.errors import InvalidError, RoostError

if TYPE_CHECKING:
    from roost.daemon.http.stack import Stack

log = logging.getLogger(__name__)

#: Open connections at most, all doors together; one more is told so and closed.
MAX_CONNECTIONS = 512
#: Of these, what TCP never takes: nobody out there can keep the user from the Unix sockets.
LOCAL_CONNECTIONS = 64
_ACCEPT_PAUSE_S = 0.1
_FULL_DETAIL = json.dumps(
    problem("exhausted", "as many HTTP connections are open as the limit allows; try again later")
)
_FULL = (
    "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\n"
    f"content-type: {CONTENT_TYPE}\r\ncontent-length: {len(_FULL_DETAIL)}\r\n\r\n{_FULL_DETAIL}"
).encode()
#: Host headers that mean the Unix socket: programs write what they like there.
_UNIX_HOSTS = frozenset(("localhost", "roost", "127.0.0.1", "unix"))


@dataclass(slots=True)
class Door:
    """One listening socket. only: the session it leads to, "" for everything. hosts: what requests may call it."""

    address: ListenAddress
    listener: socket.socket
    hosts: frozenset[str]
    only: str = ""
    file: tuple[int, int] | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def local(self) -> bool:
        """Whether it is a Unix socket, whose peers are known by the system."""
        return bool(self.address.path)


class Doors:
    """Every listening socket of the control plane."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        tasks: asyncio.TaskGroup,
        *,
        has_token: Callable[[], bool],
        make_stack: Callable[[Any], Stack],
    ) -> None:
        """`make_stack` is given the module `roost.daemon.http.stack`."""
        self._loop = loop
        self._tasks = tasks
        self._has_token = has_token
        self._make_stack = make_stack
        self._doors: list[Door] = []
        self._loading: asyncio.Future[Stack] | None = None
        self._closed = False
        self.stack: Stack | None = None

    def __iter__(self) -> Any:
        return iter(list(self._doors))

    def behind(self, base: str) -> str | None:
        """What is behind `http://host:port`: a session's id, "" for everything; None for what is not listened on."""
        authority = base.partition("://")[2].lower()
        return next((door.only for door in self._doors if not door.local and authority in door.hosts), None)

    # --- listening --------------------------------------------------------------------------------------------------

    def open(self, address: ListenAddress, *, only: str = "", hosts: tuple[str, ...] = ()) -> Door:
        """Listen; the door says at which port. Raises InvalidError, DeniedError, RoostError, naming the address."""
        if not address.loopback and not self._has_token():
            raise DeniedError(
                f"{address.authority} can be reached from other machines, and there is no token that would keep them "
                "out; make one with `roost token create`, or listen on 127.0.0.1"
            )
        if address.path:
            listener = listen_at(address.path)
            door = Door(address, listener, _UNIX_HOSTS, only, file_at(address.path))
        else:
            listener = _listen_tcp(address)
            bound = ListenAddress(host=address.host, port=listener.getsockname()[1])
            door = Door(bound, listener, allowed_hosts(bound.authority, more=hosts), only)
        self._doors.append(door)
        self._loop.add_reader(listener, self._accept, door)
        log.info("HTTP is served at %s", door.address.url)
        return door

    def open_again(self) -> None:
        """Listen anew on Unix sockets whose files are not ours any more. Raises RoostError; the old one stays then."""
        for door in self._doors:
            if door.local and file_at(door.address.path) != door.file:
                fresh = listen_at(door.address.path)
                self._loop.remove_reader(door.listener)
                door.listener.close()
                door.listener, door.file = fresh, file_at(door.address.path)
                self._loop.add_reader(fresh, self._accept, door)

    def close(self, door: Door) -> None:
        """Listen there no more; connections that came in stay."""
        if door not in self._doors:
            return
        self._doors.remove(door)
        self._loop.remove_reader(door.listener)
        door.listener.close()
        if door.local and file_at(door.address.path) == door.file:
            with contextlib.suppress(OSError):
                os.unlink(door.address.path)

    def close_all(self) -> None:
        """The daemon stops."""
        self._closed = True
        for door in self:
            self.close(door)
        if self.stack is not None:
            self.stack.close()

    # --- connections ------------------------------------------------------------------------------------------------

    def _accept(self, door: Door) -> None:
        for _ in range(32):
            try:
                sock, _ = door.listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    self._loop.remove_reader(door.listener)
                    self._loop.call_later(_ACCEPT_PAUSE_S, self._accept_again, door)
                return
            sock.setblocking(False)
            self._take(door, sock)

    def _accept_again(self, door: Door) -> None:
        if door in self._doors:
            self._loop.add_reader(door.listener, self._accept, door)

    def _take(self, door: Door, sock: socket.socket) -> None:
        peer = ""
        if door.local:
            pid, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if uid not in (os.geteuid(), 0):
                sock.close()
                return
            peer = f"unix:{pid}"
        most = MAX_CONNECTIONS if door.local else MAX_CONNECTIONS - LOCAL_CONNECTIONS
        if self.stack is not None and self.stack.connections >= most:
            with contextlib.suppress(OSError):
                sock.send(_FULL)
            sock.close()
            return
        self._tasks.create_task(self._serve(door, sock, peer), name="http connection")

    async def _serve(self, door: Door, sock: socket.socket, peer: str) -> None:
        try:
            stack = self.stack or await self._load()
            await stack.serve(sock, door, peer)
        except (OSError, RoostError) as error:
            log.warning("an HTTP connection failed: %s", error)
            sock.close()
        except BaseException:
            sock.close()
            raise

    async def _load(self) -> Stack:
        """Import what speaks HTTP, once."""
        if self._loading is None:
            self._loading = self._loop.create_future()
            try:
                module = await asyncio.to_thread(import_module, "roost.daemon.http.stack")
                self.stack = self._make_stack(module)
            except Exception as error:
                log.exception("HTTP cannot be served")
                failed = RoostError(f"HTTP cannot be served: {error}; see `roost daemon logs`", kind="unavailable")
                self._loading.set_exception(failed)
            else:
                self._loading.set_result(self.stack)
        return await asyncio.shield(self._loading)


def _listen_tcp(address: ListenAddress) -> socket.socket:
    try:
        host = "127.0.0.1" if address.host == "localhost" else address.host
        family, _, _, _, where = socket.getaddrinfo(
            host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise InvalidError(f"{address.host} is no IP address; give the address of one of this machine") from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(128)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise RoostError(
            f"cannot listen at {address.authority}: {error.strerror}; choose another port", kind="denied"
        ) from error
    return listener
