"""What is waited for on a screen, with a screen that the test draws."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from roost.core.wait_conditions import Condition, parse_conditions
from roost.daemon.waiting.screen import ScreenWatch


class Screens:
    """A screen as text."""

    def __init__(self) -> None:
        self.text = ""
        self.looks = 0
        self.closed = False
        self._tell: Callable[[int], None] = lambda _offset: None

    async def snapshot(self, session: Any, *, format: str | None = None) -> Any:
        self.looks += 1
        assert format == "text"
        return SimpleNamespace(data=self.text.encode(), offset=7, approximate=True)

    async def watch(self, session: Any, on_change: Callable[[int], None]) -> Screens:
        self._tell = on_change
        return self

    def close(self) -> None:
        self.closed = True

    def draw(self, text: str) -> None:
        self.text = text
        self._tell(0)


async def test_a_screen_is_looked_at_when_it_changes_and_what_is_found_has_a_place() -> None:
    screens, found = Screens(), {}

    def on_found(condition: Condition, facts: Mapping[str, Any]) -> None:
        found[condition.text] = facts

    watch = ScreenWatch(
        screens, SimpleNamespace(), parse_conditions(["screen-text=ready", r"screen-regex=(\d+) of"]), on_found
    )
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watch.run())
        await asyncio.sleep(0)
        screens.draw("é 3 of 4\nnot yet")
        while not found:
            await asyncio.sleep(0)
        looks = screens.looks
        for _ in range(5):
            await asyncio.sleep(0)
        assert screens.looks == looks, "nothing changed, nothing is looked at"
        screens.draw("é 4 of 4\n  it is ready")
        while len(found) < 2:
            await asyncio.sleep(0)
        task.cancel()
    assert found[r"screen-regex=(\d+) of"]["groups"] == ["3"]
    facts = found["screen-text=ready"]
    assert (facts["row"], facts["column"], facts["line"]) == (1, 8, "  it is ready")
    assert (facts["screen_offset"], facts["approximate"]) == (7, True)
    assert screens.closed
