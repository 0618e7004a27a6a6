"""The area of the sources: wires them to the bus, to the start of sessions and to their end.

Owns which places a session is observed at and the call `sources.status`. Leaves the supervisor in
`context.shared["sources"]`: `settle`, `status`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from roost.core.config_observe import ObserveConfig
from roost.daemon.areas import Preparation
from roost.daemon.around import Context, Wired
from roost.daemon.calls import Calls, Method, NoParams, Result
from roost.daemon.observe_area import ObserveOptions, Participant, observe_area, parse_observe
from roost.daemon.record import Launch
from roost.daemon.session import Session
from roost.daemon.sources import gate
from roost.daemon.sources.asleep import Asleep
from roost.daemon.sources.kinds import Means, OnLoop
from roost.daemon.sources.supervisor import Supervisor
from roost.daemon.sources.target import Target

if TYPE_CHECKING:
    from roost.daemon.sources.file_kind import FileKind
    from roost.daemon.sources.network_kind import NetworkKind
    from roost.daemon.sources.process_kind import ProcessKind


def wire(context: Context) -> Wired:
    """See `roost.daemon.around`."""
    area = SourcesArea(context)
    context.shared["sources"] = area.supervisor
    context.lifecycle.defer_exit = area.supervisor.defer_exit
    context.control.add_check(area.supervisor.check)
    context.control.add_trial(area.try_all)
    observe_area(context).add(Participant(prepare=area.prepare, on_session=area.on_session))
    return Wired(methods={"sources.status": Method(NoParams, area.status)}, close=area.supervisor.close)


class SourcesArea:
    """The kinds and what they are told."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.supervisor = Supervisor(context.loop, context.tasks, context.bus, context.table, self._target)
        self._means = Means(OnLoop(context.loop), self.supervisor.delivery, lambda: self._config.without)
        self.processes = Asleep("process", self._process_kind)
        for kind in (self.processes, Asleep("file", self._file_kind), Asleep("network", self._network_kind)):
            self.supervisor.add(kind)

    def _process_kind(self) -> ProcessKind:
        from roost.daemon.sources.process_kind import ProcessKind

        link = self._context.service.link
        return ProcessKind(self._means, lambda: link.pid, {os.getpid()})

    def _file_kind(self) -> FileKind:
        from roost.daemon.sources.file_kind import FileKind

        return FileKind(self._means, self.processes.wake())

    def _network_kind(self) -> NetworkKind:
        from roost.daemon.sources.network_kind import NetworkKind

        return NetworkKind(self._means, self.processes.wake())

    @property
    def _config(self) -> ObserveConfig:
        return cast(ObserveConfig, self._context.shared["config"].current.of(ObserveConfig))

    async def try_all(self) -> list[dict[str, object]]:
        """What each category would be observed by, for the doctor."""
        from roost.daemon.sources.available import available

        return await asyncio.to_thread(available, self._config.without, self._context.paths.state_dir)

    def prepare(self, preparation: Preparation, options: ObserveOptions) -> None:
        """Be there before the first process is, if it is wanted."""
        preparation.at_once |= self._context.bus.listened_to
        if not (self._context.bus.wanted(preparation.session_id, "process") or options.wants("process")):
            return
        if options.exact:
            preparation.prefix += [os.fsencode(word) for word in (sys.executable, "-I", "-S", gate.__file__)]
        else:
            processes = self.processes.wake()
            processes.warm_up()
            self._context.loop.call_later(WARM_S, processes.cool_down)

    def on_session(self, session: Session, _options: ObserveOptions, *, adopted: bool) -> None:
        """Observe it if that is wanted."""
        if self.processes.awake is not None and not self._context.bus.wanted(session.id, "process"):
            self.processes.awake.disown(session.origin.pid)
        self.supervisor.refresh()

    def _target(self, session: Session) -> Target:
        paths = self._context.paths
        target = target_of(session, own=(os.fsencode(paths.state_dir), os.fsencode(paths.runtime_dir)))
        return replace(target, ignore=(*self._config.ignore, *target.ignore))

    async def status(self, _calls: Calls, _p: NoParams, _data: bytes) -> Result:
        """What runs for whom."""
        return {"sources": self.supervisor.status()}, b""


#: How long the process watch stands ready for a session that is about to start.
WARM_S = 5.0


def target_of(session: Session, own: tuple[bytes, ...]) -> Target:
    """A session as its sources see it."""
    options = parse_observe(session.record.options.get("observe"))
    return Target(
        session_id=session.id,
        leader=session.origin.pid,
        membership=session.membership(),
        places=(working_directory(session), *(os.fsencode(path) for path in options.watch_paths)),
        own=own,
        exact=options.exact,
        ignore=options.ignore,
    )


def working_directory(session: Session) -> bytes:
    """Where a session was started, as bytes."""
    cwd = Launch.unpack(session.record.launch).cwd if session.record.launch else b""
    return os.path.abspath(cwd or os.fsencode(session.record.cwd or os.getcwd()))
