"""Descriptors around a connection: those that come with an answer, and one to poll in place of several.

Knows sockets and descriptors, nothing of what they are for.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from struct import unpack

_MAX_LENT = 8
_ANCILLARY_BYTES = socket.CMSG_SPACE(_MAX_LENT * 4)


def receive_lent(connection: socket.socket, space: memoryview, into: list[int]) -> int:
    """Receives bytes as `recv_into`, and the descriptors that come with them, close-on-exec, which are appended."""
    count, ancillary, _, _ = connection.recvmsg_into((space,), _ANCILLARY_BYTES, socket.MSG_CMSG_CLOEXEC)
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            into += unpack(f"{len(data) // 4}i", data[: len(data) // 4 * 4])
    return count


def close_all(fds: list[int]) -> list[int]:
    """Closes them; an empty list, to put in their place."""
    for fd in fds:
        os.close(fd)
    return []


class Both:
    """One descriptor that is readable when something is the matter with any of several; it is an epoll."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._connection: socket.socket | None = None
        self._other = -1
        self._terminal = -1
        self._writes = False

    def fileno(self, connection: socket.socket, other: int, terminal: int, *, wants_write: bool) -> int:
        """The descriptor, which stands for these from now on: the connection and `other` when they can be read,
        `terminal` (unless it is -1), with `wants_write` also the connection, when they take something."""
        if connection is not self._connection or other != self._other:
            self._epoll.close()  # closed descriptors leave it by themselves, but their numbers are used again
            self._epoll = select.epoll()
            self._connection, self._other, self._writes = connection, other, wants_write
            self._epoll.register(other, select.EPOLLIN)
            self._epoll.register(connection, _events(wants_write))
            self._terminal = -1
        elif wants_write != self._writes:
            self._writes = wants_write
            self._epoll.modify(connection, _events(wants_write))
        if terminal != self._terminal:
            if self._terminal >= 0:
                with contextlib.suppress(OSError):  # it was closed, which took it away
                    self._epoll.unregister(self._terminal)
            self._terminal = terminal
            if terminal >= 0:
                self._epoll.register(terminal, select.EPOLLOUT)
        return self._epoll.fileno()

    def close(self) -> None:
        """Closes the descriptor."""
        self._epoll.close()


def _events(wants_write: bool) -> int:
    return select.EPOLLIN | (select.EPOLLOUT if wants_write else 0)
