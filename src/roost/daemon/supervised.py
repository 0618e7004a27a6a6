"""One service at work: the session that is its present run, and what happens when it ends.

Owns the order of things: what is meant is stored before it is done, so that the next daemon can finish it. Decisions
are those of `roost.core.supervision`; the child, its output and its end are those of any pipe session. One operation
at a time; waiting (for an exit, for the end of a back-off) is done in a task of this service alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator

from roost.core import names
from roost.core import supervision as sv
from roost.core.service import DEFAULT_LOG_BYTES, DEFAULT_LOG_KEEP, Definition, Pulse
from roost.daemon.health import HealthWatch
from roost.daemon.leftovers import end_leftovers
from roost.daemon.service import Service
from roost.daemon.service_log import STREAMS, log_path, remove_empty
from roost.daemon.service_store import ServiceRow, ServiceStore
from roost.daemon.session import Session
from roost.daemon.spawning import SpawnSpec
from roost.daemon.table import TakenNames
from roost.daemon.tee import TeeSpec
from roost.errors import InvalidError, NoRunError, RoostError, UnavailableError

log = logging.getLogger(__name__)

#: How long supervision pauses when its own means fail (a full disk, say).
_PAUSE_S = 2.0
#: What a run may write while no daemon lives, before its log misses something.
RING_BYTES = 4 << 20


class NotStartedError(RoostError):
    """A service has no child; kind and words are those of the failed spawn."""


class Supervised:
    """One service. Operations raise RoostError and leave it in a state that says how far they came."""

    def __init__(
        self, tasks: asyncio.TaskGroup, service: Service, store: ServiceStore, log_dir: str, row: ServiceRow
    ) -> None:
        self._tasks = tasks
        self._service = service
        self._store = store
        self._log_dir = log_dir
        self.row = row
        self.session: Session | None = None
        self.deleted = False
        self._left = False
        self._one_at_a_time = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None
        self._health: HealthWatch | None = None
        self._health_task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    # --- what is known --------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The service's name."""
        return self.definition.name

    @property
    def definition(self) -> Definition:
        """What it is."""
        return self.row.definition

    @property
    def life(self) -> sv.Life:
        """Where it stands."""
        return self.row.life

    @property
    def pid(self) -> int:
        """The pid of its child, 0 when there is none."""
        return self.session.origin.pid if self.session is not None and self.session.live else 0

    @property
    def pulse(self) -> Pulse | None:
        """What its health checks say; None without any, or while it does not run."""
        return self._health.pulse if self._health is not None else None

    def log_file(self, kind: str) -> str:
        """The file that a stream (`out`, `err`) is copied to."""
        return log_path(self._log_dir, self.definition.file_stem, kind)

    async def changed(self) -> None:
        """Wait until its state or its pulse is another one."""
        await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _become(self, life: sv.Life) -> None:
        """Stand there, and store it. Raises RoostError when that fails; it stands there all the same."""
        self.row.life = life
        self._tell()
        await self._store.save(self.row)

    # --- operations -----------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _operation(self) -> AsyncIterator[None]:
        async with self._one_at_a_time:
            if self.deleted:
                raise NoRunError(f"service {self.name!r} was deleted meanwhile")
            self._forget_watch()
            self._catch_up()
            try:
                yield
            finally:
                self._keep_watch()

    async def start(self, definition: Definition | None = None, *, is_new: bool = False) -> None:
        """Start it, by another definition if one is given. Raises InvalidError when it runs already.

        Where it cannot be started, one that is new is forgotten, and one that had another definition keeps that.
        """
        async with self._operation():
            self._check_not_online()
            before, life = self.definition, self.life
            if definition in (None, before) or is_new:
                await self._launch_or_say(sv.begun(life), is_new=is_new)
                return
            self.row.definition = definition
            try:
                await self._launch(sv.begun(life))
            except NotStartedError as error:
                self.row.definition = before
                await self._become(life)
                text = f"{error.message}; it is {life.state} and defined as before"
                raise NotStartedError(text, kind=error.kind) from error

    def _check_not_online(self) -> None:
        if self.life.state == sv.ONLINE and self.pid:
            raise InvalidError(
                f"service {self.name!r} is online already (pid {self.pid}); restart it with "
                f"`roost service restart {self.name}`"
            )

    async def stop(self) -> bool:
        """Stop it and wait for its end; whether it was meant to run."""
        async with self._operation():
            was_active = self.life.state in sv.ACTIVE
            await self._end(again=False)
            await self._become(sv.stopped(self.life))
            return was_active

    async def restart(self) -> None:
        """Stop it if it runs, and start it."""
        async with self._operation():
            await self._end(again=True)
            await self._launch_or_say(sv.asked_again(self.life))

    async def delete(self) -> None:
        """Stop it and forget it with the output of its runs; the log files stay."""
        async with self._operation():
            await self._end(again=False)
            await self._forget()
            await self._service.purge(self._runs())

    async def _forget(self) -> None:
        await self._store.remove(self.row)
        self.deleted = True
        self.row.life = sv.stopped(self.life)
        self._tell()

    async def apply(self, definition: Definition, *, is_new: bool = False) -> str:
        """Make it run by this definition: started, restarted, unchanged, or done (it has ended well before).

        One that is new and cannot be started is forgotten.
        """
        async with self._operation():
            same = definition == self.definition
            if same and self.life.state in sv.ACTIVE:
                return "unchanged"
            if same and self.life.state == sv.EXITED and self.life.code == 0:
                return "done"
            running = self.life.state in sv.ACTIVE
            if running:
                await self._end(again=True)
            self.row.definition = definition
            await self._launch_or_say(sv.begun(self.life), is_new=is_new)
            return "restarted" if running else "started"

    async def redefine(self, definition: Definition) -> None:
        """Keep another definition; what runs goes on by the old one until it ends."""
        async with self._operation():
            self.row.definition = definition
            await self._become(self.life)

    # --- beginning and end of a run -------------------------------------------------------------------------------

    async def _launch(self, life: sv.Life) -> None:
        """Start a run; `life` is its beginning. Raises RoostError when there is no child, which is noted before."""
        await self._clear_away()
        self.row.run_id = f"service-{os.urandom(16).hex()}"
        self.row.session_id = ""
        await self._become(life)
        try:
            session, _ = await self._service.spawn(self._spec())
        except UnavailableError:  # the keeper is gone, and this daemon will be: the next one starts it
            raise
        except RoostError as error:
            policy = self.definition.policy
            await self._become(sv.not_spawned(self.life, policy, reason=error.message, at=time.time()))
            raise NotStartedError(f"failed to start service {self.name!r}: {error.message}", kind=error.kind) from error
        await self._take(session)

    async def _launch_or_say(self, life: sv.Life, *, is_new: bool = False) -> None:
        """Start a run for somebody who waits for it: without a child they are told what becomes of the service."""
        try:
            await self._launch(life)
        except NotStartedError as error:
            if is_new:
                await self._forget()
                remove_empty(self._log_dir, self.definition.file_stem)
                raise
            again = f"it is tried again; `roost service stop {self.name}` ends that"
            then = again if self.life.state == sv.WAITING else f"it is {self.life.state}"
            raise NotStartedError(f"{error.message}; {then}", kind=error.kind) from error

    def _spec(self) -> SpawnSpec:
        definition = self.definition
        tees = [
            TeeSpec(
                stream=stream,
                path=os.fsencode(self.log_file(kind)),
                rotate_bytes=definition.log_bytes or DEFAULT_LOG_BYTES,
                keep=definition.log_keep or DEFAULT_LOG_KEEP,
            )
            for stream, kind in STREAMS
        ]
        return SpawnSpec(
            argv=[os.fsencode(word) for word in definition.cmd],
            kind="pipe",
            originator=f"service:{self.name}",
            cwd=os.fsencode(definition.cwd),
            entries=[(os.fsencode(key), os.fsencode(value)) for key, value in definition.env.items()],
            name=self._session_name(),
            ring_bytes=RING_BYTES,
            spawn_id=self.row.run_id,
            tees=tees,
            service=self.name,
        )

    def _session_name(self) -> str:
        taken = TakenNames(self._service.table, set())
        try:
            return names.free_name(names.check_name(self.name), taken)
        except InvalidError:
            return names.name_for_command(self.name, taken)

    async def _take(self, session: Session) -> None:
        self.session = session
        self.row.session_id = session.id
        self._start_health()
        await self._become(sv.spawned(self.life, at=session.origin.created_at))

    async def _clear_away(self) -> None:
        """End what an earlier run left behind, let its log be complete, and forget all runs but the latest."""
        try:
            os.makedirs(self._log_dir, mode=0o700, exist_ok=True)
        except OSError as error:
            raise RoostError(f"cannot make the directory {self._log_dir} for logs: {error.strerror}") from error
        old = self.session
        if old is not None and not old.forgotten:
            await self._service.terminate([old], self.definition.grace_s)
            await self._service.drain_tees([old])
        elif self.row.session_id and self._service.table.by_id(self.row.session_id) is None:
            await end_leftovers(self.row.session_id, self.definition.grace_s, {self._service.link.pid})
        self.session = None
        await self._service.purge([run for run in self._runs() if run is not old])

    def _runs(self) -> list[Session]:
        return [session for session in self._service.table if session.record.service == self.name]

    async def _end(self, *, again: bool) -> None:
        """End the present run and wait until it is gone."""
        self._stop_health()
        session = self.session
        if session is None or not session.live:
            return
        try:
            await self._become(sv.ending(self.life, again=again))
        except RoostError as error:  # who wants it down gets it down, full disk or not
            log.warning("service %s is being stopped, which could not be stored: %s", self.name, error.message)
        await self._service.terminate([session], self.definition.grace_s)
        if session.ending is None:
            raise RoostError(f"service {self.name!r} (pid {session.origin.pid}) did not end; see `roost ps --tree`")
        info = session.ending.info
        self.row.life = sv.saw_end(self.life, code=info.code, at=info.at)

    # --- supervision ----------------------------------------------------------------------------------------------

    def resume(self) -> None:
        """Take up what the previous daemon left, in whatever state that is."""
        session = self._service.table.by_spawn_id(self.row.run_id) if self.row.run_id else None
        life = self.life
        if session is None:
            life = sv.found_alone(life, self.definition.policy, now=time.time())
        elif life.state == sv.STARTING:
            life = sv.spawned(life, at=session.origin.created_at)
        if session is not None:
            self.session = session
            self.row.session_id = session.id
        self.row.life = life
        self._catch_up()
        if self.pid and self.life.state == sv.ONLINE:
            self._start_health()
        self._keep_watch()

    def _keep_watch(self) -> None:
        if self._watch is None and not self.deleted and not self._left and self.life.state not in sv.SETTLED:
            self._watch = self._tasks.create_task(self._supervise(), name=f"service {self.name}")

    def leave(self) -> None:
        """Restart nothing any more: the daemon ends, and all sessions with it."""
        self._left = True
        self._forget_watch()
        self._stop_health()

    def _forget_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def _supervise(self) -> None:
        """Do what the state asks for until it is a settled one, or until an operation takes over."""
        while self.life.state not in sv.SETTLED:
            try:
                await self._step()
            except UnavailableError:  # the keeper is gone, and so will this daemon be: the next one goes on
                return
            except RoostError as error:
                log.warning("service %s: %s", self.name, error.message)
                await asyncio.sleep(_PAUSE_S)
            except Exception:
                log.exception("service %s is not supervised any more", self.name)
                return

    async def _step(self) -> None:
        state = self.life.state
        if state == sv.WAITING:
            await asyncio.sleep(sv.remaining_s(self.life, self.definition.policy, now=time.time()))
            async with self._one_at_a_time:
                await self._start_again()
        elif state == sv.ONLINE and self.session is not None:
            await self.session.exited.wait()
            async with self._one_at_a_time:
                self._catch_up()
                await self._become(self.life)
        else:  # stopping, restarting or starting: an operation of the previous daemon, or one that failed half-way
            async with self._one_at_a_time:
                await self._finish_operation()

    async def _start_again(self) -> None:
        try:
            await self._launch(sv.begun_again(self.life))
            log.info("service %s was started again (%d)", self.name, self.life.restarts)
        except NotStartedError as error:
            log.warning("%s", error.message)

    def _catch_up(self) -> None:
        """Take note of an exit that nobody asked for."""
        if self.life.state != sv.ONLINE or self.session is None or self.session.ending is None:
            return
        self._stop_health()
        info = self.session.ending.info
        self.row.life = sv.ended(self.life, self.definition.policy, code=info.code, at=info.at or time.time())
        log.info("service %s ended with %s: %s", self.name, info.code, self.life.state)

    async def _finish_operation(self) -> None:
        again = self.life.state != sv.STOPPING
        await self._end(again=again)
        if again:
            await self._start_again()
        else:
            await self._become(sv.stopped(self.life))

    # --- health ---------------------------------------------------------------------------------------------------

    def _start_health(self) -> None:
        self._stop_health()
        if self.definition.health is not None:
            self._health = HealthWatch(self.definition, on_change=self._tell)
            self._health_task = self._tasks.create_task(self._run_health(self._health), name=f"health of {self.name}")

    async def _run_health(self, watch: HealthWatch) -> None:
        try:
            await watch.run()
        except Exception:
            log.exception("the health of service %s is not checked any more", self.name)

    def _stop_health(self) -> None:
        if self._health_task is not None:
            self._health_task.cancel()
        self._health = self._health_task = None
