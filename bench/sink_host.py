"""A bus and a dispatcher as the daemon has them, without the daemon around them; readers at the sinks' other ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.context import Context

#: No measurement takes longer: a reader that misses an event would wait for ever.
DEADLINE_S = 10.0
_READER = Path(__file__).parent / "event_reader.py"


class SinkHost:
    """The bus with its sinks."""

    def __init__(self, tasks: asyncio.TaskGroup, directory: Path, stdout: int) -> None:
        from roost.daemon.bus import EventBus
        from roost.hooks.command import Place
        from roost.hooks.dispatcher import Dispatcher
        from roost.hooks.making import Workshop
        from roost.hooks.stdout import StdoutSink

        class Made(Workshop):
            def make(self, config: Any, place: Any = None) -> Any:
                if config.type == "stdout":
                    return StdoutSink(config.format, foreground=True, fd=stdout)
                return super().make(config, place)

        self.bus = EventBus(1)
        self.dispatcher = Dispatcher(
            tasks,
            Made(tasks, str(directory / "state"), lambda: Place("/bin/sh", "/", {}), True, {}),
            lambda _type, _data: None,
            origin="roost://bench",
            now=lambda: (1, self.bus.seq),
            on_wants_changed=self._changed,
        )
        self._subscription: Any = None

    def _changed(self) -> None:
        from roost.core.events import EventFilter

        if self.dispatcher.taking and self._subscription is None:
            self._subscription = self.bus.subscribe(EventFilter(), self.dispatcher.take)

    def emit(self, **data: Any) -> None:
        """An event like those that agents tell."""
        self.bus.emit(None, "agent", "generic", data)

    def status(self, name: str) -> dict[str, Any]:
        """What a sink says of itself."""
        return next(one for one in self.dispatcher.status() if one["name"] == name)

    async def until(self, look: Callable[[], Any]) -> None:
        """Wait until it is true."""
        while not look():
            await asyncio.sleep(0.0005)


@asynccontextmanager
async def sink_host(directory: Path, *configs: Any, stdout: int = -1) -> AsyncIterator[SinkHost]:
    """A host with those sinks; a measurement that does not end raises TimeoutError."""
    where = Path(tempfile.mkdtemp(dir=directory))
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        host = SinkHost(tasks, where, stdout)
        host.dispatcher.begin(configs)
        try:
            yield host
        finally:
            await host.dispatcher.close(0.2)


def sink(type: str, options: Any, *, name: str = "", queue: int = 1_000_000) -> Any:
    """A sink's configuration."""
    from roost.core.config_sinks import SinkConfig

    return SinkConfig(name or type, type, options, queue=queue)


class Ending:
    """A sink of one type together with the program that reads what it sends."""

    def __init__(self, context: Context, type: str, count: int) -> None:
        """`count`: after how many events the reader tells its times."""
        self._context = context
        self._type = type
        self._count = count
        self._path = str(context.path(type[:2]))
        self._reader: asyncio.subprocess.Process | None = None
        self._pipe = (-1, -1)
        self._url = ""

    @property
    def stdout(self) -> int:
        """What the sink `stdout` is to write to."""
        return self._pipe[1]

    async def before(self) -> Any:
        """Start the reader, if it has to be there first; the sink's configuration."""
        from roost.core.config_sinks import Command, Jsonl, Stdout, UnixListener, UnixSocket, Webhook

        match self._type:
            case "stdout":
                self._pipe = os.pipe()
                await self._start("stdin", stdin=self._pipe[0])
                return sink("stdout", Stdout())
            case "jsonl":
                await self._start("tail")
                return sink("jsonl", Jsonl(self._path))
            case "webhook":
                port = (await self._start("http")).split()[1]
                return sink("webhook", Webhook(f"http://127.0.0.1:{port}/", allow_private=True))
            case "unix-socket":
                await self._start("listen")
                return sink("unix-socket", UnixSocket(self._path))
            case "command":
                os.mkfifo(self._path)
                await self._start("fifo")
                return sink("command", Command(f"cat > {self._path}"))
        return sink("unix-listener", UnixListener(self._path, monitor_bytes=1 << 30))

    async def after(self, host: SinkHost) -> None:
        """Start it now otherwise, and wait until the sink has found it."""
        if self._type == "unix-listener":
            await host.until(lambda: os.path.exists(self._path))
            await self._start("connect")
        await host.until(lambda: host.status(self._type)["state"] == "ok")

    async def _start(self, way: str, stdin: int = asyncio.subprocess.DEVNULL) -> str:
        command = [sys.executable, str(_READER), way, self._path, str(self._count)]
        self._reader = await asyncio.create_subprocess_exec(
            *command, stdin=stdin, stdout=asyncio.subprocess.PIPE, limit=1 << 26
        )
        assert self._reader.stdout is not None
        return (await self._reader.stdout.readline()).decode()

    async def times(self) -> list[float]:
        """The reader's microseconds."""
        assert self._reader is not None and self._reader.stdout is not None
        found: list[float] = json.loads(await self._reader.stdout.readline())
        return found

    async def end(self) -> None:
        """End the reader."""
        for fd in self._pipe:
            if fd >= 0:
                os.close(fd)
        if self._reader is not None:
            with contextlib.suppress(ProcessLookupError):
                self._reader.kill()
            await self._reader.wait()


@asynccontextmanager
async def reading(context: Context, type: str, count: int, *beside: Any) -> AsyncIterator[tuple[SinkHost, Ending]]:
    """A host with one sink that is read, and others beside it."""
    ending = Ending(context, type, count)
    try:
        async with asyncio.timeout(DEADLINE_S):
            config = await ending.before()
        async with sink_host(context.directory, config, *beside, stdout=ending.stdout) as host:
            await ending.after(host)
            yield host, ending
    finally:
        await ending.end()
