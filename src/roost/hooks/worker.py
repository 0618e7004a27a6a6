"""One thread for one sink's blocking work: a disk that hangs keeps nobody else waiting, nor the daemon's end.

Owns the thread. What is under way cannot be interrupted: whoever stops waiting leaves it behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Worker:
    """Does one piece of work after the other in a thread of its own, which is started when first needed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()

        def settle(call: Callable[[Any], None], value: Any) -> None:
            if not result.done():
                call(value)

        def perform() -> None:
            try:
                value, call = work(), result.set_result
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is the waiter's
                value, call = error, result.set_exception  # type: ignore[assignment]
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, call, value)

        self._start()
        self._work.put(perform)
        return await result

    def _start(self) -> None:
        if self._thread is None:
            # A daemon thread: one that hangs must not keep the process from ending.
            self._thread = threading.Thread(target=_serve, args=(self._work,), name=self._name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Let the thread end after what was asked for; another one is started if more is asked."""
        if self._thread is not None:
            self._thread = None
            self._work.put(None)
            self._work = SimpleQueue()


def _serve(queue: SimpleQueue[Callable[[], None] | None]) -> None:
    while (work := queue.get()) is not None:
        work()
