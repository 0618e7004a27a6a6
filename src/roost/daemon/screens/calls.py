"""Roost's own call about screens: `screen.get`.

Owns its parameters and answer; the form that was asked for travels as the reply's data.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from roost.daemon.calls import Calls, Method, Params, Result, check_duration
from roost.daemon.screens.screens import DEFAULT_TIMEOUT_S, Screens
from roost.errors import InvalidError
from roost.screen.formats import check_format

MOST_LINES = 20_000


class GetParams(Params, frozen=True):
    """Whose screen. lines: of scrollback above it. if_changed: the hash of a screen that is known already."""

    target: str = ""
    format: str | None = None
    lines: int = 0
    if_changed: str | None = None
    timeout_s: float = DEFAULT_TIMEOUT_S


def screen_methods(screens: Screens) -> dict[str, Method[Any]]:
    """By name."""

    async def get(calls: Calls, p: GetParams, _: bytes) -> Result:
        if not 0 <= p.lines <= MOST_LINES:
            raise InvalidError(f"{p.lines} lines of scrollback cannot be shown; give 0 to {MOST_LINES}")
        session = calls.service.find(p.target)
        screen = await screens.snapshot(
            session,
            lines=p.lines,
            format=None if p.format is None else check_format(p.format),
            if_changed=p.if_changed,
            timeout_s=check_duration(p.timeout_s),
        )
        fields = asdict(screen)
        data = fields.pop("data")
        return {"session_id": session.id, "name": session.record.name, **fields}, data

    return {"screen.get": Method(GetParams, get)}
