"""From a byte that a program writes to the answer of who waits for it: `wait.for` (text, expression) and `expect`.

Beside them a plain reader of a PTY that searches what it reads: no session, no daemon, nothing that outlives it.
"""

from __future__ import annotations

import os
import pty
import re
import sys
import time
from collections.abc import Callable

from bench.context import Context
from bench.report import Row, compared
from bench.roost_host import RoostHost
from bench.stats import alternate, quantile

#: Says when it begins to write, in the text that is waited for.
_PROGRAM = """
import sys, time, tty
tty.setraw(0)
print("up", flush=True)
n = 0
while sys.stdin.buffer.raw.read(1):
    n += 1
    time.sleep(0.003)
    sys.stdout.write(f"mark {n} at {time.monotonic_ns()} end\\n")
    sys.stdout.flush()
"""


def _points(samples: list[float]) -> dict[str, float]:
    return {"p50_us": quantile(samples, 0.5), "p99_us": quantile(samples, 0.99)}


def _raw(rounds: int) -> dict[str, float]:
    pid, master = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", _PROGRAM])
    seen = b""
    while b"up" not in seen:
        seen += os.read(master, 65536)
    samples = []
    for number in range(1, rounds + 1):
        os.write(master, b"x")
        pattern, seen = re.compile(rb"mark %d at (\d+) end" % number), b""
        while (found := pattern.search(seen)) is None:
            seen += os.read(master, 65536)
        samples.append((time.monotonic_ns() - int(found[1])) / 1e3)
    os.close(master)
    os.waitpid(pid, 0)
    return _points(samples)


def _roost(roost: RoostHost, rounds: int, wait: Callable[..., int]) -> dict[str, float]:
    """`wait(session, number, offset)` returns the program's time for a mark."""
    from roost.client import Client

    with Client(roost.socket, autostart=False) as client:
        session = client.spawn([sys.executable, "-c", _PROGRAM])
        session.expect("up")
        samples = []
        for number in range(1, rounds + 1):
            sent = session.send("x")
            written_ns = wait(session, number, sent.offset)
            samples.append((time.monotonic_ns() - written_ns) / 1e3)
        session.terminate(grace_s=0)
    return _points(samples)


def _by_expression(session, number: int, offset: int) -> int:  # type: ignore[no-untyped-def]
    waited = session.wait_for(rf"regex=mark {number} at (\d+) end", since=offset)
    return int(waited.matched[0]["groups"][0])


def _by_text(session, number: int, offset: int) -> int:  # type: ignore[no-untyped-def]
    return int(session.wait_for(f"text=mark {number} at", since=offset).matched[0]["line"].split()[3])


def _by_expect(session, number: int, offset: int) -> int:  # type: ignore[no-untyped-def]
    return int(session.expect(rf"mark {number} at (\d+) end").groups[0])


def run(context: Context) -> list[Row]:
    rounds = context.choose(300, 100)
    ways = {"wait --for regex": _by_expression, "wait --for text": _by_text, "expect": _by_expect}
    with RoostHost(context) as roost:
        runs = {name: lambda way=way: _roost(roost, rounds, way) for name, way in ways.items()}
        samples = alternate(context.choose(5, 3), {**runs, "raw": lambda: _raw(rounds)})
    rows = []
    for name in ways:
        for point in ("p50_us", "p99_us"):
            ours, theirs = [one[point] for one in samples[name]], [one[point] for one in samples["raw"]]
            rows.append(compared(f"byte to answer, {name}, {point[:3]}", "µs", ours, "raw PTY reader", theirs))
    return rows
