"""Attaching to what a session shows: the screen is painted first, then the output follows from exactly there.

Owns the bound of that: whoever attaches never waits long, and gets the output as it is retained where no screen can be
had in time. Knows the worker through `Screens` only.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from roost.core.sizing import Winsize
from roost.daemon.admission import AttachSpec, Painted
from roost.daemon.screens.screens import Screens
from roost.daemon.session import Session
from roost.errors import RoostError

log = logging.getLogger(__name__)

#: How long an attach waits for a screen, the start of the worker included.
PAINT_TIMEOUT_S = 1.0
#: Lines of scrollback that an attaching terminal gets above the screen.
PAINT_LINES = 500
#: A program whose screen is only known in parts is told twice that its window changed; not twice at once.
_NUDGE_S = 0.1


class Painter:
    """Prepares attaches that want the screen."""

    def __init__(self, loop: asyncio.AbstractEventLoop, screens: Screens) -> None:
        self._loop = loop
        self._screens = screens

    async def prepare(self, session: Session, spec: AttachSpec) -> AttachSpec:
        """The attach with the screen to be painted, or with what is left when there is none."""
        if spec.restore != "screen" or not spec.extended:
            return spec
        placed = spec.from_offset is not None or spec.tail_bytes is not None or spec.resume_token
        if placed or not session.is_pty:
            return replace(spec, restore="raw")
        joins = spec.tty and spec.mode != "view" and session.live
        size = session.window.preview(spec.rows, spec.cols) if joins else session.window.size
        view = Winsize(spec.rows or size.rows, spec.cols or size.cols)
        try:
            found = await self._screens.restored(
                session, size=size, view=view, lines=PAINT_LINES, timeout_s=PAINT_TIMEOUT_S
            )
        except RoostError as error:
            log.info("session %s is attached without its screen: %s", session.id, error.message)
            return replace(spec, restore="raw")
        if found.approximate and found.alternate and joins and size == session.window.size:
            self._loop.call_later(_NUDGE_S, session.window.nudge)
        return replace(spec, painted=Painted(found.offset, found.data, found.approximate))
