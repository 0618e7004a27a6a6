"""The hooks' place in the daemon: the bus on one side, the configuration and the sessions' own commands on the other.

Brings `hooks.status` and `hooks.retry`. Subscribes to the bus only while a sink is there that listens, and wants only
what a sink asks for: without one, an event costs nothing here and no source runs.
"""

from __future__ import annotations

import os
import pwd
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roost.core.config import Config
from roost.core.config_hooks import HooksConfig
from roost.core.events import Event, EventFilter
from roost.core.on_event import read_on_event, session_sinks
from roost.daemon.areas import Preparation
from roost.daemon.around import Context, Wired
from roost.daemon.bus import Subscription
from roost.daemon.calls import Calls, Method, NoParams, Params, Result
from roost.daemon.config_store import ConfigStore
from roost.daemon.hooks_journal import HooksJournal
from roost.daemon.record import Launch
from roost.daemon.session import Session
from roost.hooks.roster import Roster
from roost.paths import DEFAULT_SCOPE

if TYPE_CHECKING:
    from roost.hooks.command import Place
    from roost.hooks.dispatcher import Dispatcher

#: How long the daemon's end waits for the last events to get out.
FAREWELL_S = 3.0
#: A session that was prepared and is not there after this long was never started.
_PREPARED_S = 60.0
#: Of the environment of whoever started the daemon or the session: a hook acts for nobody's session.
_NOT_PASSED_ON = (b"ROOST_SESSION", b"ROOST_NAME")


class RetryParams(Params, frozen=True):
    """The sink to try again; all without one."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class HookFilter(EventFilter):
    """Takes every event, since the lanes choose by themselves, and wants what a lane has asked for."""

    may: Callable[[str, str], bool] = lambda _session_id, _category: False

    def wants(self, _event: Any) -> bool:
        """Every event passes."""
        return True

    def may_want(self, session_id: str, category: str) -> bool:
        """Whether a lane has asked for that category of that session."""
        return self.may(session_id, category)


class HooksArea:
    """Between bus, configuration, sessions and lanes."""

    key = "on_event"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._subscription: Subscription | None = None
        self._prepared: dict[str, float] = {}
        self._dispatcher: Dispatcher | None = None
        self._roster = Roster(self._state_dir)

    @property
    def _state_dir(self) -> str:
        return os.path.join(self._context.paths.state_dir, "hooks")

    @property
    def dispatcher(self) -> Dispatcher:
        """The lanes; made when the first one is wanted, since many daemons never have any."""
        if self._dispatcher is None:
            self._dispatcher = self._make_dispatcher()
        return self._dispatcher

    def _make_dispatcher(self) -> Dispatcher:
        from roost.hooks.dispatcher import Dispatcher
        from roost.hooks.making import Workshop

        context, bus, journal = self._context, self._context.bus, self._context.shared.get("journal")
        workshop = Workshop(
            tasks=context.tasks,
            state_dir=self._state_dir,
            place=self._own_place,
            foreground=context.foreground,
        )
        return Dispatcher(
            context.tasks,
            workshop,
            self._tell,
            origin=f"roost://{socket.gethostname()}/{context.paths.scope}",
            now=lambda: (bus.epoch, bus.seq),
            on_wants_changed=self._on_wants_changed,
            journal=HooksJournal(journal) if journal is not None else None,
        )

    def begin(self, store: ConfigStore) -> None:
        """The lanes of the configuration, and of sessions that were found again."""
        sinks = store.current.of(HooksConfig).sinks
        if sinks:
            self.dispatcher.begin(sinks, known=self._roster.read())
        self._roster.write(sink.name for sink in sinks)
        store.participate(self._prepare_config)
        for session in self._context.table:
            self._add(session.id, session.record.options.get(self.key))

    async def _prepare_config(self, config: Config) -> Callable[[], None]:
        sinks = config.of(HooksConfig).sinks
        if not sinks and self._dispatcher is None:
            return lambda: None
        change = self.dispatcher.prepare(sinks)

        def apply() -> None:
            change()
            self._roster.write(sink.name for sink in sinks)

        return apply

    # --- the bus --------------------------------------------------------------------------------------------------

    def _on_wants_changed(self) -> None:
        if self.dispatcher.taking == (self._subscription is not None):
            if self._subscription is not None:
                self._context.bus.wants_changed()
        elif self._subscription is None:
            self._subscription = self._context.bus.subscribe(HookFilter(may=self._may_want), self._take)
        else:
            self._subscription.close()
            self._subscription = None

    def _take(self, event: Event) -> None:
        self.dispatcher.take(event)
        if event.category == "lifecycle":
            if event.type == "purged":
                self.dispatcher.forget_session(event.session_id)
            elif event.type == "renamed":  # it may match other globs now
                self._context.bus.wants_changed()

    def _may_want(self, session_id: str, category: str) -> bool:
        session = self._context.table.by_id(session_id) if session_id else None
        name, originator = (session.record.name, session.record.originator) if session else ("", "")
        return self.dispatcher.wants_session(category, session_id, name, originator)

    def _tell(self, type: str, data: dict[str, Any]) -> None:
        """Tell of a sink's trouble; later, so that nobody gets this event before the one that is being handed on."""
        self._context.loop.call_soon(lambda: self._context.bus.emit(None, "daemon", type, data))

    # --- commands of sessions -------------------------------------------------------------------------------------

    def check(self, options: Any) -> None:
        """Refuse what is no list of TYPE=COMMAND."""
        read_on_event(options)

    def prepare(self, preparation: Preparation, options: Any) -> None:
        """Be there before the session's first event."""
        moment = time.monotonic()
        for session_id, since in list(self._prepared.items()):
            if moment - since > _PREPARED_S:
                del self._prepared[session_id]
                if self._context.table.by_id(session_id) is None:
                    self.dispatcher.forget_session(session_id)
        if options:
            self._prepared[preparation.session_id] = moment
            self._add(preparation.session_id, options)

    def on_session(self, session: Session, options: Any, *, adopted: bool) -> None:
        """Nothing more: `prepare` and `begin` did it."""

    def _add(self, session_id: str, options: Any) -> None:
        if options:
            sinks = session_sinks(session_id, options)
            self.dispatcher.add_for_session(session_id, sinks, lambda: self._place_of(session_id))

    def _place_of(self, session_id: str) -> Place:
        """A session's own commands run in its directory, with its environment."""
        session = self._context.table.by_id(session_id)
        if session is None or not session.record.launch:
            return self._own_place()
        launch = Launch.unpack(session.record.launch)
        return self._place(dict(launch.env), os.fsdecode(launch.cwd))

    def _own_place(self) -> Place:
        return self._place(dict(os.environb), os.path.expanduser("~"))

    def _place(self, environment: dict[bytes, bytes], cwd: str) -> Place:
        from roost.hooks.command import Place

        for name in _NOT_PASSED_ON:
            environment.pop(name, None)
        environment[b"ROOST_SOCKET"] = os.fsencode(self._context.socket_path)
        if self._context.paths.scope != DEFAULT_SCOPE:
            environment[b"ROOST_SCOPE"] = self._context.paths.scope.encode()
        return Place(_user_shell(), cwd if os.path.isdir(cwd) else "/", environment)

    # --- calls ----------------------------------------------------------------------------------------------------

    def methods(self) -> dict[str, Method[Any]]:
        """By name."""
        return {"hooks.status": Method(NoParams, self._status), "hooks.retry": Method(RetryParams, self._retry)}

    async def _status(self, _calls: Calls, _p: NoParams, _data: bytes) -> Result:
        return {"sinks": self._dispatcher.status() if self._dispatcher else []}, b""

    async def _retry(self, _calls: Calls, p: RetryParams, _data: bytes) -> Result:
        return {"retried": await self.dispatcher.retry(p.name)}, b""

    def listen_again(self) -> None:
        """Look after the sinks' socket files."""
        if self._dispatcher is not None:
            self._dispatcher.listen_again()

    def doctor(self) -> dict[str, Any]:
        """A line for `roost doctor`."""
        sinks = self._dispatcher.status() if self._dispatcher else []
        troubles = self._dispatcher.troubles() if self._dispatcher else []
        detail = f"failing: {'; '.join(troubles)}" if troubles else f"{len(sinks)} sinks, none of them fails"
        advice = "see `roost hooks status`, then `roost hooks retry`" if troubles else ""
        return {"name": "hooks", "ok": not troubles, "detail": detail, "advice": advice}

    async def close(self) -> None:
        """Let the last events out."""
        if self._dispatcher is not None:
            await self._dispatcher.close(FAREWELL_S)
            self._on_wants_changed()


def wire(context: Context) -> Wired:
    """The lanes, running."""
    area = HooksArea(context)
    area.begin(context.shared["config"])
    context.areas.add(area)
    context.control.add_check(area.doctor)
    return Wired(methods=area.methods(), close=area.close, listen_again=area.listen_again)


def _user_shell() -> str:
    """The user's login shell; /bin/sh for users who have none."""
    try:
        shell = pwd.getpwuid(os.getuid()).pw_shell
    except KeyError:
        shell = ""
    return shell if shell and os.access(shell, os.X_OK) else "/bin/sh"
