"""What a recording begins with that begins in the middle of a session: the screen as it is then.

Owns the choice between the painted screen and, where none is to be had or it would show what is to be hidden, the modes
of the terminal alone. Knows the screens through what is asked of them here, `context.shared["screens"]`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from roost.core.cast import OUTPUT, event_line
from roost.core.redacted_screen import shows_hidden
from roost.core.redaction import Rule
from roost.core.sizing import Winsize
from roost.daemon.session import Session
from roost.daemon.stream import Stream
from roost.errors import RoostError

log = logging.getLogger(__name__)

#: How long a screen is waited for, the start of the emulator included.
SCREEN_S = 3.0


class Painted(Protocol):
    """A screen as output."""

    @property
    def offset(self) -> int:
        """From where the session's output goes on."""

    @property
    def data(self) -> bytes:
        """What paints it, modes and all."""


class Painter(Protocol):
    """What is used of the screens."""

    async def restored(
        self, session: Session, *, size: Winsize, view: Winsize, lines: int, timeout_s: float
    ) -> Painted:
        """The screen of a session."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a recording begins, and what stands before the output from there: "" or an event's line."""

    offset: int
    line: str = ""


async def begin_now(session: Session, stream: Stream, painter: Painter | None, rules: Sequence[Rule]) -> Beginning:
    """From now on, with the screen."""
    if painter is not None and stream.scanner is not None and stream.ring.end:
        try:
            size = session.window.size
            painted = await painter.restored(session, size=size, view=size, lines=0, timeout_s=SCREEN_S)
        except RoostError as error:
            log.info("a recording of session %s begins without its screen: %s", session.id, error.message)
        else:
            if painted.offset >= stream.ring.start and not shows_hidden(rules, painted.data):
                return Beginning(painted.offset, _line(_on_fresh_terminal(painted.data, size)))
    return begin_with_modes(stream, stream.scan_to_end())


def begin_with_modes(stream: Stream, offset: int) -> Beginning:
    """From an offset on, with the modes that were set there."""
    if not offset or stream.scanner is None:
        return Beginning(offset)
    return Beginning(offset, _line(stream.scanner.restore_string(offset)))


def _on_fresh_terminal(painted: bytes, size: Winsize) -> bytes:
    """An attach saves what a terminal has shown into its scrollback; a player's terminal has shown nothing."""
    saves = b"\x1b[%d;1H" % size.rows + b"\n" * size.rows + b"\x1b[H"
    return b"\x1b[H\x1b[2J" + painted.removeprefix(saves)


def _line(data: bytes) -> str:
    return event_line(0, OUTPUT, data.decode("utf-8", "replace")) if data else ""
