"""The process registry: what clients registered, what became of it, and the killing that it may ask for.

Owns the rules of registration, validation and removal, and watches over what it spawned itself. Everything that reads
/proc runs in a thread. Nothing is ever signalled because of a pid alone: an entry is compared with the process at its
pid first (`process_identity`), and one whose pid was reused is only forgotten.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from roost.daemon.process_identity import (
    ALIVE,
    DETACHED,
    GONE,
    REUSED,
    ZOMBIE,
    Entry,
    Seen,
    Verdict,
    choose_parent,
    identify,
    judge,
    originator_pid,
)
from roost.daemon.process_kill import REPEAT_S, TreeKill
from roost.daemon.process_spawn import DetachedSpec, detached_environment, start_detached
from roost.daemon.process_store import ProcessStore
from roost.daemon.process_tree import draw, roots
from roost.errors import InvalidError, NoRunError, RoostError
from roost.platform import boot_id
from roost.platform.process_facts import boot_time, command_line, exists, started_at
from roost.platform.processes import Process, process_table, read_process, send_signal

if TYPE_CHECKING:
    import subprocess

log = logging.getLogger(__name__)

KILL_DEFAULT_S, KILL_LONGEST_S = 3.0, 30.0
#: How often entries of processes that are gone are forgotten.
TIDY_S = 30.0
_LATEST_START = 1e11


@dataclass(frozen=True, slots=True)
class Tracked:
    """An entry and what became of its process, as looked up at `validated_at` (Unix seconds)."""

    entry: Entry
    verdict: Verdict
    validated_at: float


@dataclass(frozen=True, slots=True)
class Zombie:
    """An entry that stands for nothing any more, and whether its process is certainly no more."""

    entry: Entry
    reason: str
    killed: bool


class Processes:
    """The registry's use cases."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        tasks: asyncio.TaskGroup,
        store: ProcessStore,
        *,
        keeper_pid: Callable[[], int],
    ) -> None:
        """`keeper_pid` is never killed, nor looked below; nor is the daemon."""
        self._loop = loop
        self._tasks = tasks
        self._store = store
        self._keeper_pid = keeper_pid
        self._boot_id = boot_id()
        self._watched: dict[int, int] = {}  # pidfd → row
        self._children: dict[int, subprocess.Popen[bytes]] = {}  # pidfd → a child of ours to be reaped

    # --- registry -------------------------------------------------------------------------------------------------

    async def register(
        self, pid: int, command: str, *, created_at: float, kind: str, cwd: str, originator: str, containment: str
    ) -> None:
        """Track a process, in the place of whatever had this pid before."""
        if pid == 0:
            raise InvalidError("pid must be > 0")
        if not command:
            raise InvalidError("command must not be empty")
        if not (math.isfinite(created_at) and 0 <= created_at < _LATEST_START):
            raise InvalidError(f"created_at {created_at:g} is no start time; give Unix seconds, or 0 when not known")
        entry = Entry(pid, created_at, kind, command, cwd, originator, containment, time.time(), self._boot_id)
        await self._store.add(await asyncio.to_thread(_identified, entry))

    async def unregister(self, pid: int) -> None:
        """Forget a pid. Raises NoRunError."""
        if not await self._store.remove_pid(pid):
            raise NoRunError(f"pid {pid} not found in registry")

    async def tracked(self, tool: str | None = None) -> list[Tracked]:
        """The entries, oldest registration first; with `tool` those whose originator begins with `tool:`."""
        prefix = "" if tool is None else f"{tool}:"
        return await asyncio.to_thread(self._judge_all, await self._store.entries(prefix=prefix))

    async def count(self) -> int:
        """How many entries there are; 0 when the registry cannot be used."""
        try:
            return await self._store.count()
        except RoostError as error:
            log.warning("%s", error.message)
            return 0

    def _judge_all(self, entries: Iterable[Entry]) -> list[Tracked]:
        booted_at, now = boot_time(), time.time()
        return [Tracked(e, self._judge(e, booted_at), now) for e in entries]

    def _judge(self, entry: Entry, booted_at: float) -> Verdict:
        parent = look(entry.parent_pid, booted_at) if entry.parent_pid else Seen()
        return judge(entry, look(entry.pid, booted_at), parent, self._boot_id)

    # --- trees ----------------------------------------------------------------------------------------------------

    async def tree(self, pid: int) -> str:
        """The tree of a process, drawn."""
        return await asyncio.to_thread(lambda: draw(pid, process_table(), command_line))

    async def forest(self) -> str:
        """The trees of everything that is roost's: the keeper with its sessions, the daemon, the registered."""
        registered = [t.entry.pid for t in await self.tracked() if t.verdict.state == ALIVE]

        def look_and_draw() -> str:
            table = process_table()
            pids = roots([self._keeper_pid(), os.getpid(), *registered], table)
            return "\n".join(draw(pid, table, command_line) for pid in pids)

        return await asyncio.to_thread(look_and_draw)

    async def kill_tree(self, pid: int, timeout_s: float) -> int:
        """KILL a process and everything below it until nothing is left or the time is over; how many were reached.

        A registered pid that belongs to another process by now is forgotten, and nobody is killed.
        """
        if pid in (1, os.getpid(), self._keeper_pid()):
            raise InvalidError(f"pid {pid} is init or roost itself; `roost daemon stop --kill` ends every session")
        entries = await self._store.entries(pid=pid)
        verdicts = await asyncio.to_thread(self._judge_all, entries)
        root = await asyncio.to_thread(read_process, pid) if pid else None
        killed = 0
        if root is not None and not any(t.verdict.state in (REUSED, GONE) for t in verdicts):
            killed = await self._sweep(root, min(timeout_s if timeout_s > 0 else KILL_DEFAULT_S, KILL_LONGEST_S))
        await self._store.remove_rows([e.row for e in entries])
        return killed

    async def _sweep(self, root: Process, timeout_s: float) -> int:
        kill = TreeKill(root, (os.getpid(), self._keeper_pid()))
        deadline = self._loop.time() + timeout_s
        while await asyncio.to_thread(kill.sweep):
            if self._loop.time() >= deadline:
                break
            await asyncio.sleep(REPEAT_S)
        return len(kill.killed)

    # --- entries that stand for nothing any more ------------------------------------------------------------------

    async def zombies(self, *, dry_run: bool) -> list[Zombie]:
        """Entries whose process is gone, whose pid was reused, or whose parent died; with `dry_run` only told.

        Otherwise orphans are killed and all of them are forgotten; the process at a reused pid is left alone.
        """
        found = [t for t in await self.tracked() if t.verdict.reason]
        if dry_run:
            return [Zombie(t.entry, t.verdict.reason, killed=False) for t in found]
        zombies = await asyncio.to_thread(lambda: [self._end(t) for t in found])
        done = [t.entry.row for t, z in zip(found, zombies, strict=True) if z.killed or not t.verdict.orphaned]
        await self._store.remove_rows(done)
        return zombies

    def _end(self, tracked: Tracked) -> Zombie:
        entry, verdict = tracked.entry, tracked.verdict
        if not verdict.orphaned:
            return Zombie(entry, verdict.reason, killed=verdict.state in (GONE, ZOMBIE))
        process = read_process(entry.pid)
        same = process is not None and identify_again(entry, process)
        killed = process is not None and same and send_signal(process, signal.SIGKILL)
        return Zombie(entry, verdict.reason, killed=killed or not same)

    async def tidy(self) -> None:
        """Forget entries whose process is gone or whose pid was reused. Kills nobody: that has to be asked for."""
        stale = [t.entry.row for t in await self.tracked() if t.verdict.state in (GONE, REUSED)]
        await self._store.remove_rows(stale)

    # --- detached commands ----------------------------------------------------------------------------------------

    async def spawn_detached(self, spec: DetachedSpec) -> Entry:
        """Start a command and track it until it exits."""
        if not spec.command:
            raise InvalidError("command must not be empty")
        environment = detached_environment(spec)
        child = await asyncio.to_thread(start_detached, spec, environment)
        return await asyncio.shield(self._track_child(spec, child))

    async def _track_child(self, spec: DetachedSpec, child: subprocess.Popen[bytes]) -> Entry:
        entry = Entry(
            pid=child.pid,
            created_at=0.0,
            kind="subprocess",
            command=spec.command,
            cwd=spec.cwd,
            originator=spec.originator,
            containment=DETACHED,
            registered_at=time.time(),
            boot_id=self._boot_id,
            spawned=True,
        )
        entry = await asyncio.to_thread(_identified, entry)  # not reaped yet, so certainly still the child
        try:
            entry = replace(entry, row=await self._store.add(entry))
        except RoostError:
            child.kill()
            await asyncio.to_thread(child.wait)
            raise
        self._watch(entry, child)
        return entry

    def _watch(self, entry: Entry, child: subprocess.Popen[bytes] | None) -> None:
        try:
            pidfd = os.pidfd_open(entry.pid)
        except ProcessLookupError:
            self._tasks.create_task(self._forget(entry.row), name="forget a process")
            return
        self._watched[pidfd] = entry.row
        if child is not None:
            self._children[pidfd] = child
        self._loop.add_reader(pidfd, self._on_exit, pidfd)

    def _on_exit(self, pidfd: int) -> None:
        self._loop.remove_reader(pidfd)
        os.close(pidfd)
        child = self._children.pop(pidfd, None)
        if child is not None:
            child.wait()  # it has exited: this reaps it and does not block
        row = self._watched.pop(pidfd)
        self._tasks.create_task(self._forget(row), name="forget a process")

    async def _forget(self, row: int) -> None:
        try:
            await self._store.remove_rows([row])
        except RoostError as error:
            log.warning("%s", error.message)

    # --- life -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Take up the watch over what an earlier daemon spawned, then tidy from time to time, until cancelled."""
        resumed = False
        while True:
            try:
                if not resumed:
                    await self._resume_watch()
                    resumed = True
                await self.tidy()
            except RoostError as error:
                log.warning("%s", error.message)
            except Exception:
                log.exception("the process registry could not be tidied")
            await asyncio.sleep(TIDY_S)

    async def _resume_watch(self) -> None:
        for tracked in await self.tracked():
            if (
                tracked.entry.spawned
                and tracked.verdict.state == ALIVE
                and tracked.entry.row not in self._watched.values()
            ):
                self._watch(tracked.entry, None)

    def close(self) -> None:
        """Stop watching and close the file; the processes go on."""
        for pidfd in self._watched:
            self._loop.remove_reader(pidfd)
            os.close(pidfd)
        self._watched.clear()
        for child in self._children.values():
            child.returncode = 0  # init will reap it; without this Popen would complain that nobody did
        self._children.clear()
        self._store.close()


def look(pid: int, booted_at: float) -> Seen:
    """What is at a pid now."""
    process = read_process(pid)
    if process is None:
        return Seen(hidden=exists(pid))
    return Seen(process, started_at(process, booted_at))


def identify_again(entry: Entry, process: Process) -> bool:
    """Whether a process is the one of an entry, by its start: for the moment before a signal."""
    if entry.start_ticks is not None:
        return entry.start_ticks == process.start_ticks
    return identify(entry.created_at, Seen(process, started_at(process, boot_time()))) is not None


def _identified(entry: Entry) -> Entry:
    """The entry with the identity of the process that is at its pid now, and of whom it depends on."""
    booted_at = boot_time()
    seen = look(entry.pid, booted_at)
    ticks = identify(entry.created_at, seen)
    if ticks is None or seen.process is None:
        return entry
    named = originator_pid(entry.originator)
    parent_pid, parent_ticks = choose_parent(
        seen.process, read_process(named) if named else None, read_process(seen.process.ppid)
    )
    created_at = entry.created_at or (float(int(seen.started_at)) if entry.spawned else 0.0)
    return replace(entry, start_ticks=ticks, created_at=created_at, parent_pid=parent_pid, parent_ticks=parent_ticks)
