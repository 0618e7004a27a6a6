"""Looks for text on a session's screen, as often as the screen changes.

Owns the watch of one wait. The screens themselves are another area's, left in `context.shared["screens"]`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from roost.core.wait_conditions import Condition
from roost.daemon.session import Session
from roost.errors import RoostError


class Watch(Protocol):
    """A standing wish to be told of changes."""

    def close(self) -> None:
        """Be told no more."""


class Screens(Protocol):
    """What is used of the screens."""

    async def snapshot(self, session: Session, *, format: str | None = None) -> Any:
        """The screen as it is; its `data` is the text of its lines."""

    async def watch(self, session: Session, on_change: Callable[[int], None]) -> Watch:
        """Be told of changes."""


def screens_of(shared: Mapping[str, Any]) -> Screens:
    """The screens of this daemon. Raises RoostError when it has none."""
    screens: Screens | None = shared.get("screens")
    if screens is None:
        raise RoostError("this daemon shows no screens, so nothing can be waited for on them", kind="unimplemented")
    return screens


async def screen_text(screens: Screens, session: Session) -> tuple[str, Any]:
    """The lines of a session's screen, and the screen with its facts."""
    screen = await screens.snapshot(session, format="text")
    return screen.data.decode("utf-8", "replace"), screen


class ScreenWatch:
    """The screen conditions of one wait."""

    def __init__(
        self,
        screens: Screens,
        session: Session,
        conditions: Sequence[Condition],
        on_found: Callable[[Condition, Mapping[str, Any]], None],
    ) -> None:
        self._screens = screens
        self._session = session
        self._conditions = list(conditions)
        self._on_found = on_found
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Look now and after every change, until cancelled."""
        watch = await self._screens.watch(self._session, lambda _offset: self._changed.set())
        try:
            while self._conditions:
                self._changed.clear()
                text, screen = await screen_text(self._screens, self._session)
                self._look(text, screen)
                await self._changed.wait()
        finally:
            watch.close()

    def _look(self, text: str, screen: Any) -> None:
        data = text.encode()
        for condition in tuple(self._conditions):
            assert condition.pattern is not None
            hit = condition.pattern.find(data, 0)
            if hit is None:
                continue
            self._conditions.remove(condition)
            row = data.count(b"\n", 0, hit.start)
            line_start = data.rfind(b"\n", 0, hit.start) + 1
            facts = {
                "text": data[hit.start : hit.end].decode("utf-8", "replace"),
                "line": data[line_start:].split(b"\n", 1)[0].decode("utf-8", "replace"),
                "row": row,
                "column": len(data[line_start : hit.start].decode("utf-8", "replace")),
                "groups": list(hit.groups),
                "named": dict(hit.named),
                "screen_offset": getattr(screen, "offset", None),
                "approximate": getattr(screen, "approximate", False),
            }
            self._on_found(condition, facts)
