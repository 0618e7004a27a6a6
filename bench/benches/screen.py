"""Screens: how fast output is emulated, what a screen costs to see, and what being followed costs a busy session.

Emulation runs in one process on 16 MB of log lines and of lines full of colours and cursor movements; tmux shows as
much in a pane (its own emulator, the terminal in between included). A screen is asked for over the socket, as text,
after so much output that was followed. The fan-out to one C client is that of `output`, with and without a screen of
the session. In a flood without end (coloured lines, as fast as the terminal takes them) the ring is overtaken again and
again; the slowest of ten screens counts. Attaching is a call of the Python client, over a screen that is followed
already. The worker's memory is that behind all this, its own pages and its share of the others.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from bench import hosts, lightwire, machine, native
from bench.context import Context, Gate, flood, wait_at_gate
from bench.report import Row, at_least, at_most, compared
from bench.roost_host import RoostHost
from bench.stats import alternate

_MB = 1_000_000
_LINE = b"2026-11-21 12:00:%02d INFO request %06d served in 12 ms from cache\r\n"
_PLAIN = b"".join(_LINE % (n % 60, n) for n in range(1000))
_CELL = b"\x1b[%d;%dH\x1b[1;3%d;48;5;%dmcell %d\x1b[0m\x1b[K\x1b[38;2;%d;80;90m*\x1b[m"
_HEAVY = b"".join(_CELL % (n % 24 + 1, n % 60 + 1, n % 8, n % 256, n, n % 256) for n in range(1000))


def _emulated(piece: bytes, size: int) -> float:
    from roost.screen.emulator import make_emulator

    data = (piece * (65536 // len(piece) + 1))[:65536]
    emulator = make_emulator(24, 80)
    began = time.perf_counter()
    for _ in range(size // len(data)):
        emulator.feed(data)
    emulator.text()
    took_s = time.perf_counter() - began
    emulator.close()
    return size / took_s / _MB


def _in_tmux(piece: bytes, size: int) -> float:
    from tools.oracles.recording import Recording
    from tools.oracles.terminals import tmux

    output = (piece * (size // len(piece) + 1))[:size].decode("latin-1")
    empty, full = Recording(24, 80, [["o", "x"], ["c"]]), Recording(24, 80, [["o", output], ["c"]])
    began = time.perf_counter()
    tmux(empty)
    between = time.perf_counter()
    tmux(full)
    return size / max(time.perf_counter() - between - (between - began), 1e-6) / _MB


def _watched(context: Context, roost: RoostHost, size: int, *, screen: bool) -> float:
    gate, report = Gate(context), context.path("flood")
    argv = flood(gate, report, "--bytes", str(size))
    target = roost.open(argv)
    if screen:
        with roost.connect() as connection:
            connection.call("screen.get", {"target": target})
    client, out = roost.view(lightwire.attach(target, mode="view"))
    watching = hosts.Watch(context, client, out, host=None)
    wait_at_gate(report)
    gate.open()
    result, child = watching.finish(), native.read_report(report)
    return float(min(result["bytes"], size) / (result["last_ns"] - child["start_ns"]) * 1e3)


def _seen_ms(context: Context, roost: RoostHost, size: int) -> float:
    """What a screen costs behind so much output, in ms: the median of twenty."""
    gate, report = Gate(context), context.path("flood")
    target = roost.open(flood(gate, report, "--bytes", str(size)))
    with roost.connect() as connection:
        connection.call("screen.get", {"target": target})
        wait_at_gate(report)
        gate.open()
        native.read_report(report)
        connection.call("sessions.wait", {"target": target})
        times = []
        for _ in range(20):
            began = time.perf_counter()
            connection.call("screen.get", {"target": target, "format": "text"})
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


def _flooded_ms(context: Context, roost: RoostHost) -> float:
    """The slowest of ten screens of a session that writes without end, in ms."""
    gate, report = Gate(context), context.path("flood")
    target = roost.open(flood(gate, report, "--colours"))
    wait_at_gate(report)
    gate.open()
    times = []
    with roost.connect() as connection:
        for _ in range(10):
            began = time.perf_counter()
            connection.call("screen.get", {"target": target, "format": "text"})
            times.append(time.perf_counter() - began)
            time.sleep(0.02)
    roost.end([target])
    return max(times) * 1e3


def _worker_mb(roost: RoostHost) -> float:
    """The memory of the worker, in MB."""
    workers = [pid for pid in machine.carrying("roost.screen.worker") if machine.parent(pid) == roost.daemon_pid]
    return sum(map(machine.proportional_bytes, workers)) / _MB


def _attached_ms(roost: RoostHost, restore: str) -> float:
    from roost.client import Client

    with Client(str(roost.socket), autostart=False) as client:
        session = client.spawn(["sh", "-c", "seq 3000; exec sleep 1000"], rows=24, cols=80)
        session.screen()
        times = []
        for _ in range(15):
            began = time.perf_counter()
            session.attach(restore=restore, rows=24, cols=80, tty=True).close()
            times.append(time.perf_counter() - began)
        session.terminate(grace_s=0.0)
    return statistics.median(times) * 1e3


def run(context: Context) -> list[Row]:
    size = context.choose(16, 4) * _MB
    rates = alternate(
        context.choose(5, 2),
        {
            "plain": lambda: _emulated(_PLAIN, size),
            "heavy": lambda: _emulated(_HEAVY, size),
            "tmux plain": lambda: _in_tmux(_PLAIN, size // 2),
            "tmux heavy": lambda: _in_tmux(_HEAVY, size // 2),
        },
    )
    with RoostHost(context) as roost:
        flow = context.choose(100, 40) * _MB
        runs: dict[str, Callable[[], float]] = {
            "followed": lambda: _watched(context, roost, flow, screen=True),
            "alone": lambda: _watched(context, roost, flow, screen=False),
        }
        flows = alternate(context.choose(7, 3), runs)
        small = [_seen_ms(context, roost, 1 << 20) for _ in range(context.choose(5, 2))]
        large = [_seen_ms(context, roost, 100 << 20) for _ in range(context.choose(5, 2))]
        flooded = [_flooded_ms(context, roost) for _ in range(context.choose(3, 1))]
        attached = alternate(
            context.choose(5, 2),
            {"screen": lambda: _attached_ms(roost, "screen"), "none": lambda: _attached_ms(roost, "none")},
        )
        worker_mb = _worker_mb(roost)
    return [
        compared("emulation, log lines", "MB/s", rates["plain"], "tmux", rates["tmux plain"]),
        compared("emulation, colours and cursor movements", "MB/s", rates["heavy"], "tmux", rates["tmux heavy"]),
        Row("a screen as text behind 1 MiB", "ms", statistics.median(small), target=at_most(20)),
        compared("a screen as text behind 100 MiB", "ms", large, "behind 1 MiB", small, at_most(2.0)),
        Row("a screen as text in a flood, the slowest", "ms", statistics.median(flooded), target=at_most(500)),
        compared("one client, followed", "MB/s", flows["followed"], "not followed", flows["alone"], at_least(0.9)),
        compared("attach with the screen", "ms", attached["screen"], "without", attached["none"]),
        Row("memory of the worker", "MB", worker_mb),
    ]
