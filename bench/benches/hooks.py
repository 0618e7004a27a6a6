"""Events to sinks. How many a second each sink takes, beside a plain loop that writes the same lines to the same place;
how long an event takes from `emit` to whoever reads at the sink's other end, in a process of its own, with and without
a dead webhook and a reader that stopped beside it, for a socket also with both of them well. Without a sink: the bus
alone beside the bus with hooks.

Some sinks gather on purpose (jsonl 3 ms, webhook 100 ms), which is a part of their latency. Latencies are measured with
real-time priority where that is allowed: elsewhere what the machine does besides is in the p99.

"Does not change" has a bound for each quantile: two series of runs of one sink, alone both times, differ by a median of
up to 1.12, single pairs by 1.5 in the p99, which is that of nine events. The bounds are just above that.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

from bench.context import Context
from bench.report import Row, at_most, compared
from bench.sink_host import Ending, reading, sink, sink_host
from bench.stats import quantile

SINKS = ("stdout", "jsonl", "webhook", "unix-socket", "unix-listener", "command")
#: The whole bench: what does not fit any more is said to be not measured.
BUDGET_S = 80.0
#: Between two events while latencies are measured, and how many: a command is a process each, a webhook a request.
PACE_S = {"command": 0.01, "webhook": 0.005}
PLAIN_PACE_S = 0.001
COUNTS = {"command": 90, "webhook": 180, "jsonl": 600}
PLAIN_COUNT = 900
#: So quick that a p99 is a matter of microseconds: measured in more rounds.
PROMPT = ("stdout", "unix-socket", "unix-listener")
#: The sink that is also measured beside neighbours of the same types that are well.
AMONG = "unix-socket"
#: By how much another sink's trouble may change a latency at most.
UNCHANGED = {"p50": at_most(1.15), "p99": at_most(1.3)}


@dataclass
class Runs:
    """Alternated runs within a budget. `left_out`: why a run has no results, by name."""

    until: float
    found: dict[str, list[Any]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def alternate(self, rounds: int, runs: Mapping[str, Callable[[], Any]]) -> None:
        """Do every run once a round. One that fails is left out from then on, one that has had a round may be short."""
        for _ in range(rounds):
            for name, run in runs.items():
                if name in self.left_out:
                    continue
                if time.monotonic() > self.until:
                    if name not in self.found:
                        self.left_out[name] = f"no time was left of {BUDGET_S:g} s"
                    continue
                try:
                    self.found.setdefault(name, []).append(run())
                except Exception as error:  # one sink's failure must not take the others' numbers with it
                    self.left_out[name] = _why(error)
                    self.found.pop(name, None)

    def row(self, what: str, unit: str, ours: str, against: str, theirs: str, **more: Any) -> Row:
        """The row of two runs, or why there is none."""
        get = more.pop("get", lambda value: value)
        for name in (ours, theirs):
            if name in self.left_out:
                return Row(what, unit, None, against, note=f"not measured, {name}: {self.left_out[name]}")
        both = list(zip(self.found[ours], self.found[theirs], strict=False))
        return compared(what, unit, [get(a) for a, _ in both], against, [get(b) for _, b in both], **more)


def _why(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__} {error}".strip()


# --- events a second --------------------------------------------------------------------------------------------------


def _rate(context: Context, type: str, count: int) -> float:
    """Emit in slices, as sources do, and wait until all are delivered; events a second."""

    async def measure() -> float:
        async with reading(context, type, 1 << 40) as (host, _):
            start = time.perf_counter()
            for at in range(count):
                host.emit(n=at)
                if at % 100 == 99:
                    await asyncio.sleep(0)
            await host.until(lambda: host.status(type)["delivered"] >= count)
            return count / (time.perf_counter() - start)

    return asyncio.run(measure())


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


def _plain_stream(count: int, pair: tuple[int, int]) -> float:
    """A line each into one end, while a process reads the other."""
    theirs, ours = pair
    reader = subprocess.Popen(["/bin/cat"], stdin=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    shown = _line()
    start = time.perf_counter()
    for _ in range(count):
        os.write(ours, json.dumps(shown).encode() + b"\n")
    rate = count / (time.perf_counter() - start)
    os.close(ours)
    reader.wait()
    return rate


def _socket_pair() -> tuple[int, int]:
    one, other = socket.socketpair()
    return one.detach(), other.detach()


def _plain_post(context: Context, count: int) -> float:
    """A loop of requests over one connection, without signature or queue."""
    from http.client import HTTPConnection

    reader = context.start(
        [sys.executable, str(Path(__file__).parents[1] / "event_reader.py"), "http", "-", str(1 << 40)],
        stdout=subprocess.PIPE,
    )
    assert reader.stdout is not None
    shown, connection = _line(), HTTPConnection("127.0.0.1", int(reader.stdout.readline().split()[1]))
    start = time.perf_counter()
    for _ in range(count):
        connection.request("POST", "/", json.dumps(shown).encode())
        connection.getresponse().read()
    rate = count / (time.perf_counter() - start)
    connection.close()
    context.end(reader)
    reader.stdout.close()
    return rate


def _plain_command(count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        subprocess.run(["/bin/sh", "-c", "cat > /dev/null"], input=b"{}\n", check=True)
    return count / (time.perf_counter() - start)


# --- latency ----------------------------------------------------------------------------------------------------------


def _latency(
    context: Context, type: str, count: int, *, trouble: bool = False, neighbours: bool = False
) -> dict[str, float]:
    """Microseconds from emit to the line at the sink's other end."""
    from roost.core.config_sinks import UnixSocket, Webhook

    stuck, pace_s = context.path("s"), PACE_S.get(type, PLAIN_PACE_S)
    beside = []
    if trouble:
        beside = [
            sink("webhook", Webhook("http://127.0.0.1:9/", allow_private=True), name="dead"),
            sink("unix-socket", UnixSocket(str(stuck), 60.0), name="stopped", queue=100),
        ]

    async def measure() -> list[float]:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(stuck))
            listener.listen(1)
            async with (
                _healthy(context, ("webhook", "unix-socket") if neighbours else ()) as healthy,
                reading(context, type, count, *beside, *healthy) as (host, ending),
            ):
                for config in healthy:
                    await host.until(partial(_is_ok, host, config.name))
                if trouble:
                    await _bring_about(host)
                for _ in range(count):
                    host.emit(t=time.monotonic_ns())
                    await asyncio.sleep(pace_s)
                return await ending.times()

    times = asyncio.run(measure())
    return {"p50": quantile(times, 0.5), "p99": quantile(times, 0.99)}


@asynccontextmanager
async def _healthy(context: Context, types: tuple[str, ...]) -> AsyncIterator[list[Any]]:
    """Sinks whose readers read."""
    async with AsyncExitStack() as stack:
        configs = []
        for type in types:
            ending = Ending(context, type, 1 << 40)
            stack.push_async_callback(ending.end)
            configs.append(replace(await ending.before(), name=f"healthy {type}"))
        yield configs


def _is_ok(host: Any, name: str) -> bool:
    return bool(host.status(name)["state"] == "ok")


async def _bring_about(host: Any) -> None:
    """Fill the stopped reader's socket and its queue, and wait until the dead webhook is known to be dead."""
    await host.until(lambda: host.status("stopped")["connected"])
    while not (host.status("stopped")["dropped"] and host.status("dead")["state"] == "failing"):
        host.emit(filler="x" * 4000)
        await asyncio.sleep(0.001)
    for type in SINKS:
        for one in host.dispatcher.status():
            if one["name"] == type:
                await host.until(lambda: not host.status(type)["queued"])  # noqa: B023


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Before everything else that runs on this machine, readers included, if we may."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


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
        async with sink_host(directory) as host:
            return min(emit_all(host.bus) for _ in range(10))

    return asyncio.run(measure())


def run(context: Context) -> list[Row]:
    sys.setswitchinterval(1e-4)  # as the daemon does
    runs = Runs(time.monotonic() + BUDGET_S)
    rounds, where = context.choose(3, 1), context.directory
    fast, slow = context.choose(15_000, 5_000), context.choose(200, 100)
    counts = {"webhook": slow, "command": slow}
    plain: dict[str, Callable[[], float]] = {
        "stdout": lambda: _plain_stream(fast, os.pipe()),
        "jsonl": lambda: _plain_file(context.path("plain"), fast),
        "webhook": lambda: _plain_post(context, slow),
        "unix-socket": lambda: _plain_stream(fast, _socket_pair()),
        "unix-listener": lambda: _plain_stream(fast, _socket_pair()),
        "command": lambda: _plain_command(slow),
    }
    rates: dict[str, Callable[[], Any]] = {}
    for type in SINKS:
        rates[f"rate {type}"] = lambda type=type: _rate(context, type, counts.get(type, fast))
        rates[f"plain {type}"] = plain[type]
    runs.alternate(rounds, rates)
    runs.alternate(
        rounds,
        {
            "hooks": lambda: _emit_ns(where, 10_000, hooks=True),
            "bus": lambda: _emit_ns(where, 10_000, hooks=False),
        },
    )
    rows = [runs.row("an event without a sink", "ns", "hooks", "the bus alone", "bus", target=at_most(1.05))]
    against = dict.fromkeys(SINKS, "a loop of sends") | {
        "stdout": "a loop of writes",
        "jsonl": "a loop of writes",
        "webhook": "a loop of posts",
        "command": "subprocess.run",
    }
    for type in SINKS:
        rows.append(runs.row(f"{type}, events/s", "1/s", f"rate {type}", against[type], f"plain {type}"))
    latencies: dict[bool, dict[str, Callable[[], Any]]] = {True: {}, False: {}}
    for type in SINKS:
        some = latencies[type in PROMPT]
        full = COUNTS.get(type, PLAIN_COUNT)
        number = context.choose(full, full // 3)
        for name, trouble in (("alone", False), ("beside", True)):
            some[f"{type} {name}"] = partial(_latency, context, type, number, trouble=trouble)
        if type == AMONG:
            some[f"{type} among"] = partial(_latency, context, type, number, neighbours=True)
    with _undisturbed():
        runs.alternate(context.choose(5, 1), latencies[True])
        runs.alternate(rounds, latencies[False])
    for type in SINKS:
        for point, target in UNCHANGED.items():
            what, get = f"emit to {type} beside a dead webhook and a stopped reader, {point}", itemgetter(point)
            rows.append(runs.row(what, "µs", f"{type} beside", "alone", f"{type} alone", get=get, target=target))
    for point in UNCHANGED:
        what, get = f"emit to {AMONG} beside a webhook and a socket that are well, {point}", itemgetter(point)
        rows.append(runs.row(what, "µs", f"{AMONG} among", "alone", f"{AMONG} alone", get=get))
    return rows
