"""Attached clients' sockets, which are looked at before each answer to a request: who types comes before who asks.

Owns the order. In one turn of the loop the answers to twenty requests may be due; a keystroke that arrived meanwhile
waits for one of them and not for all.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import Protocol


class Readers(Protocol):
    """Where an attachment has its socket read: the loop itself, or this with its order."""

    def add_reader(self, sock: int, callback: Callable[[], None], /) -> object:
        """Call back while there is something to read."""

    def remove_reader(self, sock: int, /) -> object:
        """Call back no more."""


class Typists:
    """Reads for the loop, and out of turn when asked to."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[], None]] = {}

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back while there is something to read there."""
        self._loop.add_reader(fd, callback)
        self._epoll.register(fd, select.EPOLLIN)
        self._callbacks[fd] = callback

    def remove_reader(self, fd: int) -> None:
        """Call back no more; safe to repeat. Before the descriptor is closed."""
        self._loop.remove_reader(fd)
        if self._callbacks.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def serve(self) -> None:
        """Read what has come since the loop looked."""
        if self._callbacks:
            for fd, _ in self._epoll.poll(0):
                callback = self._callbacks.get(fd)
                if callback is not None:
                    callback()
