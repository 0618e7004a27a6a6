"""One wait: several conditions on a session, over at the instant at which one of them, or all, have come true.

Owns when a wait is over and what is said then. Everything is told by somebody (taps, the bus, the screen, the exit);
nothing is looked at again and again. What has to be looked for in output is `output`'s, on screens `screen`'s, among
events `events`'.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from roost.core.events import Event
from roost.core.patterns import Found
from roost.core.wait_conditions import DEFAULT_IDLE_S, Condition, events_named
from roost.daemon import views
from roost.daemon.bus import EventBus
from roost.daemon.session import Session
from roost.daemon.waiting.anchor import Anchor, anchor_of
from roost.daemon.waiting.events import EventWatch, Past, hopeless_after_exit
from roost.daemon.waiting.output import OutputWatch
from roost.daemon.waiting.screen import ScreenWatch, screens_of
from roost.errors import InvalidError, RoostError

_SHELL_KINDS = frozenset(("prompt", "command-done"))
#: States that are no answer to whether something still works.
_QUIET = frozenset(("idle", "done"))
_BUSY = frozenset(("working", "starting", "blocked"))


@dataclass(frozen=True, slots=True)
class WaitOptions:
    """How to wait. all: for every condition. since: an offset; None is where the output stood before the newest input.

    stream: in which text is looked for. anchor: when the wait began, if that was before now.
    """

    all: bool = False
    timeout_s: float | None = None
    since: int | None = None
    stream: str = "stdout"
    anchor: Anchor | None = None


@dataclass(slots=True)
class WaitResult:
    """How a wait ended. matched: one dictionary a condition. why: "" when it was met, else `timeout` or `exited`.

    offset: from where to wait on. missed: bytes that left the ring before they were looked at.
    """

    matched: list[dict[str, Any]] = field(default_factory=list)
    why: str = ""
    offset: int = 0
    missed: int = 0


class Waits:
    """Makes waits; `context.shared["waits"]`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bus: EventBus, shared: Mapping[str, Any]) -> None:
        self.loop = loop
        self.bus = bus
        self.shared = shared

    async def wait_for(self, session: Session, conditions: Sequence[Condition], options: WaitOptions) -> WaitResult:
        """Wait until the conditions are met, the session can meet them no more, or the time is over.

        Raises InvalidError for conditions that this session can never meet. Safe to cancel.
        """
        wait = _Wait(self, session, conditions, options)
        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(wait.look_at_screen(), name="screen wait")
            reading = tasks.create_task(wait.look_at_past_events(), name="past events")
            try:
                why, error = await self._until_over(wait, options.timeout_s)
            finally:
                wait.stop()
                looking.cancel()
                reading.cancel()
        if error is not None:  # not raised within the group, which would wrap it
            raise error
        return wait.result(why)

    async def _until_over(self, wait: _Wait, timeout_s: float | None) -> tuple[str, RoostError | None]:
        wait.start()
        try:
            async with asyncio.timeout(timeout_s):
                return await wait.done, None
        except TimeoutError:
            return "timeout", None
        except RoostError as error:
            return "", error


class _Wait:
    """A wait under way."""

    def __init__(self, waits: Waits, session: Session, conditions: Sequence[Condition], options: WaitOptions) -> None:
        self._waits = waits
        self._session = session
        self._open = list(conditions)
        self._options = options
        self._matched: list[dict[str, Any]] = []
        self._events = EventWatch(waits.bus, session.id)
        self._idle_timer: asyncio.TimerHandle | None = None
        self.done: asyncio.Future[str] = waits.loop.create_future()
        self._check(conditions)
        stream = session.stream(options.stream)
        self._begun = options.anchor or anchor_of(session, waits.bus)
        since = options.since if options.since is not None else self._begun.since.get(options.stream)
        self._anchor = since
        texts = [c for c in conditions if c.pattern is not None and not c.on_screen]
        self._output = OutputWatch(stream, since or 0, texts, self._on_text, self._on_output, waits.loop.call_later)
        self._stream = stream
        on_screen = [c for c in conditions if c.on_screen]
        self._screen = ScreenWatch(screens_of(waits.shared), session, on_screen, self._on_screen) if on_screen else None

    def _check(self, conditions: Sequence[Condition]) -> None:
        name = self._session.record.name
        for condition in conditions:
            if not self._session.is_pty and (condition.kind in _SHELL_KINDS or condition.on_screen):
                raise InvalidError(f"session {name} has no terminal; {condition.kind} cannot be waited for there")

    # --- beginning and end ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Look at how things stand, and be told of what changes."""
        self._subscribe()  # before anything is looked at: looking tells of what nobody has seen yet
        self._look_at_shell()
        self._look_at_state()
        self._session.when_exited.append(self._on_exit)
        self._output.start()
        if not self._session.live:
            self._on_exit()
        else:
            self._look_at_idle()

    def stop(self) -> None:
        """Be told no more."""
        self._output.stop()
        self._events.stop()
        if self._on_exit in self._session.when_exited:
            self._session.when_exited.remove(self._on_exit)
        if self._idle_timer is not None:
            self._idle_timer.cancel()

    def result(self, why: str) -> WaitResult:
        """What came of it."""
        ends = [match["end_offset"] for match in self._matched if match.get("end_offset") is not None]
        offset = max(ends) if ends else self._stream.ring.end
        return WaitResult(self._matched, why, offset, self._output.missed)

    def _met(self, condition: Condition, facts: Mapping[str, Any]) -> None:
        if condition not in self._open or self.done.done():
            return
        self._open.remove(condition)
        self._matched.append({"condition": condition.text, "kind": condition.kind, "at": time.time(), **facts})
        if not self._options.all or not self._open:
            self.done.set_result("")

    def _of_kind(self, *kinds: str) -> list[Condition]:
        return [condition for condition in self._open if condition.kind in kinds]

    async def look_at_screen(self) -> None:
        """Look for what is to be seen on the screen, until cancelled."""
        if self._screen is None:
            return
        try:
            await self._screen.run()
        except RoostError as error:
            if not self.done.done():
                self.done.set_exception(error)

    async def look_at_past_events(self) -> None:
        """Look for what came since the wait began, if that was before now."""
        waiting = self._of_kind("event")
        if waiting:
            past: Past | None = self._waits.shared.get("journal")
            await self._events.look_back(past, self._begun.event_key, waiting, self._met)

    # --- text, exit -------------------------------------------------------------------------------------------------

    def _on_text(self, condition: Condition, found: Found) -> None:
        self._met(condition, {"stream": self._options.stream, **_as_facts(found)})

    def _on_screen(self, condition: Condition, facts: Mapping[str, Any]) -> None:
        self._met(condition, facts)

    def _on_output(self, _offset: int) -> None:
        self._look_at_idle()
        if not self._session.live:
            self._end_if_seen()

    def _on_exit(self) -> None:
        """The output up to the exit comes first: what is waited for may be in it."""
        self._waits.loop.call_soon(self._end_if_seen)

    def _end_if_seen(self) -> None:
        ring = self._stream.ring
        until = ring.exit_offset if ring.exit_offset is not None else ring.end
        if self.done.done() or (self._of_kind("text", "regex") and self._output.offset < min(until, ring.end)):
            return
        for condition in self._of_kind("exit"):
            self._met(condition, views.exit_status(self._session))
        for condition in self._of_kind("state"):
            if "exited" in condition.names:
                self._met(condition, {"state": "exited", "source": "exit"})
        # The screen is looked at once more, and events may still come; nothing else will be met any more.
        left = self._of_kind("event", "screen-text", "screen-regex")
        if not self.done.done() and all(hopeless_after_exit(condition) for condition in left):
            self.done.set_result("exited")

    # --- shells -----------------------------------------------------------------------------------------------------

    def _look_at_shell(self) -> None:
        shell, since, begun = self._session.shell, self._anchor, self._begun.end
        if shell is None:
            return
        self._session.streams["stdout"].scan_to_end()
        prompt_at = -1 if shell.prompt_at is None else shell.prompt_at
        for condition in self._of_kind("prompt"):
            if prompt_at >= begun or (shell.at_prompt and prompt_at >= (since or 0)):
                self._met(condition, {"offset": shell.prompt_at, "cwd": shell.cwd or None})
        for condition in self._of_kind("command-done"):
            last = shell.last_finished
            if last is not None and last["offset"] >= (begun if since is None else since):
                self._met(condition, last)

    def _on_shell(self, event: Event) -> None:
        if self._anchor is not None and event.data["offset"] < self._anchor:
            return
        kind = {"prompt": "prompt", "command_finished": "command-done"}[event.type]
        for condition in self._of_kind(kind):
            self._met(condition, event.data)

    # --- events, states ---------------------------------------------------------------------------------------------

    def _subscribe(self) -> None:
        listen = self._events.listen
        if self._of_kind(*_SHELL_KINDS):
            listen("shell", {"prompt", "command_finished"}, self._on_shell)
        if self._of_kind("state", "idle"):
            listen("state", {"state_changed"}, lambda _event: self._look_at_state())
        for condition in self._of_kind("event"):
            for category, types in events_named(condition.names[0]).items():
                listen(category, types, self._teller(condition))

    def _teller(self, condition: Condition) -> Callable[[Event], None]:
        return lambda event: self._met(condition, {"event": event.as_dict()})

    def _state(self) -> dict[str, Any] | None:
        states = self._waits.shared.get("states")
        return None if states is None else states.current(self._session)

    def _look_at_state(self) -> None:
        state = self._state()
        if state is not None:
            for condition in self._of_kind("state"):
                if state["state"] in condition.names:
                    self._met(condition, state)
        self._look_at_idle()

    # --- silence ----------------------------------------------------------------------------------------------------

    def _look_at_idle(self) -> None:
        """Meet what is met, and come back when the silence will have been long enough."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        waiting = self._of_kind("idle")
        if not waiting or not self._session.live or self.done.done():
            return
        session, state = self._session, self._state()
        told = state is not None and state["source"] != "output"  # that there is none yet is silence, too
        known = state["state"] if state is not None and told else "unknown"
        typed_at = session.typing.last_input_at or 0.0
        last = max(session.last_output_at or session.origin.created_at, typed_at)
        silent_s = time.time() - last
        # A state from before the newest input says nothing about what comes of that.
        at_rest = state is not None and known in _QUIET and state["since"] >= typed_at
        left = []
        for condition in waiting:
            needed_s = condition.idle_s if condition.idle_s is not None else 0.0 if at_rest else DEFAULT_IDLE_S
            if known in _BUSY:
                continue  # silent, but not idle: told again when the state changes
            if silent_s >= needed_s:
                by = state["source"] if state is not None and at_rest and condition.idle_s is None else "silence"
                self._met(condition, {"silent_s": round(silent_s, 3), "state": known, "by": by})
            else:
                left.append(needed_s - silent_s)
        if left and not self.done.done():
            self._idle_timer = self._waits.loop.call_later(min(left) + 0.001, self._look_at_idle)


def _as_facts(found: Found) -> dict[str, Any]:
    return {
        "offset": found.offset,
        "end_offset": found.end_offset,
        "text": found.text,
        "line": found.line,
        "groups": list(found.groups),
        "named": dict(found.named),
    }
