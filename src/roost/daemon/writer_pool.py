"""Threads for what may block: one for each write that is under way, none for those that have nothing to do.

Owns the threads. A job that hangs (a dead disk, a pipe that nobody reads) keeps its thread and nobody else's. Whoever
needs an order submits one job at a time. The threads are daemonic: a hanging one does not keep the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

#: How long a thread waits for another job before it ends.
IDLE_S = 5.0


class WriterPool:
    """Runs jobs in threads and hands their results to the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._changed = threading.Condition()
        self._jobs: deque[tuple[Callable[[], Any], Callable[[Any], None]]] = deque()
        self._idle = 0
        self._threads = 0
        self._closed = False

    def submit(self, job: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run `job` in a thread (it must not raise); `done` is called in the loop with what it returned."""
        with self._changed:
            self._jobs.append((job, done))
            if self._idle >= len(self._jobs):
                self._changed.notify()
                return
            self._threads += 1
        threading.Thread(target=self._work, name="tee writer", daemon=True).start()

    async def run(self, job: Callable[[], T]) -> T:
        """Run `job` and wait for it. Cancelled: it goes on, and its result is dropped."""
        future: asyncio.Future[T] = self._loop.create_future()

        def done(result: T) -> None:
            if not future.done():
                future.set_result(result)

        self.submit(job, done)
        return await future

    def _work(self) -> None:
        while (task := self._next()) is not None:
            job, done = task
            try:
                result = job()
            except Exception as error:  # noqa: BLE001 - the edge of the thread: said in the log, the job's owner waits
                self._report(error)
                continue
            with contextlib.suppress(RuntimeError):  # the loop is gone, and with it whoever wanted to know
                self._loop.call_soon_threadsafe(done, result)

    def _report(self, error: Exception) -> None:
        context = {"message": "a tee's file operation failed", "exception": error}
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.call_exception_handler, context)

    def _next(self) -> tuple[Callable[[], Any], Callable[[Any], None]] | None:
        """The next job; None when it is time for this thread to end."""
        with self._changed:
            while not self._jobs:
                self._idle += 1
                woken = not self._closed and self._changed.wait(IDLE_S)
                self._idle -= 1
                if not woken and not self._jobs:
                    self._threads -= 1
                    return None
            return self._jobs.popleft()

    @property
    def threads(self) -> int:
        """How many threads there are."""
        return self._threads

    def close(self) -> None:
        """Let the threads end when their jobs are done; jobs submitted later still run."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class OneJob:
    """Base of whoever has at most one job under way. `_busy`: one is, or something else that comes before the next."""

    def __init__(self, pool: WriterPool) -> None:
        self._pool = pool
        self._busy = False

    def _operate(self, job: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run `job` in a thread (it must not raise); `done` is called in the loop with what it returned."""
        self._busy = True

        def finished(result: T) -> None:
            self._busy = False
            done(result)

        self._pool.submit(job, finished)
