"""The events' place in the daemon: opens the journal, tells what happened meanwhile, brings the calls.

Wired before every other area that emits, so that a session's start is told before anything else of it, and closed after
them. `context.shared["journal"]` is the `EventLog`: `settled`, `settle(key)`, `add(receiver)`, and its `journal` with
`read(after, through, want, limit)`; `context.shared["events"]` the `EventCalls`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from roost.core.config import Config
from roost.core.config_events import EventsConfig
from roost.core.event_buffer import BufferState
from roost.core.events import GAP
from roost.daemon.around import Context, Wired
from roost.daemon.bus import EventBus
from roost.daemon.events.calls import EventCalls
from roost.daemon.events.emit_socket import EmitSocket
from roost.daemon.events.emitters import Emitters
from roost.daemon.events.journal import Extent, Journal, Retention
from roost.daemon.events.lifecycle import Lifecycle
from roost.daemon.events.log import EventLog, gap_data
from roost.daemon.events.mark import EventMark
from roost.daemon.events.observer_calls import ObserverCalls
from roost.daemon.events.observers import Observers
from roost.daemon.observe_area import ObserveOptions, Participant, observe_area
from roost.daemon.session import Session
from roost.daemon.v1_observers import V1Observers
from roost.errors import RoostError

log = logging.getLogger(__name__)


def wire(context: Context) -> Wired:
    """Open the journal and take part."""
    state_dir = context.paths.state_dir
    store = context.shared["config"]
    journal = Journal(os.path.join(state_dir, "events.sqlite3"), _retention(store.current))
    extent, told, states = _open(journal, {session.id for session in context.table})
    events = EventLog(context.loop, context.bus, journal, extent)
    mark = EventMark(os.path.join(state_dir, "events.mark"))
    _tell_lost(context.bus, mark.previous, extent)
    context.bus.mark_in(mark.words)
    emitters = Emitters(context.loop, context.bus, events, context.table, keeper_pid=lambda: context.service.link.pid)
    socket = EmitSocket(context.loop, context.tasks, context.paths.events_socket, emitters)
    observers = Observers(context.tasks, events, context.bus, states, context.save)
    calls = EventCalls(events, context.bus, emitters, context.table, observers)
    context.shared["journal"] = events
    context.shared["events"] = calls
    announcements = _Announcements(context.lifecycle, told)
    area = observe_area(context)
    area.add(Participant(check=observers.check, on_session=observers.on_session))
    area.add(Participant(on_session=announcements.on_session))
    context.control.add_check(events.check)

    async def on_config(config: Config) -> Callable[[], None]:
        retention = _retention(config)

        def apply() -> None:
            journal.retention = retention

        return apply

    store.participate(on_config)
    context.tasks.create_task(events.run(), name="events")

    async def close() -> None:
        socket.close()
        observers.close()
        await events.close()
        context.bus.mark_in(None)
        mark.close()

    return Wired(
        methods={**calls.methods(), **ObserverCalls(observers).methods()},
        handlers=V1Observers(context.table, observers).handlers(),
        close=close,
        listen_again=socket.listen_again,
    )


def _open(journal: Journal, present: set[str]) -> tuple[Extent, dict[str, bool], dict[str, BufferState]]:
    try:
        extent = journal.open_now()
        told = journal.told_now()
        states = journal.observers_now()
        journal.note_lost_now(present)
    except RoostError as error:
        log.error("%s", error.message)
        return Extent(), {}, {}
    return extent, told, states


def _retention(config: Config) -> Retention:
    wish = config.of(EventsConfig)
    categories = frozenset(wish.keep) if wish.keep else None
    return Retention(categories, wish.keep_for_s, wish.keep_bytes, wish.keep_sessions)


def _tell_lost(bus: EventBus, previous: tuple[int, int] | None, extent: Extent) -> None:
    """The last daemon numbered events that never became durable: it was killed in between."""
    if previous is None or previous[0] >= bus.epoch or previous <= extent.settled or not previous[1]:
        return
    after = extent.settled if extent.settled[0] == previous[0] else (previous[0], 0)
    count = previous[1] - after[1]
    bus.emit(None, "lifecycle", GAP, gap_data("lost", after, previous, count))


class _Announcements:
    """Tells of every session that starts or is found again."""

    def __init__(self, lifecycle: Lifecycle, told: dict[str, bool]) -> None:
        self._lifecycle = lifecycle
        self._told = told

    def on_session(self, session: Session, _options: ObserveOptions, *, adopted: bool) -> None:
        """Tell of it."""
        if adopted:
            start_told, exit_told = session.id in self._told, self._told.get(session.id, False)
            self._lifecycle.announce_adopted(session, start_told=start_told, exit_told=exit_told)
        else:
            self._lifecycle.announce_started(session)
