"""Events: from a program's emit to 1, 10 and 100 streams and observers (p50, p99, events/s), and the journal's rate.

A program in a session emits over the socket of ROOST_EVENTS; every stream is a connection that reads frames. That of an
observer confirms what it has, and is sent nothing before the daemon has stored that it is on its way. Beside the
journal's rate stands SQLite with one commit an event: what batches save.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import threading
import time
from itertools import product
from pathlib import Path
from typing import Any

from bench.context import Context
from bench.report import Row, compared
from bench.roost_host import RoostHost
from bench.stats import alternate, median, quantile

_READERS = (1, 10, 100)

#: Emits with the time inside, once a file is there: one at a time, then all at once; says when it is over.
_EMITTER = """
import json, os, socket, sys, time
path, single, many, begin = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
while not os.path.exists(begin):
    time.sleep(0.01)
sock = socket.socket(socket.AF_UNIX)
sock.connect(path)
answers = sock.makefile("rb")
def line(part):
    told = {"type": "generic", "data": {"part": part, "sent": time.monotonic_ns()}}
    return json.dumps(told).encode() + b"\\n"
for _ in range(single):
    sock.sendall(line("single"))
    answers.readline()
    time.sleep(0.001)
for start in range(0, many, 100):
    sock.sendall(b"".join(line("many") for _ in range(100)))
    for _ in range(100):
        answers.readline()
sock.sendall(line("end"))
answers.readline()
"""


#: Opens streams with these parameters and reads them to nowhere; those of observers confirm what came.
_DRAIN = """
import json, select, socket, sys
from bench import lightwire
path, wishes, ready = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
poll, streams = select.epoll(), {}
for wish in wishes:
    connection = lightwire.Connection(path)
    connection.call("events.stream", wish)
    sock = connection._socket
    streams[sock.fileno()] = connection
    poll.register(sock.fileno(), select.EPOLLIN)
open(ready, "w").close()
space = bytearray(1 << 18)
while True:
    for fd, _ in poll.poll():
        size = streams[fd]._socket.recv_into(space)
        if not size:
            poll.unregister(fd)
        last = space.rfind(b'{"id":"', 0, size) + 7
        end = space.find(b'"', last, size)
        if "observer" in wishes[0] and last >= 7 and end > 0:
            through = space[last:end].decode()
            streams[fd].send(lightwire.call("events.ack", {"through": through}))
"""


class _Reader(threading.Thread):
    """One stream, read to the end."""

    def __init__(self, roost: RoostHost, wish: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        from roost.client import Client

        self._client = Client(str(roost.socket), autostart=False)
        self._stream = self._client.events(**wish)
        self.latencies_ms: list[float] = []
        self.span_s = 0.0
        self.many = 0

    def run(self) -> None:
        first = last = 0
        for event in self._stream:
            part, now = event.data["part"], time.monotonic_ns()
            if part == "end":
                break
            if part == "single":
                self.latencies_ms.append((now - event.data["sent"]) / 1e6)
            else:
                first, last = first or event.data["sent"], now
                self.many += 1
        self.span_s = (last - first) / 1e9
        self._stream.close()


def _wishes(roost: RoostHost, session: str, readers: int, *, observers: bool) -> list[dict[str, Any]]:
    """What each reader asks for: the agent events, or an observer of its own that buffers them."""
    if not observers:
        return [{"categories": ["agent"]}] * readers
    order = {"target": session, "categories": ["agent"], "capacity": 10_000}
    with roost.connect() as connection:
        return [{"observer": connection.call("observers.add", order)["id"]} for _ in range(readers)]


def _fan_out(context: Context, roost: RoostHost, readers: int, *, observers: bool) -> dict[str, float]:
    """Latency of single events at one reader, and the rate at which all readers together got the many."""
    single, many = context.choose(500, 100), context.choose(1000, 300)
    ready, begin = context.path("ready"), context.path("begin")
    command = [sys.executable, "-c", _EMITTER, str(roost.socket.parent / "run/roost" / roost.scope / "events.sock")]
    session = roost.open([*command, str(single), str(many), str(begin)], pipe=True)
    first, *rest = _wishes(roost, session, readers, observers=observers)
    command = [sys.executable, "-c", _DRAIN, str(roost.socket), json.dumps(rest), str(ready)]
    others = context.start(command, cwd=Path(__file__).parents[2])
    while not ready.exists():
        time.sleep(0.01)
    watched = _Reader(roost, first)
    watched.start()
    begin.touch()
    watched.join(60)
    context.end(others)
    with roost.connect() as connection:
        connection.call("sessions.purge", {})
    if watched.many != many:
        raise RuntimeError(f"{watched.many} of {many} events came")
    return {
        "p50": quantile(watched.latencies_ms, 0.5),
        "p99": quantile(watched.latencies_ms, 0.99),
        "rate": readers * many / watched.span_s,
    }


def _journal(context: Context, count: int) -> float:
    """Events a second through the bus into the journal, until all are durable."""
    from roost.daemon.bus import EventBus
    from roost.daemon.events.journal import Journal, Retention
    from roost.daemon.events.log import EventLog

    async def run() -> float:
        bus = EventBus(1)
        journal = Journal(str(context.path("journal")), Retention())
        log = EventLog(asyncio.get_running_loop(), bus, journal, journal.open_now())
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(log.run())
            start = time.perf_counter()
            for at in range(count):
                bus.emit(None, "agent", "generic", {"n": at, "tool_name": "Bash", "phase": "start"})
            await log.settle(log.last)
            elapsed = time.perf_counter() - start
            await log.close()
            task.cancel()
        return count / elapsed

    return asyncio.run(run())


def _one_by_one(context: Context, count: int) -> float:
    db = sqlite3.connect(Path(context.path("single")), isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("CREATE TABLE events (epoch INTEGER, seq INTEGER, line BLOB, PRIMARY KEY (epoch, seq))")
    start = time.perf_counter()
    for at in range(count):
        line = json.dumps({"id": f"1.{at}", "data": {"n": at, "tool_name": "Bash", "phase": "start"}}).encode()
        db.execute("INSERT INTO events VALUES (1, ?, ?)", (at, line))
    elapsed = time.perf_counter() - start
    db.close()
    return count / elapsed


def run(context: Context) -> list[Row]:
    rows = []
    with RoostHost(context) as roost:
        for readers, observers in product(_READERS, (False, True)):
            found = [_fan_out(context, roost, readers, observers=observers) for _ in range(context.choose(3, 1))]
            what = f"emit to {readers} {'observer' if observers else 'stream'}{'s' if readers > 1 else ''}"
            for name, unit in (("p50", "ms"), ("p99", "ms"), ("rate", "events/s")):
                label = f"{what}, {name}" if unit == "ms" else f"{what}, delivered in all"
                rows.append(Row(label, unit, median([one[name] for one in found])))
    count = context.choose(50_000, 10_000)
    rates = alternate(
        context.choose(3, 2),
        {"journal": lambda: _journal(context, count), "single": lambda: _one_by_one(context, count // 10)},
    )
    rows.append(compared("journal, until durable", "events/s", rates["journal"], "a commit each", rates["single"]))
    return rows
