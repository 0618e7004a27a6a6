"""What a session handle does with `expect`: fetches output until something is found.

Owns the loop; what a match is belongs to `expecting`.

Generated from `session_expect` by `make async`.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from roost.client import automation_calls
from roost.client.expecting import (
    DEFAULT_TIMEOUT_S,
    Cursor,
    Expectation,
    Expected,
    Match,
    screen_conditions,
)
from roost.errors import InvalidError

if TYPE_CHECKING:
    from roost.client.aio import AsyncClient

#: One fetch waits for so long at most; then the next one does.
_FETCH_S = 20.0


async def expect(
    client: AsyncClient,
    target: str,
    name: str,
    cursor: Cursor,
    patterns: Expected | Sequence[Expected],
    *,
    timeout_s: float | None = DEFAULT_TIMEOUT_S,
    on: str = "output",
    exact: bool = False,
) -> Match:
    """Waits for the first of the patterns behind the cursor, which then stands behind it."""
    if on == "screen":
        return await _expect_on_screen(client, target, cursor, patterns, timeout_s=timeout_s, exact=exact)
    if on not in ("output", "text"):
        raise InvalidError(f"patterns are looked for on output, text or screen, not on {on!r}")
    expectation = Expectation(name, cursor, patterns, exact=exact, plain=on == "text")
    deadline = None if timeout_s is None else monotonic() + timeout_s
    while (match := expectation.look()) is None:
        left_s = _FETCH_S if deadline is None else deadline - monotonic()
        if left_s <= 0:
            return expectation.timed_out()
        call = automation_calls.wait_output(target, expectation.next_offset, min(left_s, _FETCH_S), "stdout")
        expectation.feed(await client._perform(call))
    return match


async def _expect_on_screen(
    client: AsyncClient,
    target: str,
    cursor: Cursor,
    patterns: Expected | Sequence[Expected],
    *,
    timeout_s: float | None,
    exact: bool,
) -> Match:
    """On the screen there is nothing before and behind a match; the cursor moves to where the screen stood."""
    conditions = screen_conditions(patterns, exact=exact)
    waited = await client.wait_for(target, *conditions, timeout_s=timeout_s)
    found = waited.matched[0]
    at = int(found.get("screen_offset") or waited.offset)
    cursor.move(at)
    index = conditions.index(found["condition"])
    after, groups = found["text"].encode(), tuple(None if g is None else g.encode() for g in found["groups"])
    named = tuple((name, None if value is None else value.encode()) for name, value in found["named"].items())
    return Match(index, conditions[index], b"", after, at, at, groups, named)
