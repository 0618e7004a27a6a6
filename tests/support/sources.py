"""The sources of events around real processes, without a daemon: a bus, a table of sessions, and what was emitted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from roost.core.events import Event, EventFilter
from roost.daemon.bus import EventBus
from roost.daemon.sources.file_kind import FileKind
from roost.daemon.sources.kinds import Means, OnLoop
from roost.daemon.sources.network_kind import NetworkKind
from roost.daemon.sources.process_kind import ProcessKind
from roost.daemon.sources.supervisor import Supervisor
from roost.daemon.sources.target import Target
from roost.platform.processes import Membership

#: Reads Python from its stdin, line by line, and runs it: a session's leader that does what a test says.
LEADER = "import sys, os, subprocess, socket\nfor line in sys.stdin:\n    exec(line)\n    print('done', flush=True)\n"


class FakeSession:
    """A session as the sources need it, with a real process as its leader."""

    def __init__(self, number: int, cwd: Path, **options: Any) -> None:
        self.id = f"s-test{number:06}"
        self.written_offset = 0
        self.cwd = cwd
        self.options = options
        self.record = SimpleNamespace(name=f"test{number}", originator="")
        self.exited = asyncio.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", LEADER],
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.origin = SimpleNamespace(pid=self.process.pid)

    @property
    def live(self) -> bool:
        """Whether it runs."""
        return not self.exited.is_set()

    def run(self, line: str) -> None:
        """Have the leader execute a line of Python; returns when it is done."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer == b"done\n", answer

    async def do(self, line: str) -> None:
        """The same without blocking the loop."""
        await asyncio.to_thread(self.run, line)

    def end(self) -> None:
        """End the leader and tell."""
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.exited.set()

    def target(self) -> Target:
        """As the sources see it."""
        return Target(
            session_id=self.id,
            leader=self.process.pid,
            membership=Membership(self.id, self.process.pid, None),
            places=(os.fsencode(self.cwd), *(os.fsencode(p) for p in self.options.get("watch_paths", ()))),
            own=tuple(os.fsencode(p) for p in self.options.get("own", ())),
            exact=self.options.get("exact", False),
            ignore=tuple(self.options.get("ignore", ())),
        )


class Table:
    """Sessions by id."""

    def __init__(self) -> None:
        self.sessions: dict[str, FakeSession] = {}

    def __iter__(self) -> Iterator[FakeSession]:
        return iter(self.sessions.values())

    def by_id(self, session_id: str) -> FakeSession | None:
        """One of them."""
        return self.sessions.get(session_id)


class Observed:
    """Everything together."""

    def __init__(self, tasks: asyncio.TaskGroup, *without: str) -> None:
        loop = asyncio.get_running_loop()
        self.bus = EventBus(1)
        self.table = Table()
        self.supervisor = Supervisor(loop, tasks, self.bus, self.table, lambda session: session.target())  # type: ignore[arg-type, attr-defined]
        means = Means(OnLoop(loop), self.supervisor.delivery, lambda: without)
        self.processes = ProcessKind(means, os.getpid, {os.getpid()})
        self.files = FileKind(means, self.processes)
        self.network = NetworkKind(means, self.processes)
        for kind in (self.processes, self.files, self.network):
            self.supervisor.add(kind)
        self.events: list[Event] = []

    def session(self, cwd: Path, **options: Any) -> FakeSession:
        """A new session that nobody observes yet."""
        session = FakeSession(len(self.table.sessions) + 1, cwd, **options)
        self.table.sessions[session.id] = session
        return session

    async def want(self, *categories: str, session: FakeSession | None = None) -> Any:
        """Subscribe, and wait until what is wanted is observed."""
        ids = None if session is None else frozenset({session.id, ""})
        subscription = self.bus.subscribe(
            EventFilter(frozenset({*categories, "daemon"}), None, ids), self.events.append
        )
        await self.until(self.all_run)
        return subscription

    async def settle(self, session: FakeSession) -> None:
        """Wait until what has happened in a session was emitted."""
        await self.supervisor.settle(session.id, 20)

    def all_run(self) -> bool:
        """Whether everything that is wanted runs."""
        states = [one["state"] for one in self.supervisor.status()]
        return bool(states) and set(states) == {"running"}

    async def until(self, look: Callable[[], Any], timeout_s: float = 20.0) -> Any:
        """The first true answer."""
        async with asyncio.timeout(timeout_s):
            while not (found := look()):
                await asyncio.sleep(0.005)
        return found

    def of(self, category: str, type: str = "") -> list[Event]:
        """What was emitted of a category and type."""
        return [e for e in self.events if e.category == category and type in ("", e.type)]


@contextlib.asynccontextmanager
async def observed(*without: str) -> AsyncIterator[Observed]:
    """Sources that leave nothing behind."""
    async with asyncio.TaskGroup() as tasks:
        all_of_it = Observed(tasks, *without)
        try:
            yield all_of_it
        finally:
            for session in all_of_it.table:
                session.end()
            await all_of_it.supervisor.close()
