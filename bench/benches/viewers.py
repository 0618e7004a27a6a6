"""One busy session with 100 viewers: bytes delivered to all of them together in a fixed time.

Compared: roost and dtach, each read by one C process that holds 100 connections. What a viewer misses does not count
(roost tells it as a gap, dtach drops it silently). The second row says how much each server delivers a second of its
own CPU time: it stays true when others use the machine too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bench import hosts, machine, native
from bench.context import Context, Gate, flood, wait_at_gate
from bench.report import Row, at_least, compared
from bench.roost_host import RoostHost
from bench.stats import alternate

_VIEWERS = 100
_ROWS = (
    (f"{_VIEWERS} viewers, total", "GB/s", at_least(1.5)),
    ("the same by the server's CPU time", "GB/s", None),
    ("the child meanwhile", "MB/s", None),
)


class _Run(NamedTuple):
    """What one run gave: GB/s to all viewers, GB delivered a CPU second of the server, MB/s of the child."""

    total: float
    efficiency: float
    child: float


def _run(context: Context, host: hosts.Host) -> _Run:
    gate, report = Gate(context), context.path("flood")
    seconds = context.choose(2, 1)
    argv = flood(gate, report, "--seconds", str(seconds + 1), "--hold")
    watching = host.watch(argv, "--viewers", str(_VIEWERS), "--seconds", str(seconds))
    servers = [host.daemon_pid, host.keeper_pid] if isinstance(host, RoostHost) else watching.server_pids
    wait_at_gate(report)
    before = sum(map(machine.cpu_ns, servers))
    gate.open()
    result = watching.result()
    spent = sum(map(machine.cpu_ns, servers)) - before
    child = native.read_report(report)
    watching.stop()
    if isinstance(host, RoostHost):
        host.end_all()
    window = result["last_ns"] - result["first_ns"]
    return _Run(
        result["bytes"] / window, result["bytes"] / spent, child["bytes"] / (child["end_ns"] - child["start_ns"]) * 1e3
    )


def run(context: Context) -> list[Row]:
    dtach = hosts.optional(hosts.DtachHost, context)
    with RoostHost(context) as roost:
        runs: dict[str, Callable[[], _Run]] = {"roost": lambda: _run(context, roost)}
        if dtach:
            runs["dtach"] = lambda: _run(context, dtach)
        results = alternate(context.choose(5, 2), runs)
    rows = []
    for i, (what, unit, target) in enumerate(_ROWS):
        ours, theirs = ([one[i] for one in results.get(name, ())] for name in ("roost", "dtach"))
        rows.append(compared(what, unit, ours, "dtach", theirs or None, target))
    return rows
