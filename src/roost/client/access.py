"""The verbs about addresses and tokens.

Owns nothing: it is handed the client's way to perform a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from roost.client import access_calls as calls
from roost.client.verbs import Perform


class Access:
    """Where the daemon is reached over HTTP, and by whom. Tokens are dictionaries: id, scope, kind, name, times."""

    def __init__(self, perform: Perform) -> None:
        self._perform = perform

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
