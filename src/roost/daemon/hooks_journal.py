"""The journal as the hooks read it: past events again, once everything before them is durable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from roost.core.events import CATEGORIES, Event, EventFilter

Key = tuple[int, int]


class HooksJournal:
    """Reads the event log of the area of events (`context.shared["journal"]`)."""

    def __init__(self, log: Any) -> None:
        self._log = log

    async def read(
        self, after: Key, before: Key | None, categories: frozenset[str], limit: int
    ) -> tuple[Sequence[Event], Key, bool]:
        """See `roost.hooks.lane.Journal`."""
        through: Key = self._log.last if before is None else (before[0], before[1] - 1)
        if through <= after:
            return [], after, False
        await self._log.settle(min(through, self._log.last))
        want = EventFilter(categories=None if categories >= set(CATEGORIES) else categories)
        entries, reached = await self._log.journal.read(after, through, want, limit)
        return [entry.event() for entry in entries], reached, after < self._log.extent.trimmed
