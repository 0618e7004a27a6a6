"""Where the keeper listens: its path, and an abstract name that outlives the runtime directory."""

from __future__ import annotations

import _socket
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from roost.keeper.log import Log
    from roost.keeper.loop import Loop

_BACKLOG = 128


class Listeners:
    """The listening sockets. Connections of other users than ours and root are closed at once."""

    def __init__(self, path: str, abstract_name: str, loop: Loop, log: Log) -> None:
        """`abstract_name`: with its leading NUL."""
        self._path = path
        self._abstract_name = abstract_name
        self._loop = loop
        self._log = log
        self._on_socket: Callable[[_socket.socket], None] | None = None
        self.by_path: _socket.socket | None = None
        self.by_name: _socket.socket | None = None

    def start(self, on_socket: Callable[[_socket.socket], None]) -> None:
        """Listen (again): on what was inherited, or anew. Raises OSError only if neither place can be had."""
        self._on_socket = on_socket
        if self.by_name is None:
            self.by_name = self._listen(self._abstract_name)
        if self.by_path is None:
            self.by_path = self._listen(self._path)
        for sock in (self.by_path, self.by_name):
            if sock is not None:
                self._watch(sock)
        if self.by_path is None and self.by_name is None:
            raise OSError(f"the keeper can listen neither on {self._path} nor by name; see its log")

    def _listen(self, address: str) -> _socket.socket | None:
        sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC)
        try:
            if not address.startswith("\0") and os.path.lexists(address):
                os.unlink(address)  # we hold the lock, so it is a dead keeper's
            sock.bind(address)
            if not address.startswith("\0"):
                os.chmod(address, 0o600)
            sock.listen(_BACKLOG)
        except OSError as error:
            self._log.write(f"cannot listen on {address!r}: {error}")
            sock.close()
            return None
        return sock

    def _watch(self, sock: _socket.socket) -> None:
        self._loop.watch(sock.fileno(), lambda _: self._accept(sock))

    def _accept(self, sock: _socket.socket) -> None:
        assert self._on_socket is not None
        for _ in range(_BACKLOG):
            try:
                fd, _ = sock._accept()  # type: ignore[attr-defined]
            except (BlockingIOError, ConnectionError):
                return
            self._on_socket(_socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, fd))

    def check_path(self) -> None:
        """Listen on the path again if it is gone, as at a logout that removed the runtime directory."""
        try:
            if os.path.lexists(self._path):
                return
            os.makedirs(os.path.dirname(self._path), 0o700, exist_ok=True)
        except OSError:
            return  # not ours to make; the abstract name serves
        sock = self._listen(self._path)
        if sock is None:
            return
        if self.by_path is not None:
            self._loop.unwatch(self.by_path.fileno())
            self.by_path.close()
        self.by_path = sock
        self._watch(sock)
        self._log.write(f"listening on {self._path} again")

    def remove_path(self) -> None:
        """Take the socket file away at the end."""
        try:
            os.unlink(self._path)
        except OSError:
            pass
