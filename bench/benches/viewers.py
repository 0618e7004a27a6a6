"""One busy session with 100 viewers: bytes delivered to all of them together in a fixed time.

Compared: roost and dtach, each read by one C process that holds 100 connections. What a viewer misses does not count
(roost tells it as a gap, dtach drops it silently).
"""

from __future__ import annotations

from collections.abc import Callable

from bench import hosts, native
from bench.context import Context, Gate, flood, wait_at_gate
from bench.report import Row, at_least, compared
from bench.roost_host import RoostHost
from bench.stats import alternate

_VIEWERS = 100
_SECONDS = 2


def _run(context: Context, host: hosts.Host) -> tuple[float, float]:
    """GB/s to all viewers, and MB/s of the child."""
    gate, report = Gate(context), context.path("flood")
    argv = flood(gate, report, "--seconds", str(_SECONDS + 1), "--hold")
    watching = host.watch(argv, "--viewers", str(_VIEWERS), "--seconds", str(_SECONDS))
    wait_at_gate(report)
    gate.open()
    result, child = watching.result(), native.read_report(report)
    watching.stop()
    if isinstance(host, RoostHost):
        host.end_all()
    rate = result["bytes"] / (result["last_ns"] - result["first_ns"])
    return rate, child["bytes"] / (child["end_ns"] - child["start_ns"]) * 1e3


def run(context: Context) -> list[Row]:
    dtach = hosts.optional(hosts.DtachHost, context)
    with RoostHost(context) as roost:
        runs: dict[str, Callable[[], tuple[float, float]]] = {"roost": lambda: _run(context, roost)}
        if dtach:
            runs["dtach"] = lambda: _run(context, dtach)
        results = alternate(context.choose(4, 2), runs)
    totals, children = ({name: [one[i] for one in many] for name, many in results.items()} for i in (0, 1))
    return [
        compared(f"{_VIEWERS} viewers, total", "GB/s", totals["roost"], "dtach", totals.get("dtach"), at_least(1.5)),
        compared("the child meanwhile", "MB/s", children["roost"], "dtach", children.get("dtach")),
    ]
