"""Output of one busy session to one attached client: bytes delivered by the time from the child's first write.

Compared: roost with a C client that reads the ring itself, with one of plain v1, and with one that is sent the frames
of roost's extension, the same lossless, `roost attach --view --lossless` into a pipe, dtach (C client), tmux and screen
(their own clients on a PTY that the C reader reads), the plain C reader without a server.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from bench import hosts, native
from bench.context import Context, Gate, flood, wait_at_gate
from bench.report import Row, at_least, compared
from bench.roost_host import RoostHost, roost_command
from bench.stats import alternate

_MB = 1_000_000


def _run(context: Context, watch: Callable[[list[str]], hosts.Watch], size: int, *options: str) -> float:
    """MB/s from the child's first write to the client's last byte, for the bytes that count as delivered."""
    gate, report = Gate(context), context.path("flood")
    watching = watch(flood(gate, report, "--bytes", str(size), *options))
    wait_at_gate(report)
    gate.open()
    result, child = watching.finish(), native.read_report(report)
    return float(min(result["bytes"], size) / (result["last_ns"] - child["start_ns"]) * 1e3)


def _run_multiplexer(context: Context, host: hosts.Host, size: int) -> float:
    """MB/s of what the child wrote: the multiplexer's client draws as little of it as it likes."""
    gate, report = Gate(context), context.path("flood")
    watching = host.watch(flood(gate, report, "--bytes", str(size)))
    wait_at_gate(report)
    gate.open()
    result, child = watching.finish(), native.read_report(report)
    return float(size / (result["last_ns"] - child["start_ns"]) * 1e3)


def _run_cli(context: Context, roost: RoostHost, size: int) -> float:
    """MB/s through the command-line client into `wc -c`, until both have ended."""
    gate, report = Gate(context), context.path("flood")
    target = roost.open(flood(gate, report, "--bytes", str(size)))
    wait_at_gate(report)
    command = [*roost_command(), "attach", "--view", "--lossless", target]
    env = {**roost.env, "ROOST_SOCKET": str(roost.socket)}
    client = context.start(command, env=env, stdout=subprocess.PIPE)
    counter = context.start(["wc", "-c"], stdin=client.stdout, stdout=subprocess.PIPE)
    assert client.stdout is not None
    client.stdout.close()
    _wait_attached(roost, target)
    gate.open()
    counted = int(counter.communicate(timeout=60)[0])
    ended, child = time.monotonic_ns(), native.read_report(report)
    context.end(client)
    if counted != size:
        raise RuntimeError(f"roost attach delivered {counted} of {size} bytes")
    return float(size / (ended - child["start_ns"]) * 1e3)


def _wait_attached(roost: RoostHost, target: str) -> None:
    deadline = time.monotonic() + 10
    with roost.connect() as connection:
        while not connection.call("sessions.get", {"target": target})["clients"]:
            if time.monotonic() > deadline:
                raise TimeoutError("roost attach did not attach within 10 s")
            time.sleep(0.01)


def run(context: Context) -> list[Row]:
    size = context.choose(100, 40) * _MB
    small = context.choose(8, 3) * _MB
    raw = hosts.RawHost(context)
    with RoostHost(context) as roost:
        runs: dict[str, Callable[[], float]] = {
            raw.name: lambda: _run(context, raw.watch, size),
            "extended": lambda: _run(context, roost.watch, size),
            "frames": lambda: _run(context, roost.watch_v1, size),
        }
        runs["local"] = lambda: _run(context, lambda argv: roost.watch_with(argv, "--local", local=True), size)
        runs["lossless"] = lambda: _run(context, lambda argv: roost.watch_with(argv, lossless=True), size)
        runs["coloured"] = lambda: _run(context, roost.watch, size, "--colours")
        runs["cli"] = lambda: _run_cli(context, roost, size)
        if dtach := hosts.optional(hosts.DtachHost, context):
            runs[dtach.name] = lambda: _run(context, dtach.watch, size)
        if tmux := hosts.optional(hosts.TmuxHost, context):
            runs[tmux.name] = lambda: _run_multiplexer(context, tmux, small)
        if screen := hosts.optional(hosts.ScreenHost, context):
            runs[screen.name] = lambda: _run_multiplexer(context, screen, small)
        rates = alternate(context.choose(9, 3), runs)
    return _rows(rates)


def _rows(rates: dict[str, list[float]]) -> list[Row]:
    targets = {"plain C reader": at_least(0.9), "dtach": at_least(1.0), "tmux": at_least(1.2), "screen": at_least(3.0)}
    rows = [
        compared(f"one client, {way}", "MB/s", rates[key], peer, rates.get(peer), target)
        for way, key in (("reading locally", "local"), ("over frames", "frames"), ("over extended frames", "extended"))
        for peer, target in targets.items()
    ]
    for what, key in (
        ("one client, coloured lines", "coloured"),
        ("one client, lossless", "lossless"),
        ("roost attach --view --lossless | wc -c", "cli"),
    ):
        rows.append(compared(what, "MB/s", rates[key], "plain C reader", rates["plain C reader"]))
    return rows
