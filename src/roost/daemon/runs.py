"""The registry of live runs: one file a run, there as long as its program lives.

Owns the files in `<runtime>/runs`. The daemon never reads what they say: they are for other programs, and made anew
from the sessions by every daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from roost.core.events import Event, EventFilter
from roost.core.run_record import RunRecord, agent_of
from roost.daemon.around import Context, Wired
from roost.daemon.session import Session
from roost.errors import InvalidError, RoostError
from roost.paths import ensure_private_dir
from roost.platform import boot_id
from roost.platform.run_files import TEMPORARY, write_whole

log = logging.getLogger(__name__)

_SUFFIX = ".json"
#: How long changes are gathered before they are written: at first, and while they keep coming. A file costs a fifth of
#: a start's time, for which starts in a row would compete with those before them.
GATHER_S, BUSY_GATHER_S = 0.01, 0.2


class Runs:
    """Keeps the files in step with the sessions; `context.shared["runs"]`."""

    key = "runs"

    def __init__(self, loop: asyncio.AbstractEventLoop, tasks: asyncio.TaskGroup, directory: str, addr: str) -> None:
        self._loop = loop
        self._tasks = tasks
        self._directory = directory
        self._addr = addr
        self._own_addr: dict[str, str] = {}
        self._boot_id = boot_id()
        self._known: dict[str, Session] = {}
        self._changed: dict[str, Callable[[], None]] = {}  # what is to be done to files, by path
        self._worker: asyncio.Task[None] | None = None
        self._written_at = -BUSY_GATHER_S
        self._leaving = asyncio.Event()
        self._usable = self._prepare_directory()

    def _prepare_directory(self) -> bool:
        """Make the directory and remove what unfinished writes left."""
        try:
            ensure_private_dir(self._directory)
        except RoostError as error:
            log.warning("the registry of runs is not kept: %s", error.message)
            return False
        for name in os.listdir(self._directory):
            if name.endswith(TEMPORARY):
                _unlink(os.path.join(self._directory, name))
        return True

    # --- an area ----------------------------------------------------------------------------------------------------

    def check(self, options: Any) -> None:
        """There is nothing to ask for."""
        raise InvalidError("the registry of runs takes no options")

    def on_session(self, session: Session, options: Any, *, adopted: bool) -> None:
        """Register a live run, and take it out again when it has ended."""
        if not session.live:
            self._remove(session)
            return
        self._known[session.id] = session
        if adopted:  # the last daemon has most probably written it: renaming over a file is dear, and there may be many
            self._loop.call_soon(partial(self._write, session, _store_unless_there))
        else:
            self._write(session)
        session.when_exited.append(lambda: self._on_exit(session))

    def _on_exit(self, session: Session) -> None:
        self._known.pop(session.id, None)
        self._own_addr.pop(session.id, None)
        self._remove(session)

    def on_event(self, event: Event) -> None:
        """A run has another name."""
        session = self._known.get(event.session_id)
        if session is not None:
            self._write(session)

    def set_addr(self, session: Session, addr: str) -> None:
        """A run has an address of its own; "" takes it back."""
        if addr:
            self._own_addr[session.id] = addr
        else:
            self._own_addr.pop(session.id, None)
        if session.id in self._known:
            self._write(session)

    # --- the files --------------------------------------------------------------------------------------------------

    def _path(self, session_id: str) -> str:
        return f"{self._directory}/{session_id}{_SUFFIX}"

    def _remove(self, session: Session) -> None:
        path = self._path(session.id)
        self._change(path, partial(_unlink, path))

    def _write(self, session: Session, store: Callable[[str, RunRecord], None] | None = None) -> None:
        if not self._usable or not session.live or session.forgotten:
            return
        record, origin = session.record, session.origin
        run = RunRecord(
            pid=origin.pid,
            start_ticks=origin.start_ticks,
            boot_id=self._boot_id,
            addr=self._own_addr.get(session.id, self._addr),
            session_id=session.id,
            name=record.name,
            agent=agent_of(record.argv, record.labels),
            started_at=origin.created_at,
        )
        path = self._path(session.id)
        self._change(path, partial(store or _store, path, run))

    def _change(self, path: str, change: Callable[[], None]) -> None:
        """Have a file written or removed, in a moment, with the others: neither a spawn nor the loop waits for it."""
        if not self._usable:
            return
        self._changed[path] = change
        if self._worker is None:
            self._worker = self._tasks.create_task(self._carry_out(), name="registry of runs")

    async def _carry_out(self) -> None:
        """One after the other, so that the last word about a file is the one that counts."""
        try:
            is_busy = self._loop.time() - self._written_at < BUSY_GATHER_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BUSY_GATHER_S if is_busy else GATHER_S):
                    await self._leaving.wait()
            while self._changed:
                changed, self._changed = self._changed, {}
                await self._loop.run_in_executor(None, _carry_out_each, changed.values())
        finally:
            self._written_at = self._loop.time()
            self._worker = None

    async def leave(self) -> None:
        """Do now what is still to be done."""
        self._leaving.set()
        if self._worker is not None:
            await asyncio.wait([self._worker])


def _carry_out_each(changes: Iterable[Callable[[], None]]) -> None:
    for change in changes:
        change()


def _store(path: str, run: RunRecord) -> None:
    try:
        write_whole(path, run.encode())
    except OSError as error:
        log.warning("the record of run %s could not be written: %s", path, error)


def _store_unless_there(path: str, run: RunRecord) -> None:
    if not _holds(path, run.encode()):
        _store(path, run)


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _holds(path: str, data: bytes) -> bool:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(len(data) + 1) == data
    except OSError:
        return False


def wire(context: Context) -> Wired:
    """The registry of live runs."""
    runs = Runs(context.loop, context.tasks, context.paths.runs_dir, f"unix:{context.paths.http_socket}")
    context.areas.add(runs)
    context.shared["runs"] = runs
    context.bus.subscribe(
        EventFilter(categories=frozenset(("lifecycle",)), types=frozenset(("renamed",))), runs.on_event, passive=True
    )
    return Wired(leave=runs.leave)
