"""Creating a session through the Python client: the call, until the child runs and its id is known.

Beside it, for orientation: `subprocess.Popen` of the same program in this process.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from bench.context import Context
from bench.hosts import CHILD_ENV
from bench.report import Row, at_most, compared
from bench.roost_host import RoostHost
from bench.stats import alternate, median, quantile

_ARGV = ["/bin/sleep", "1000"]


def _timed_ms(count: int, one: Callable[[], object]) -> list[float]:
    samples = []
    for _ in range(count):
        start = time.perf_counter()
        one()
        samples.append((time.perf_counter() - start) * 1e3)
    return samples


def _popen(count: int) -> list[float]:
    children: list[subprocess.Popen[bytes]] = []
    samples = _timed_ms(count, lambda: children.append(subprocess.Popen(_ARGV, env=CHILD_ENV)))
    for child in children:
        child.kill()
        child.wait()
    return samples


def _client(roost: RoostHost, count: int) -> list[float]:
    from roost.client import Client

    with Client(roost.socket, autostart=False) as client:
        client.spawn(_ARGV, env=CHILD_ENV, cwd="/")
        samples = _timed_ms(count, lambda: client.spawn(_ARGV, env=CHILD_ENV, cwd="/"))
    roost.end_all()
    return samples


def run(context: Context) -> list[Row]:
    count = context.choose(60, 30)
    with RoostHost(context) as roost:
        samples = alternate(
            context.choose(5, 3), {"roost": lambda: _client(roost, count), "popen": lambda: _popen(count)}
        )
    rows = []
    for point, q in (("p50", 0.5), ("p99", 0.99)):
        ours, theirs = ([quantile(one, q) for one in samples[name]] for name in ("roost", "popen"))
        if point == "p50":
            rows.append(Row("Client.spawn, p50", "ms", median(ours), target=at_most(1.0)))
        rows.append(compared(f"Client.spawn, {point}", "ms", ours, "Popen", theirs))
    return rows
