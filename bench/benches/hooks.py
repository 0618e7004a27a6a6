"""Events to sinks: how many a second each sink takes beside a plain loop that writes the same lines to the same place,
how long an event takes from `emit` to a monitor in another process, and whether a dead webhook and a reader that
stopped change that. Without a sink: the bus alone beside the bus with hooks that nobody configured.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.context import Context
from bench.report import Row, at_most, compared
from bench.stats import alternate, quantile

_READER = """
import json, socket, sys, time
peer = socket.socket(socket.AF_UNIX)
if sys.argv[2] == "listen":
    peer.bind(sys.argv[1]); peer.listen(1); print("ready", flush=True); peer = peer.accept()[0]
else:
    peer.connect(sys.argv[1]); print("ready", flush=True)
want, times = int(sys.argv[3]), []
for line in peer.makefile("rb"):
    now = time.monotonic_ns()
    event = json.loads(line)["event"]
    if "t" in event["data"]:
        times.append((now - event["data"]["t"]) / 1000)
        if len(times) == want:
            break
print(json.dumps(times), flush=True)
"""


class _Host:
    """A bus and a dispatcher as the daemon has them, without the daemon around them."""

    def __init__(self, tasks: asyncio.TaskGroup, directory: Path) -> None:
        from roost.daemon.bus import EventBus
        from roost.hooks.command import Place
        from roost.hooks.dispatcher import Dispatcher
        from roost.hooks.making import Workshop

        self.bus = EventBus(1)
        self.dispatcher = Dispatcher(
            tasks,
            Workshop(tasks, str(directory / "queues"), lambda: Place("/bin/sh", "/", {}), True, {}),
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
        self.bus.emit(None, "agent", "generic", data)

    def counted(self, name: str, *keys: str) -> int:
        for status in self.dispatcher.status():
            if status["name"] == name:
                return sum(int(status[key]) for key in keys)
        return 0

    async def until(self, look: Callable[[], Any]) -> None:
        async with asyncio.timeout(60):
            while not look():
                await asyncio.sleep(0.0005)


@asynccontextmanager
async def _host(directory: Path, *configs: Any) -> AsyncIterator[_Host]:
    async with asyncio.TaskGroup() as tasks:
        host = _Host(tasks, directory)
        host.dispatcher.begin(configs)
        try:
            yield host
        finally:
            await host.dispatcher.close(1.0)


def _sink(type: str, options: Any, *, name: str = "", queue: int = 1_000_000) -> Any:
    from roost.core.config_sinks import SinkConfig

    return SinkConfig(name or type, type, options, queue=queue)


# --- events a second --------------------------------------------------------------------------------------------------


async def _rate(directory: Path, config: Any, count: int, *keys: str) -> float:
    """Emit in slices, as sources do, and wait until all are delivered; events a second."""
    async with _host(directory, config) as host:
        await host.until(lambda: host.dispatcher.taking)
        start = time.perf_counter()
        for at in range(count):
            host.emit(n=at)
            if at % 100 == 99:
                await asyncio.sleep(0)
        await host.until(lambda: host.counted(config.name, *keys) >= count)
        return count / (time.perf_counter() - start)


def _line() -> dict[str, Any]:
    from roost.core.event_formats import envelope
    from roost.core.events import Event

    return envelope(Event(1, 1, time.time(), "agent", "generic", data={"n": 1}))


def _plain_file(path: Path, count: int) -> float:
    shown = _line()
    start = time.perf_counter()
    with open(path, "wb", buffering=0) as file:
        for _ in range(count):
            file.write(json.dumps(shown).encode() + b"\n")
    return count / (time.perf_counter() - start)


def _plain_socket(count: int) -> float:
    ours, theirs = socket.socketpair()
    if not os.fork():
        ours.close()
        while theirs.recv(1 << 16):
            pass
        os._exit(0)
    theirs.close()
    shown = _line()
    start = time.perf_counter()
    for _ in range(count):
        ours.sendall(json.dumps(shown).encode() + b"\n")
    rate = count / (time.perf_counter() - start)
    ours.close()
    os.wait()
    return rate


def _jsonl(directory: Path, count: int) -> float:
    from roost.core.config_sinks import Jsonl

    path = Path(tempfile.mkdtemp(dir=directory)) / "x.jsonl"
    return asyncio.run(_rate(directory, _sink("jsonl", Jsonl(str(path))), count, "delivered"))


def _monitor_rate(context: Context, count: int) -> float:
    from roost.core.config_sinks import UnixListener

    path = context.path("m")
    config = _sink("unix-listener", UnixListener(str(path), monitor_bytes=1 << 30))

    async def measure() -> float:
        async with _host(context.directory, config) as host:
            await host.until(path.exists)
            reader = await _reader(path, "connect", 1 << 40)
            await host.until(lambda: host.dispatcher.taking)
            start = time.perf_counter()
            for at in range(count):
                host.emit(n=at)
                if at % 100 == 99:
                    await asyncio.sleep(0)
            await host.until(lambda: host.counted(config.name, "delivered") >= count)
            rate = count / (time.perf_counter() - start)
            reader.kill()
            await reader.wait()
            return rate

    return asyncio.run(measure())


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _webhook(directory: Path, count: int) -> float:
    from roost.core.config_sinks import Webhook

    async def measure() -> float:
        server = await asyncio.start_server(_answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        where = Path(tempfile.mkdtemp(dir=directory))
        try:
            return await _rate(where, _sink("webhook", Webhook(url, allow_private=True)), count, "delivered")
        finally:
            server.close()

    return asyncio.run(measure())


def _command(directory: Path, count: int) -> float:
    from roost.core.config_sinks import Command

    return asyncio.run(_rate(directory, _sink("command", Command(":")), count, "delivered", "failed"))


def _plain_command(count: int) -> float:
    import subprocess

    start = time.perf_counter()
    for _ in range(count):
        subprocess.run(["/bin/sh", "-c", ":"], input=b"{}\n", stdout=subprocess.PIPE, check=True)
    return count / (time.perf_counter() - start)


# --- latency ----------------------------------------------------------------------------------------------------------


async def _reader(path: Path, how: str, count: int) -> asyncio.subprocess.Process:
    command = [sys.executable, "-c", _READER, str(path), how, str(count)]
    reader = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, limit=1 << 26)
    assert reader.stdout is not None
    await reader.stdout.readline()
    return reader


def _latency(context: Context, count: int, *, trouble: bool) -> dict[str, float]:
    """Microseconds from emit to a monitor's line, at about a thousand events a second."""
    from roost.core.config_sinks import UnixListener, UnixSocket, Webhook

    path, stuck = context.path("m"), context.path("s")
    configs = [_sink("unix-listener", UnixListener(str(path)))]
    if trouble:
        configs.append(_sink("webhook", Webhook("http://127.0.0.1:9/", allow_private=True)))
        configs.append(_sink("unix-socket", UnixSocket(str(stuck), 60.0), queue=100))

    async def measure() -> list[float]:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(stuck))
            listener.listen(1)
            where = Path(tempfile.mkdtemp(dir=context.directory))
            async with _host(where, *configs) as host:
                await host.until(path.exists)
                reader = await _reader(path, "connect", count)
                await host.until(lambda: host.dispatcher.taking)
                if trouble:
                    for _ in range(2000):
                        host.emit(filler="x" * 1000)
                    await host.until(lambda: host.counted("unix-socket", "dropped") > 0)
                    await asyncio.sleep(0.5)
                for _ in range(count):
                    host.emit(t=time.monotonic_ns())
                    await asyncio.sleep(0.001)
                assert reader.stdout is not None
                times: list[float] = json.loads(await reader.stdout.readline())
                await reader.wait()
                return times

    times = asyncio.run(measure())
    return {"p50": quantile(times, 0.5), "p99": quantile(times, 0.99)}


# --- without a sink ---------------------------------------------------------------------------------------------------


def _emit_ns(directory: Path, count: int, *, hooks: bool) -> float:
    """Nanoseconds an event, of the quickest of several runs."""
    from roost.daemon.bus import EventBus

    def emit_all(bus: EventBus) -> float:
        start = time.perf_counter_ns()
        for at in range(count):
            bus.emit(None, "agent", "generic", {"n": at})
        return (time.perf_counter_ns() - start) / count

    async def measure() -> float:
        if not hooks:
            return min(emit_all(EventBus(1)) for _ in range(10))
        async with _host(directory) as host:
            return min(emit_all(host.bus) for _ in range(10))

    return asyncio.run(measure())


def run(context: Context) -> list[Row]:
    sys.setswitchinterval(1e-4)  # as the daemon does
    rounds, count = context.choose(5, 3), context.choose(100_000, 20_000)
    few, slow = context.choose(1000, 300), context.choose(300, 100)
    where = context.directory
    rates = alternate(
        rounds,
        {
            "jsonl": lambda: _jsonl(where, count),
            "write, a line each": lambda: _plain_file(context.path("plain"), count),
            "monitor": lambda: _monitor_rate(context, count),
            "send, a line each": lambda: _plain_socket(count),
            "webhook": lambda: _webhook(where, few),
            "command": lambda: _command(where, slow),
            "subprocess.run": lambda: _plain_command(slow),
        },
    )
    events = context.choose(3000, 1000)
    latencies = alternate(
        rounds,
        {
            "alone": lambda: _latency(context, events, trouble=False),
            "beside trouble": lambda: _latency(context, events, trouble=True),
        },
    )
    costs = alternate(
        rounds,
        {
            "hooks": lambda: _emit_ns(where, count, hooks=True),
            "bus": lambda: _emit_ns(where, count, hooks=False),
        },
    )
    rows = [
        compared("jsonl, events/s", "1/s", rates["jsonl"], "a loop of writes", rates["write, a line each"]),
        compared("monitor, events/s", "1/s", rates["monitor"], "a loop of sends", rates["send, a line each"]),
        compared("command, events/s", "1/s", rates["command"], "subprocess.run", rates["subprocess.run"]),
        compared("webhook, events/s", "1/s", rates["webhook"], "jsonl", rates["jsonl"]),
        compared("an event without a sink", "ns", costs["hooks"], "the bus alone", costs["bus"], at_most(1.05)),
    ]
    for point in ("p50", "p99"):
        beside, alone = ([one[point] for one in latencies[name]] for name in ("beside trouble", "alone"))
        rows.append(
            compared(
                f"emit to a monitor beside a dead webhook and a stopped reader, {point}", "µs", beside, "alone", alone
            )
        )
    return rows
