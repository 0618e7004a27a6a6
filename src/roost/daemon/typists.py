"""Attached clients' sockets, which are looked at before each answer to a request: who types comes before who asks.

Owns the order. In one turn of the loop the answers to twenty requests may be due; a keystroke that arrived meanwhile
waits for one of them and not for all.
"""

from __future__ import annotations

import asyncio
import contextvars
import select
from collections.abc import Callable

from roost.daemon.prompt_loop import out_of_turn


class Typists:
    """Reads for the loop, and out of turn when asked to."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._readers = out_of_turn(loop)
        self._epoll = select.epoll()
        self._callbacks: dict[int, tuple[contextvars.Context, Callable[[], None]]] = {}

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back while there is something to read there."""
        self._readers.add_reader(fd, callback)
        self._epoll.register(fd, select.EPOLLIN)
        self._callbacks[fd] = contextvars.copy_context(), callback

    def remove_reader(self, fd: int) -> None:
        """Call back no more; safe to repeat. Before the descriptor is closed."""
        self._readers.remove_reader(fd)
        if self._callbacks.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def serve(self) -> None:
        """Read what has come since the loop looked."""
        if self._callbacks:
            for fd, _ in self._epoll.poll(0):
                found = self._callbacks.get(fd)
                if found is not None:
                    self._call(*found)

    def _call(self, context: contextvars.Context, callback: Callable[[], None]) -> None:
        """As the loop would: what goes wrong here is nothing to whoever asks."""
        try:
            context.run(callback)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - an edge, as the loop's own
            self._loop.call_exception_handler({"message": "a client's input failed", "exception": error})
