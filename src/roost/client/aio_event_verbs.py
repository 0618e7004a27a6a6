"""The verbs about what happened: the journal, observers, the history of sessions.

Owns nothing: mixed into the client. What the calls say is in `event_calls`.

Generated from `event_verbs` by `make async`.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from roost import model
from roost.client import event_calls
from roost.client.verbs import AsyncVerbs
from roost.model.sessions import HistoryEntry

if TYPE_CHECKING:
    from roost.core.events import Event


class AsyncEventVerbs(AsyncVerbs):
    """Of a client."""

    async def read_events(
        self,
        target: str | None = None,
        *,
        categories: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        since: str = "0.0",
        limit: int = 500,
    ) -> builtins.list[Event]:
        """A page of the journal behind an id, oldest first."""
        return await self._perform(event_calls.read_events(target, categories, types, since, limit))

    async def add_observer(
        self,
        target: str = "",
        *,
        categories: Sequence[str] | None = None,
        capacity: int = 0,
        policy: str = "drop_oldest",
    ) -> model.ObserverInfo:
        """Registers an observer: its events are buffered from now on, whoever is connected; `events(observer=id)`
        delivers them. Beyond `capacity` (1024 if 0) the oldest go, or with "block" emitters wait."""
        return await self._perform(event_calls.add_observer(target, categories, capacity, policy))

    async def observers(self, target: str | None = None) -> builtins.list[model.ObserverInfo]:
        """The observers of a session, of all sessions without a target."""
        return await self._perform(event_calls.list_observers(target))

    async def remove_observer(self, id: str) -> model.ObserverInfo:
        """Forgets an observer and what it has buffered; what it was."""
        return await self._perform(event_calls.remove_observer(id))

    async def event_status(self) -> dict[str, Any]:
        """How far the journal reaches, what it keeps, and what programs emitted."""
        return await self._perform(event_calls.event_status())

    async def history(
        self,
        target: str = "",
        *,
        originator: str | None = None,
        failed: bool = False,
        running: bool = False,
        since: float | None = None,
        until: float | None = None,
        limit: int = 100,
    ) -> builtins.list[HistoryEntry]:
        """Sessions that ran, purged and lost ones too, the latest first. Times in Unix seconds."""
        call = event_calls.history(
            target, originator=originator, failed=failed, running=running, since=since, until=until, limit=limit
        )
        return await self._perform(call)
