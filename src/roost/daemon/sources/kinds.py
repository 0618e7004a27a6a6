"""What the supervisor of the sources knows of each category, and the categories made from threads.

Owns the form: begin and end observing a session, settle, describe. A kind runs no thread while it observes nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol

from roost.daemon.sources.delivery import Delivery
from roost.daemon.sources.target import Target
from roost.daemon.sources.worker import Worker


@dataclass(frozen=True, slots=True)
class Reports:
    """What a kind tells the supervisor, on the loop: a session is observed now; observing it failed."""

    ready: Callable[[str], None]
    failed: Callable[[str, Exception], None]


class Kind(Protocol):
    """One category's mechanism, on the loop."""

    category: str

    def begin(self, target: Target, reports: Reports) -> None:
        """Observe a session from now on. Raises OSError when that is not possible."""

    def end(self, session_id: str) -> None:
        """Observe it no more; nothing when it was not."""

    def settle(self, session_id: str, call: Callable[[], None]) -> bool:
        """Have a call made once what happened up to now was emitted; False when the session is not observed."""

    def describe(self, session_id: str) -> dict[str, Any]:
        """The mechanism at work: `source`, and what else is worth knowing."""

    def workers(self) -> list[Worker]:
        """Threads that run, to be waited for after `end` of everybody."""


class OnLoop:
    """Brings calls from threads to the loop; those that come after its end are dropped."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def later(self, call: Callable[..., None], *arguments: Any) -> None:
        """Have a call made on the loop, from any thread."""
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:  # the loop is closed: the daemon is at its end
            return


@dataclass(frozen=True, slots=True)
class Means:
    """What every kind works with. `without`: mechanisms not to be used, see `roost.core.config_observe`."""

    on_loop: OnLoop
    delivery: Delivery
    without: Callable[[], Collection[str]] = lambda: ()
