"""The verbs about addresses and tokens, of the blocking client and of the asyncio one.

Owns nothing: it is handed the client's way to perform a call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from roost.client import access_calls as calls
from roost.client.calls import Call

T = TypeVar("T")


class Perform(Protocol):
    """How a blocking client asks."""

    def __call__(self, call: Call[T], /) -> T: ...


class PerformAsync(Protocol):
    """How an asyncio client asks."""

    def __call__(self, call: Call[T], /) -> Awaitable[T]: ...


class Access:
    """Where the daemon is reached over HTTP, and by whom. Tokens are dictionaries: id, scope, kind, name, times."""

    def __init__(self, perform: Callable[[Any], Any]) -> None:
        self._perform: Perform = perform

    def listen(self, address: str, *, hosts: Sequence[str] = ()) -> str:
        """Has the daemon listen at `HOST:PORT` too (port 0: any that is free), also after a restart; the URL."""
        return self._perform(calls.listen(address, hosts))

    def unlisten(self, address: str = "") -> list[str]:
        """Has it listen there no more, "" for every address that was asked for; the URLs."""
        return self._perform(calls.unlisten(address))

    def addresses(self) -> list[dict[str, Any]]:
        """Every address: `url`, `session` (None: all of them), `local` (a Unix socket)."""
        return self._perform(calls.addresses())

    def create_token(
        self, scope: str = "read", *, name: str = "", lasts_s: float | None = None
    ) -> tuple[dict[str, Any], str]:
        """A new token and its text, which nobody can tell again. lasts_s: None for 90 days, 0 for ever."""
        return self._perform(calls.create_token(scope, name, lasts_s))

    def tokens(self) -> list[dict[str, Any]]:
        """The tokens that count, and the browsers that were let in."""
        return self._perform(calls.list_tokens())

    def revoke_token(self, which: str) -> dict[str, Any]:
        """Ends a token by id or name."""
        return self._perform(calls.revoke_token(which))

    def ticket(self, scope: str = "type", *, name: str = "") -> str:
        """A ticket that lets one browser in, once, within 30 s."""
        return self._perform(calls.create_ticket(scope, name))


class AsyncAccess:
    """The same for asyncio."""

    def __init__(self, perform: Callable[[Any], Any]) -> None:
        self._perform: PerformAsync = perform

    async def listen(self, address: str, *, hosts: Sequence[str] = ()) -> str:
        """See `Access.listen`."""
        return await self._perform(calls.listen(address, hosts))

    async def unlisten(self, address: str = "") -> list[str]:
        """See `Access.unlisten`."""
        return await self._perform(calls.unlisten(address))

    async def addresses(self) -> list[dict[str, Any]]:
        """See `Access.addresses`."""
        return await self._perform(calls.addresses())

    async def create_token(
        self, scope: str = "read", *, name: str = "", lasts_s: float | None = None
    ) -> tuple[dict[str, Any], str]:
        """See `Access.create_token`."""
        return await self._perform(calls.create_token(scope, name, lasts_s))

    async def tokens(self) -> list[dict[str, Any]]:
        """See `Access.tokens`."""
        return await self._perform(calls.list_tokens())

    async def revoke_token(self, which: str) -> dict[str, Any]:
        """See `Access.revoke_token`."""
        return await self._perform(calls.revoke_token(which))

    async def ticket(self, scope: str = "type", *, name: str = "") -> str:
        """See `Access.ticket`."""
        return await self._perform(calls.create_ticket(scope, name))
