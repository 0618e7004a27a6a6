"""Work that goes on when what it waits for is there, without a task of its own.

Owns the steps of one coroutine. A task costs a turn of the loop at its beginning, and whoever waits for it another one
at its end. What is done here must not ask for its task: no timeouts, no task groups, which asyncio refuses without one,
and no bare turns of the loop (`sleep(0)`), which are refused here: each is an error where it is asked for.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_NO_TURNS = "what is begun without a task cannot give up its turn (sleep(0)); wait for a future, or answer it in a task"


class Prompt(asyncio.Future[T]):
    """A future that calls one waiting `Begun` at once, not in the loop's next turn."""

    when_done: Callable[[], None] | None = None

    def set_result(self, result: T, /) -> None:
        """It is there."""
        super().set_result(result)
        if self.when_done is not None:
            self.when_done()

    def set_exception(self, exception: type | BaseException, /) -> None:
        """It will not be there."""
        super().set_exception(exception)
        if self.when_done is not None:
            self.when_done()


class Begun(Generic[T]):
    """One coroutine. `done` is called with what it returns, within `start` or later; it must not raise."""

    def __init__(self, work: Coroutine[asyncio.Future[Any] | None, None, T], done: Callable[[T], None]) -> None:
        self._work = work
        self._done = done
        self._context = contextvars.copy_context()
        self._closed = False

    def start(self) -> None:
        """Begin, up to the first wait."""
        self._step()

    def _step(self, _waited_for: object = None) -> None:
        if self._closed:
            return
        try:
            waits_for = self._context.run(self._work.send, None)
            if waits_for is None:
                waits_for = self._context.run(self._work.throw, RuntimeError(_NO_TURNS))
        except StopIteration as end:
            self._closed = True
            self._done(end.value)
        else:
            assert waits_for is not None, _NO_TURNS
            if isinstance(waits_for, Prompt):
                waits_for.when_done = self._step
            else:
                waits_for.add_done_callback(self._step)

    def close(self) -> None:
        """Give it up where it is; safe when it is done."""
        self._closed = True
        self._work.close()
