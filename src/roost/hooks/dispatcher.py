"""All lanes: made from the configuration and for sessions, changed without losing an event, asked how they are.

Owns which lanes there are and who is served first: whoever can be sent to without waiting, before `take` returns; then
those of them that are stuck; last, once a turn of the loop, those that gather or have threads. An event is encoded once
for all of them.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from roost.core.config_sinks import Jsonl, SinkConfig
from roost.core.events import CATEGORIES, Event
from roost.errors import InvalidError, NoRunError
from roost.hooks.command import Place
from roost.hooks.lane import Journal, Key, Lane, Tell
from roost.hooks.making import Workshop
from roost.hooks.sink import Outgoing, Sink, SinkError
from roost.hooks.tasks import start

log = logging.getLogger(__name__)

#: How long a lane that was taken out of the configuration may go on delivering.
RETIRE_S = 10.0
#: After how many events within one turn of the loop the lanes behind get theirs.
MOST_LATER = 500


@dataclass(slots=True)
class _Running:
    """A lane and its task; `session_id` of those that belong to a session; `over` once it has ended."""

    lane: Lane
    task: asyncio.Task[None]
    over: asyncio.Event
    session_id: str = ""
    left_from: Key | None = None

    async def when_over(self) -> Key | None:
        """Wait for its end; from which key on another one may take over what it left."""
        await self.over.wait()
        return self.left_from


class _BrokenSink(Sink):
    """Stands for a sink that could not be made when the daemon started: everything is counted, nothing is lost
    silently."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self._why = why

    async def open(self) -> None:
        """Say why it cannot."""
        raise SinkError(self._why)


class Dispatcher:
    """Takes events and hands them to the lanes."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        workshop: Workshop,
        tell: Tell,
        *,
        origin: str,
        now: Callable[[], Key],
        on_wants_changed: Callable[[], None],
        journal: Journal | None = None,
    ) -> None:
        """`now`: the key of the last event. `on_wants_changed` is called when `active` or `taking` may have changed."""
        self._tasks = tasks
        self._workshop = workshop
        self._tell = tell
        self._origin = origin
        self._now = now
        self._on_wants_changed = on_wants_changed
        self._journal = journal
        self._lanes: dict[str, _Running] = {}
        self._leaving: dict[str, _Running] = {}
        self._order: tuple[Lane, ...] = ()
        self._front: tuple[Lane, ...] = ()  # whose sinks can be sent to without waiting
        self._behind: tuple[Lane, ...] = ()
        self._later: list[Outgoing] = []  # what those in `_behind` were not offered yet
        self._in_turn = False  # an event was taken in this turn of the loop
        self._own_files: frozenset[str] = frozenset()

    # --- events ---------------------------------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        """Offer an event to every lane that wants it.

        The first one of a turn of the loop is sent on the spot where that needs no waiting. Those that follow it in the
        same turn are sent together in the next.
        """
        if event.category == "file" and self._is_own(event):
            return
        outgoing = Outgoing(event, self._origin)
        if self._in_turn:
            for lane in self._front:
                if lane.wants(event):
                    lane.offer(outgoing)
        else:
            self._in_turn = True
            asyncio.get_running_loop().call_soon(self._end_turn)
            self._send_now(outgoing)
        if self._behind:
            self._later.append(outgoing)
            if len(self._later) >= MOST_LATER:
                self._hand_on()

    def _send_now(self, outgoing: Outgoing) -> None:
        """Nobody who is well waits for what is to be done about one who is stuck."""
        event = outgoing.event
        stuck = [lane for lane in self._front if lane.wants(event) and not lane.send_now(outgoing)]
        for lane in stuck:
            lane.offer(outgoing)

    def _end_turn(self) -> None:
        self._in_turn = False
        self._hand_on()

    def _hand_on(self) -> None:
        """Offer those behind what they were not offered yet."""
        later, self._later = self._later, []
        for outgoing in later:
            for lane in self._behind:
                if lane.wants(outgoing.event):
                    lane.offer(outgoing)

    def _is_own(self, event: Event) -> bool:
        """Whether a sink's own file changed: its line in that file would be the next change."""
        path = str(event.data.get("path", ""))
        return any(path == own or path.startswith(f"{own}.") for own in self._own_files)

    @property
    def taking(self) -> bool:
        """Whether anybody is there to get events at all."""
        return any(lane.sink.listening for lane in self._order)

    def wants_session(self, category: str, id: str, name: str, originator: str) -> bool:
        """Whether somebody asked for that category of that session; sources run only then."""
        return any(
            lane.sink.listening
            and category in lane.choice.active
            and (not id or lane.choice.wants_session(id, name, originator))
            for lane in self._order
        )

    @property
    def active(self) -> frozenset[str]:
        """The categories that somebody asked for."""
        return frozenset(
            c for c in CATEGORIES for lane in self._order if lane.sink.listening and c in lane.choice.active
        )

    # --- which lanes there are --------------------------------------------------------------------------------------

    def begin(self, configs: Iterable[SinkConfig], known: Container[str] | None = None) -> None:
        """The lanes at the start; one whose sink cannot be made fails visibly.

        Those that the last daemon had (`known`; None: all) go on where they had got to.
        """
        for config in configs:
            try:
                sink = self._workshop.make(config)
            except InvalidError as error:
                sink = _BrokenSink(error.message)
            self._start(config, sink, resume=known is None or config.name in known)
        self._changed()

    def prepare(self, configs: Sequence[SinkConfig]) -> Callable[[], None]:
        """What replaces the configured lanes by these in one step. Raises InvalidError; nothing has changed then.

        A lane whose configuration is the same goes on. One that changed hands over: the new one takes events at once
        and begins to deliver when the old one is done, on what the old one had taken.
        """
        made = [(config, None if self._is_same(config) else self._workshop.make(config)) for config in configs]

        def apply() -> None:
            kept = {config.name for config, sink in made if sink is None}
            for name, running in list(self._lanes.items()):
                if name not in kept and not running.session_id:
                    self._retire(name)
            for config, sink in made:
                if sink is not None:
                    self._start(config, sink)
            self._changed()

        return apply

    def _is_same(self, config: SinkConfig) -> bool:
        running = self._lanes.get(config.name)
        return running is not None and running.lane.config == config and not isinstance(running.lane.sink, _BrokenSink)

    def add_for_session(self, session_id: str, configs: Iterable[SinkConfig], place: Callable[[], Place]) -> None:
        """Lanes for one session; those that it has already stay."""
        for config in configs:
            if config.name not in self._lanes:
                self._start(config, self._workshop.make(config, place), session_id)
        self._changed()

    def forget_session(self, session_id: str) -> None:
        """The session is gone for good: its lanes deliver what they have and end."""
        for name, running in list(self._lanes.items()):
            if running.session_id == session_id:
                self._retire(name)
        self._changed()

    def sessions(self) -> set[str]:
        """The sessions that have lanes of their own."""
        return {running.session_id for running in self._lanes.values() if running.session_id}

    def _start(self, config: SinkConfig, sink: Sink, session_id: str = "", *, resume: bool = False) -> None:
        leaving = self._leaving.get(config.name) or self._leaving_place(config)
        lane = Lane(
            config,
            sink,
            self._tell,
            journal=self._journal,
            now=self._now(),
            origin=self._origin,
            after=leaving.when_over if leaving else None,
            resume=resume,
            on_listening=self._changed,
        )
        task = start(self._tasks, lane.run(), f"sink {config.name}")
        self._lanes[config.name] = _Running(lane, task, asyncio.Event(), session_id)

    def _leaving_place(self, config: SinkConfig) -> _Running | None:
        """Who is still at that file or socket under another name."""
        path = getattr(config.options, "path", None)
        for running in self._leaving.values():
            other = running.lane.config
            if path is not None and (other.type, getattr(other.options, "path", None)) == (config.type, path):
                return running
        return None

    def _retire(self, name: str) -> None:
        running = self._lanes.pop(name)
        self._leaving[name] = running
        start(self._tasks, self._end(name, running, RETIRE_S), f"end of sink {name}")

    async def _end(self, name: str, running: _Running, grace_s: float) -> None:
        try:
            await running.lane.drain(grace_s)
            running.task.cancel()
            await asyncio.wait([running.task])
            running.left_from = running.lane.left_from
            left = running.lane.abandon()
            if left:
                log.warning("sink %s ended with %d events that it did not get", name, left)
            await running.lane.sink.close(grace_s)
        finally:
            running.over.set()
            if self._leaving.get(name) is running:
                del self._leaving[name]

    def _changed(self) -> None:
        self._hand_on()
        self._order = tuple(running.lane for running in self._lanes.values())
        self._front = tuple(lane for lane in self._order if lane.sink.prompt)
        self._behind = tuple(lane for lane in self._order if not lane.sink.prompt)
        files = [lane.config.options.path for lane in self._order if isinstance(lane.config.options, Jsonl)]
        self._own_files = frozenset(map(os.path.realpath, files))
        self._on_wants_changed()

    async def close(self, grace_s: float) -> None:
        """Deliver what is there within that time, and end."""
        self._hand_on()
        everybody = [*self._lanes.items(), *self._leaving.items()]
        self._lanes.clear()
        self._order = self._front = self._behind = ()
        ends = [self._tasks.create_task(self._end(name, running, grace_s)) for name, running in everybody]
        if ends:
            await asyncio.wait(ends, timeout=grace_s * 2 + 1)

    def listen_again(self) -> None:
        """Have every sink look after its socket file."""
        for lane in self._order:
            lane.sink.listen_again()

    # --- looks and retries ----------------------------------------------------------------------------------------

    def status(self) -> list[dict[str, Any]]:
        """Every lane's state and counters."""
        self._hand_on()
        return [running.lane.status() | {"session_id": running.session_id} for running in self._lanes.values()]

    def troubles(self) -> list[str]:
        """Each failing lane with its last error."""
        lanes = [running.lane for running in self._lanes.values() if running.lane.failing]
        return [f"{lane.config.name} ({lane.last_error})" for lane in lanes]

    async def retry(self, name: str | None) -> dict[str, int]:
        """Have one sink, or all, try again at once; how many events each has to try. Raises NoRunError."""
        if name is not None and name not in self._lanes:
            known = ", ".join(self._lanes) or "none"
            raise NoRunError(f"there is no sink {name!r}; configured are {known}")
        self._hand_on()
        chosen = [self._lanes[name]] if name is not None else list(self._lanes.values())
        return {running.lane.config.name: await running.lane.retry() for running in chosen}
