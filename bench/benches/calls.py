"""A thousand small calls on one connection, one after another: round trips seen by a C client and by the Python client.

Beside them, for orientation: dtach has no calls, so a byte sent to a Python process that sends it back (socket pair).
"""

from __future__ import annotations

import os
import socket
import time

from bench import hosts, lightwire
from bench.context import Context
from bench.report import Row, compared
from bench.roost_host import RoostHost
from bench.stats import alternate, quantile

_CALLS = 1000


def _native(context: Context, roost: RoostHost, request: bytes) -> dict[str, float]:
    client, out = roost.view(request, "--calls", str(_CALLS))
    return hosts.Watch(context, client, out, host=None).finish()


def _python(roost: RoostHost) -> dict[str, float]:
    from roost.client import Client

    samples = []
    with Client(roost.socket, autostart=False) as client:
        client.ping()
        for _ in range(_CALLS):
            start = time.perf_counter()
            client.ping()
            samples.append((time.perf_counter() - start) * 1e6)
    return {"p50_us": quantile(samples, 0.5), "p99_us": quantile(samples, 0.99)}


def _bounce() -> dict[str, float]:
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        while data := theirs.recv(64):
            theirs.sendall(data)
        os._exit(0)
    theirs.close()
    samples = []
    for _ in range(_CALLS):
        start = time.perf_counter()
        ours.sendall(b"x" * 16)
        ours.recv(64)
        samples.append((time.perf_counter() - start) * 1e6)
    ours.close()
    os.waitpid(child, 0)
    return {"p50_us": quantile(samples, 0.5), "p99_us": quantile(samples, 0.99)}


def run(context: Context) -> list[Row]:
    with RoostHost(context) as roost:
        target = roost.open(["/bin/sleep", "1000"])
        get = lightwire.call("sessions.get", {"target": target})
        samples = alternate(
            context.choose(5, 3),
            {
                "ping, C client": lambda: _native(context, roost, lightwire.ping()),
                "sessions.get, C client": lambda: _native(context, roost, get),
                "Client.ping": lambda: _python(roost),
                "bounce": _bounce,
            },
        )
    rows = []
    for what in ("ping, C client", "sessions.get, C client", "Client.ping"):
        for point in ("p50_us", "p99_us"):
            ours, theirs = ([one[point] for one in samples[name]] for name in (what, "bounce"))
            rows.append(compared(f"{what}, {point[:3]}", "µs", ours, "Python echo", theirs))
    return rows
