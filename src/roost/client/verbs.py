"""How verbs ask: the bases of the clients' verbs, and of what is handed a client's way to perform a call.

Owns nothing. The blocking verbs are written by hand, those for asyncio are generated from them (`make async`).
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol, TypeVar

from roost.client.calls import Request

T = TypeVar("T")


class Verbs:
    """Verbs of a blocking client."""

    def _perform(self, request: Request[T]) -> T:
        raise NotImplementedError

    def close(self) -> None:
        """Closes the connection; the next call opens a new one."""
        raise NotImplementedError


class AsyncVerbs:
    """Verbs of an asyncio client."""

    async def _perform(self, request: Request[T]) -> T:
        raise NotImplementedError

    def close(self) -> None:
        """Closes the idle connections; the next call opens a new one."""
        raise NotImplementedError


class Perform(Protocol):
    """How a blocking client asks."""

    def __call__(self, request: Request[T], /) -> T: ...


class AsyncPerform(Protocol):
    """How an asyncio client asks."""

    def __call__(self, request: Request[T], /) -> Awaitable[T]: ...
