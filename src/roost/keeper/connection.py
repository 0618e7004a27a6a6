"""One connection of a daemon or a probe: packets in, packets out, never blocking, bounded.

A peer that does not read is cut off when its queue is full: it will find everything again when it says hello anew.
"""

from __future__ import annotations

import _socket
import os
import select
import struct

from roost.errors import ProtocolError
from roost.keeper.messages import REPLY, T_ERROR_KIND, T_ERROR_TEXT, encode
from roost.keeper.transport import TruncatedError, receive_packet, send_packet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from roost.keeper.loop import Loop
    from roost.keeper.messages import Message

    OnMessage = Callable[["Connection", Message, list[int]], None]

_QUEUE_LIMIT = 4096
_QUEUE_PAUSE = 64
_PACKETS_A_TURN = 32


class Connection:
    """A peer. `role` is empty until its hello was accepted."""

    def __init__(
        self, sock: _socket.socket, loop: Loop, on_message: OnMessage, on_closed: Callable[[Connection], None]
    ) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.fd = sock.fileno()
        self.role = ""
        self.is_open = True
        self.peer_pid, self.peer_uid = peer_of(sock)
        self.queue: list[tuple[bytes, list[int]]] = []
        self.fault = ""
        self._loop = loop
        self._on_message = on_message
        self._on_closed = on_closed
        loop.watch(self.fd, self._on_ready)

    def send(self, packet: bytes, fds: Iterable[int] = ()) -> None:
        """Send now or as soon as the peer reads. Descriptors stay the caller's."""
        if not self.is_open:
            return
        if not self.queue and self._send_now(packet, list(fds)):
            return
        if not self.is_open:
            return
        if len(self.queue) >= _QUEUE_LIMIT:
            self.fault = "it does not read"
            self.close()
            return
        self.queue.append((packet, [os.dup(fd) for fd in fds]))
        self._watch()

    def _send_now(self, packet: bytes, fds: list[int]) -> bool:
        try:
            send_packet(self.sock, packet, fds)
        except BlockingIOError:
            return False
        except OSError as error:
            self.fault = str(error)
            self.close()
            return False
        return True

    def _watch(self) -> None:
        events = select.EPOLLOUT if self.queue else 0
        if len(self.queue) < _QUEUE_PAUSE:
            events |= select.EPOLLIN
        self._loop.watch(self.fd, self._on_ready, events)

    def _on_ready(self, events: int) -> None:
        if events & select.EPOLLOUT:
            self._flush()
        if self.is_open and events & ~select.EPOLLOUT:
            self.read(_PACKETS_A_TURN)

    def _flush(self) -> None:
        while self.queue and self._send_now(*self.queue[0]):
            for fd in self.queue.pop(0)[1]:
                os.close(fd)
        if self.is_open:
            self._watch()

    def read(self, limit: int) -> None:
        """Handle the packets that are there, at most `limit`."""
        while self.is_open and limit > 0:
            limit -= 1
            try:
                received = receive_packet(self.sock)
            except BlockingIOError:
                return
            except (OSError, ProtocolError) as error:
                if isinstance(error, TruncatedError) and self._could_not_receive(error):
                    continue
                self.fault = str(error)
                received = None
            if received is None:
                self.close()
                return
            message, fds = received
            try:
                self._on_message(self, message, fds)
            finally:
                for fd in fds:
                    os.close(fd)

    def _could_not_receive(self, error: TruncatedError) -> bool:
        """Refuse a request whose descriptors could not be received: nothing was done. False where it is not known."""
        if not self.role or not error.seq:
            return False
        text = "too many open files in the keeper: what came with the request could not be received"
        self.send(encode(error.type | REPLY, error.seq, [(T_ERROR_KIND, "exhausted"), (T_ERROR_TEXT, text)]))
        return True

    def close(self) -> None:
        """Close; what is still queued is lost to this peer, nothing else."""
        if not self.is_open:
            return
        self.is_open = False
        for _, fds in self.queue:
            for fd in fds:
                os.close(fd)
        self.queue.clear()
        self._loop.unwatch(self.fd)
        self.sock.close()
        self._on_closed(self)


def peer_of(sock: _socket.socket) -> tuple[int, int]:
    """Pid and uid of the peer at the time of its connect. Source: unix(7), SO_PEERCRED."""
    credentials = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
    pid, uid, _gid = struct.unpack("iII", credentials)
    return pid, uid
