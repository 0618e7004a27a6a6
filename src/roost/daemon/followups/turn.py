"""When it is a queued input's turn, and whether anything was seen of it.

Owns the two questions; asks states and waits, which are told of everything. The order in which somebody is believed is
that of states: an agent's own events, the shell's marks, rules about the screen; where nobody tells, silence.
"""

from __future__ import annotations

import asyncio
from typing import Any

from roost.core.events import Event, EventFilter
from roost.core.plain_text import PlainText
from roost.core.wait_conditions import parse_conditions
from roost.daemon.around import Context
from roost.daemon.session import Session
from roost.daemon.states import States
from roost.daemon.tap import Tap
from roost.daemon.waiting.wait import WaitOptions, Waits
from roost.errors import WrongStateError

#: So long nothing was written or typed: where nobody tells, that is a turn.
QUIET = "idle=2s"
#: So long something is to be seen of an input.
OBSERVE_S = 10.0
_AT_REST = frozenset(("idle", "done"))
_ECHO_CHARACTERS = 24


class Turns:
    """The questions, about any session."""

    def __init__(self, context: Context) -> None:
        self._loop = context.loop
        self._bus = context.bus
        self._waits: Waits = context.shared["waits"]
        self._shared = context.shared

    async def idle(self, session: Session) -> str:
        """Wait until it is at rest; who told so. Raises WrongStateError when it ends first. Safe to cancel."""
        while True:
            if not session.live:
                raise WrongStateError(f"session {session.record.name} has exited; this was not typed")
            if session.is_pty:
                session.streams["stdout"].scan_to_end()  # what a shell has marked and nobody has looked at counts, too
            state = self._state(session)
            if state["state"] in _AT_REST and state["since"] >= (session.typing.last_input_at or 0.0):
                return str(state["source"])  # told behind the newest input, whoever typed it
            if state["state"] in _AT_REST:
                over = [QUIET, "state=starting,working,blocked", "exit"]
            elif state["state"] in ("unknown", "starting") and state["source"] in (None, "output"):
                over = [QUIET, "state=idle,done,working,blocked", "exit"]
            else:
                over = ["state=idle,done,unknown", "exit"]
            result = await self._waits.wait_for(session, parse_conditions(over), WaitOptions())
            if any(match["kind"] == "idle" for match in result.matched):
                return "quiet"

    def _state(self, session: Session) -> dict[str, Any]:
        states: States = self._shared["states"]
        return states.current(session)

    async def seen(self, session: Session, offset: int, text: str) -> str:
        """What is seen of an input behind that offset of the output: agent, echo, output; "" for nothing in time."""
        done: asyncio.Future[str] = self._loop.create_future()
        stream = session.streams["stdout"]

        def finish(by: str) -> None:
            if not done.done():
                done.set_result(by)

        def on_data(_at: int, data: bytes) -> None:
            finish("echo" if _echoed(text, data) else "output")

        def on_event(_event: Event) -> None:
            finish("agent")

        want = EventFilter(frozenset(("agent",)), frozenset(("response_start",)), frozenset((session.id,)))
        subscription = self._bus.subscribe(want, on_event, passive=True)
        tap = Tap(stream, offset, on_data, lambda _start, _end: finish("output"))
        tap.open()
        try:
            async with asyncio.timeout(OBSERVE_S):
                return await done
        except TimeoutError:
            return ""
        finally:
            tap.close()
            subscription.close()


def _echoed(text: str, data: bytes) -> bool:
    first = text.strip().splitlines()[0][:_ECHO_CHARACTERS] if text.strip() else ""
    return bool(first) and first in PlainText(0).feed(data).text.decode("utf-8", "replace")
