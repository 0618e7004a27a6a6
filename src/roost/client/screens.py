"""Seeing what a session shows: the call, its answer, and the verb that both clients have.

Owns the type of the answer. The forms of a screen are made by the daemon's side; here they are bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from roost.client import calls
from roost.model.record import Record

T = TypeVar("T")

#: How long the daemon may take to show a screen, the start of its emulator included.
SCREEN_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenCursor(Record):
    """Where the next character goes, counted from 0, and how the cursor looks: "block", "underline" or "bar"."""

    row: int = 0
    column: int = 0
    visible: bool = True
    shape: str = "block"
    blinking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen(Record):
    """What a session shows.

    lines: one for each row, without spaces at the end; scrollback: those above, as far as asked for, of
    `scrollback_lines` that there are. hash: equal for screens that look the same. changed: False when the hash that was
    given still holds, the lines are left out then. offset: of the output byte behind the last one that took part.
    alternate: the alternate screen is shown. approximate: emulation began in the midst of the output, so that parts may
    be wrong or missing until the program paints anew. modes: those not as in a fresh terminal, by number (ANSI ones
    negative). data: the form that was asked for.
    """

    hash: str = ""
    offset: int = 0
    rows: int = 0
    cols: int = 0
    title: str = ""
    alternate: bool = False
    approximate: bool = False
    changed: bool = True
    cursor: ScreenCursor = ScreenCursor()
    lines: tuple[str, ...] = ()
    scrollback: tuple[str, ...] = ()
    scrollback_lines: int = 0
    modes: Mapping[str, bool] = field(default_factory=dict)
    session_id: str = ""
    name: str = ""
    data: bytes = b""

    @classmethod
    def _read(cls, key: str, value: Any) -> Any:
        if key == "cursor":
            return ScreenCursor.from_json(value)
        return tuple(value) if isinstance(value, list) else value

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)

    def to_json(self) -> dict[str, Any]:
        """The JSON object of this record; without the form that was asked for, which is bytes."""
        return {key: value for key, value in super(Screen, self).to_json().items() if key != "data"}


def get_screen(target: str, *, format: str | None, lines: int, if_changed: str | None) -> calls.Call[Screen]:
    """The call."""

    def read(result: Mapping[str, Any], data: bytes) -> Screen:
        return Screen.from_json({**result, "data": data})

    params = {"target": target, "format": format, "lines": lines, "if_changed": if_changed}
    return calls.Call("screen.get", read, params, repeatable=True, extra_s=SCREEN_TIMEOUT_S)
