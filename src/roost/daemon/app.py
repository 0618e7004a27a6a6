"""The daemon: the only place that wires everything, and its life from start to stop.

Owns what belongs to no session and what the keeper is asked and tells. The process around it (log, lock, arguments) is
`main`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import logging
import logging.handlers
import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from roost.daemon import systemd
from roost.daemon.adoption import adopt_all, exit_info
from roost.daemon.areas import Areas
from roost.daemon.behind import Behind
from roost.daemon.bus import EventBus
from roost.daemon.epoch import next_epoch
from roost.daemon.events.lifecycle import Lifecycle
from roost.daemon.keeper_link import KeeperLink
from roost.daemon.options import Options
from roost.daemon.recall import RecallPoint
from roost.daemon.removals import RemovalWatch
from roost.daemon.session import Session
from roost.daemon.session_hooks import SessionHooks
from roost.daemon.table import SessionTable
from roost.daemon.tees import Tees
from roost.errors import RoostError
from roost.keeper import messages as m
from roost.paths import Paths
from roost.version import __version__
from roost.wire.frame_types import ExitInfo

if TYPE_CHECKING:
    from roost.daemon.around import Wired
    from roost.daemon.unix_server import UnixServer
    from roost.daemon.v1 import V1

log = logging.getLogger("roost.daemon")

#: How long clients that come back have the daemon for themselves, unless somebody wants something else.
_EARLY_S = 0.03
#: What takes long to load and is not needed by clients that come back to their sessions.
_REST = ("roost.daemon.around", "roost.daemon.process_calls", "roost.daemon.service_calls", "roost.daemon.v1_services")
#: How long clients may take their last bytes when the daemon stops.
_FAREWELL_S = 0.2


class App:
    """One daemon."""

    def __init__(self, paths: Paths, options: Options) -> None:
        self._paths = paths
        self._socket_path = options.socket_path or paths.daemon_socket
        self._db_path = options.db_path or os.path.join(paths.state_dir, "processes.sqlite3")
        self._v1_scope = options.v1_scope
        self._listener = options.listener
        self._lent = options.lent
        self._foreground = options.foreground
        self._table = SessionTable()
        self._hooks = SessionHooks(
            save=self._save,
            close_stdin=self._close_stdin,
            signal_group=self._signal_group,
            happened=self._happened,
            typed=self._typed,
            drop_direct=self._drop_direct,
        )
        self._areas = Areas()
        self._around: list[Wired] = []
        self._stop = asyncio.Event()
        self._restart_wanted = False
        self.next_program = ""  # the Python of the daemon that this process is to become
        self._end_wanted = False

    async def run(self, link: KeeperLink) -> None:
        """Serve until asked to stop. `link` has said hello already."""
        self._link = link
        self._loop = loop = asyncio.get_running_loop()
        self._bus = EventBus(next_epoch(os.path.join(self._paths.state_dir, "epoch")))
        self._lifecycle = Lifecycle(self._bus)
        self._tees = Tees(loop, save=self._save, save_then=self._save)
        for session in adopt_all(loop, link, self._hooks, self._tees.resume):
            self._table.add(session)
        link.start(loop, on_notice=self._on_notice, on_lost=self._on_keeper_lost)
        log.info("adopted %d sessions from keeper %d", len(self._table), link.pid)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._request_stop, False)
        with contextlib.suppress(asyncio.CancelledError):
            async with asyncio.TaskGroup() as tasks:
                server = self._wire_front(tasks)
                recall = RecallPoint(loop, self._paths.recall_name, lambda: self._look_after_path(server))
                self._removals = self._watch_files(server)
                try:
                    server.listen(self._socket_path, self._listener, lent=self._lent)
                    recall.open()
                    await self._wire_rest(tasks, server)
                    self._removals.arm()
                    systemd.notify("READY=1")
                    tasks.create_task(systemd.keep_watchdog(), name="watchdog")
                    log.info("roost %s listens at %s", __version__, self._socket_path)
                    await self._stop.wait()
                finally:
                    recall.close()
                    self._removals.close()
                    await self._leave(server)
                    for task in asyncio.all_tasks():
                        if task is not asyncio.current_task():
                            task.cancel()

    def _watch_files(self, server: UnixServer) -> RemovalWatch:
        files = (self._socket_path, self._paths.events_socket, self._paths.http_socket)
        return RemovalWatch(self._loop, self._paths.runtime_dir, files, lambda: self._look_after_path(server))

    def _look_after_path(self, server: UnixServer) -> str:
        """Listen again if the socket file is gone; the path."""
        self._paths.ensure_dirs()
        self._removals.arm()
        if server.listen_again():
            log.warning("%s was gone; listening there again", self._socket_path)
        for area in self._around:
            try:
                area.listen_again()
            except RoostError as error:
                log.error("%s", error.message)
        return self._socket_path

    def _wire_front(self, tasks: asyncio.TaskGroup) -> UnixServer:
        """Put together what clients need that come back to their sessions; everything else waits for the rest."""
        from roost.daemon.admission import Attacher
        from roost.daemon.early import EarlyV1
        from roost.daemon.service import Service
        from roost.daemon.spawning import Spawner
        from roost.daemon.terminator import Terminator
        from roost.daemon.typists import Typists
        from roost.daemon.unix_server import UnixServer
        from roost.daemon.v1_sessions import V1Sessions

        loop = self._loop
        self._behind = behind = Behind(loop)
        self._table.settle = self._bus.settle = behind.settle
        self._typists = typists = Typists(loop)
        terminator = Terminator(tasks, pin=self._pin, save=self._save, exclude=lambda: {self._link.pid})
        spawner = Spawner(
            loop, self._paths, self._socket_path, self._link, self._table, self._hooks, self._tees, self._areas, behind
        )
        self._service = service = Service(
            loop, self._table, spawner, Attacher(loop, typists), terminator, self._link, self._tees
        )
        for session in self._table:
            terminator.resume(session)
        self._whole: asyncio.Future[V1] = loop.create_future()
        self._early = early = EarlyV1(V1Sessions(service), self._whole)
        return UnixServer(loop, tasks, lambda: self._whole.result() if self._whole.done() else early, typists, behind)

    async def _wire_rest(self, tasks: asyncio.TaskGroup, server: UnixServer) -> None:
        """Put the other pieces together; what is slow to import is imported here, a little at a time."""
        loop, service = self._loop, self._service
        if len(self._table):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._early.wanted.wait(), _EARLY_S)
        for name in _REST:
            importlib.import_module(name)
            await asyncio.sleep(0)
        from roost.daemon.around import Context, wire_all
        from roost.daemon.calls import Calls
        from roost.daemon.control import Control
        from roost.daemon.process_calls import ProcessCalls
        from roost.daemon.process_store import ProcessStore
        from roost.daemon.processes import Processes
        from roost.daemon.service_calls import ServiceCalls
        from roost.daemon.services import Services
        from roost.daemon.tee_calls import tee_methods
        from roost.daemon.v1 import V1, StatusFacts
        from roost.daemon.v1_processes import V1Processes
        from roost.daemon.v1_services import V1Services
        from roost.daemon.v1_sessions import V1Sessions
        from roost.daemon.v1_tees import V1Tees

        self._services = services = Services(tasks, service, self._paths.state_dir)
        control = Control(
            service,
            self._paths,
            self._socket_path,
            connections=lambda: server.connections,
            request_stop=self._request_stop,
            stop_services=services.shut_down,
        )
        self._processes = processes = Processes(
            loop, tasks, ProcessStore(self._db_path), keeper_pid=lambda: self._link.pid
        )
        tasks.create_task(processes.run(), name="process registry")
        tasks.create_task(services.run(), name="services")
        context = Context(
            loop,
            tasks,
            self._paths,
            self._socket_path,
            self._table,
            service,
            control,
            self._bus,
            self._areas,
            self._save,
            self._lifecycle,
            self._foreground,
        )
        context.shared["connect_for"] = server.connect_for
        self._around = around = await wire_all(context)
        for session in self._table:
            self._areas.on_session(session, adopted=True)
            for stream in session.streams.values():
                stream.release_found_hold()
        methods = [ProcessCalls(processes).methods(), ServiceCalls(services).methods(), tee_methods()]
        calls = Calls(service, control, *methods, *(area.methods for area in around), give_way=self._typists.serve)
        protocol = V1(
            calls,
            StatusFacts(self._db_path, self._v1_scope, processes.count),
            V1Sessions(service).handlers(),
            V1Tees(service).handlers(),
            V1Processes(processes).handlers(),
            V1Services(services).handlers(),
            *(area.handlers for area in around),
        )
        context.shared.update(calls=calls, v1=protocol)  # for ways in beside the socket, from their first use on
        self._whole.set_result(protocol)

    # --- what sessions and the terminator ask of the keeper -------------------------------------------------------

    def _save(self, session: Session, then: Callable[[], None] | None = None) -> None:
        self._link.keep(session.id, session.record.encode(), then=then)

    def _happened(self, session: Session, type: str, data: dict[str, Any]) -> None:
        self._lifecycle.happened(session, type, data)

    def _close_stdin(self, session: Session) -> None:
        session.drop_input()
        self._link.tell(m.CLOSE_STDIN, [(m.T_ID, session.id)])

    def _signal_group(self, session: Session, signal_number: int) -> None:
        self._link.tell(m.SIGNAL, [(m.T_ID, session.id), (m.T_SIGNO, signal_number), (m.T_SCOPE, "group")])

    def _typed(self, session: Session, asker: str, kind: str, data: bytes, unseen: int) -> None:
        self._service.note_input(session, kind, data, asker=asker, unseen=unseen)

    def _drop_direct(self, session: Session, reader: int, discarding: bool, then: Callable[[], None]) -> None:
        subject: list[tuple[int, str | int]] = [(m.T_ID, session.id), (m.T_STREAM, "stdout"), (m.T_READER, reader)]
        self._link.tell(m.DROP_INPUT, [*subject, (m.T_FORCE, int(discarding))], then=then)

    async def _pin(self, session: Session, pinned: bool) -> None:
        with contextlib.suppress(RoostError):  # reaped already: there is nothing left to pin
            await self._link.call(m.PIN, [(m.T_ID, session.id), (m.T_ON, int(pinned))])

    # --- what the keeper tells ------------------------------------------------------------------------------------

    def _on_notice(self, message: m.Message) -> None:
        session = self._table.by_id(message.text(m.T_ID, ""))
        if session is None or session.forgotten:  # this daemon leaves: the next one finds it in the keeper's list
            return
        if message.type == m.EXITED:
            session.on_exited(exit_info(session, message))
        elif message.type == m.STREAM_CLOSED:
            session.on_stream_closed(message.text(m.T_STREAM, "stdout"))

    def _on_keeper_lost(self) -> None:
        """The keeper died: its children are nobody's. Say so of each session and start over with a new keeper."""
        lost = " ".join(session.record.name for session in self._table if session.live)
        log.error("keeper %d is gone; these sessions have lost their owner: %s", self._link.pid, lost or "none")
        for session in self._table:
            if session.live:
                session.on_exited(ExitInfo(None, None, "unknown", time.time()))
        self._request_stop(True)

    def _request_stop(self, restart: bool, program: str = "") -> None:
        self.next_program = program
        self._end_wanted = self._end_wanted or not restart
        self._restart_wanted = restart and not self._end_wanted
        self._loop.call_soon(self._stop.set)

    async def _leave(self, server: UnixServer) -> None:
        """Let answers under way get out, then hang up; the sessions stay with the keeper."""
        systemd.notify("STOPPING=1")
        log.info("stopping (%s)", "to be started again" if self._restart_wanted else "on request")
        server.close()
        await asyncio.sleep(_FAREWELL_S)
        for session in self._table:
            session.clients.leave(coming_back=self._restart_wanted)
        await asyncio.sleep(0)
        if self._link.lost:  # there will be no next daemon for these sessions
            await self._tees.drain(self._table)
        for area in reversed(self._around):
            await area.leave()
        await self._tees.leave(list(self._table))
        await server.hang_up()
        for session in self._table:
            session.close()
        for area in reversed(self._around):
            await area.close()
        self._processes.close()
        self._services.close()

    @property
    def keeper_lost(self) -> bool:
        """Whether the keeper died under this daemon, and another is wanted: nobody has asked for the end."""
        return self._link.lost and not self._end_wanted

    @property
    def restart_wanted(self) -> bool:
        """Whether another daemon is to follow this one."""
        return self._restart_wanted

    def hang_up(self) -> None:
        """Tell the keeper good-bye, as the last thing: it may start the next daemon at once."""
        if not self._link.lost:
            self._link.hang_up(restart=self._restart_wanted and not self.next_program, shut_down=not len(self._table))
