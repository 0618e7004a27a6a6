"""Creating a session through the Python client: the call, until the child runs and its id is known.

Beside it, for orientation: `subprocess.Popen` of the same program in this process, and the same start passed on by
three processes of Python that do nothing else, with a terminal and a ring: what a client, a daemon and a keeper cost at
the least.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.context import Context
from bench.hosts import CHILD_ENV
from bench.report import Row, at_most, compared
from bench.roost_host import RoostHost
from bench.stats import alternate, median, quantile

_ARGV = ["/bin/sleep", "1000"]
_PASS_ON = Path(__file__).resolve().parent.parent / "peers/pass_on.py"
_PASSED_ON = "three bare processes"


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


def _passed_on(count: int) -> list[float]:
    request = b"\0".join(
        os.fsencode(part) for part in [*_ARGV, *(f"{name}={value}" for name, value in CHILD_ENV.items())]
    )
    client, to_client = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    to_starter, starter = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    processes = [
        subprocess.Popen(
            [sys.executable, str(_PASS_ON), role, *(str(end.fileno()) for end in ends)],
            pass_fds=[end.fileno() for end in ends],
        )
        for role, ends in (("relay", (to_client, to_starter)), ("starter", (starter,)))
    ]
    for end in (to_client, to_starter, starter):
        end.close()

    def one() -> None:
        client.send(request)
        client.recv(100)

    with client:
        one()
        samples = _timed_ms(count, one)
    for process in processes:
        process.wait(10)
    return samples


def run(context: Context) -> list[Row]:
    count = context.choose(60, 30)
    with RoostHost(context) as roost:
        samples = alternate(
            context.choose(5, 3),
            {
                "roost": lambda: _client(roost, count),
                "popen": lambda: _popen(count),
                _PASSED_ON: lambda: _passed_on(count),
            },
        )
    rows = []
    for point, q in (("p50", 0.5), ("p99", 0.99)):
        ours, popen, bare = ([quantile(one, q) for one in samples[name]] for name in ("roost", "popen", _PASSED_ON))
        if point == "p50":
            rows.append(Row("Client.spawn, p50", "ms", median(ours), target=at_most(1.0)))
        rows.append(compared(f"Client.spawn, {point}", "ms", ours, _PASSED_ON, bare))
        rows.append(compared(f"Client.spawn, {point}", "ms", ours, "Popen", popen))
    return rows
