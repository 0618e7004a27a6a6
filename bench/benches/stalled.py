"""A child with 100 attached viewers that never read: how much longer it takes than with none.

Compared: roost with 100 stalled viewers and with no client. The allowance is the noise of a raw PTY in the same run:
its slowest run by its median.
"""

from __future__ import annotations

from bench import hosts, lightwire, native
from bench.context import Context, Gate, flood, wait_at_gate
from bench.report import Row, at_most, compared
from bench.roost_host import RoostHost
from bench.stats import alternate, median

_VIEWERS = 100


def _child_seconds(context: Context, roost: RoostHost, viewers: int, size: int) -> float:
    gate, report = Gate(context), context.path("flood")
    target = roost.open(flood(gate, report, "--bytes", str(size)))
    wait_at_gate(report)
    stalled = None
    if viewers:
        stalled, _ = roost.view(lightwire.attach(target, mode="view"), "--viewers", str(viewers), "--stall")
    gate.open()
    child = native.read_report(report)
    if stalled:
        context.end(stalled)
    return float(child["end_ns"] - child["start_ns"]) / 1e9


def _raw_seconds(context: Context, raw: hosts.RawHost, size: int) -> float:
    gate, report = Gate(context), context.path("flood")
    watching = raw.watch(flood(gate, report, "--bytes", str(size)))
    wait_at_gate(report)
    gate.open()
    watching.finish()
    child = native.read_report(report)
    return float(child["end_ns"] - child["start_ns"]) / 1e9


def run(context: Context) -> list[Row]:
    size = context.choose(160, 60) * 1_000_000
    raw = hosts.RawHost(context)
    with RoostHost(context) as roost:
        times = alternate(
            context.choose(7, 3),
            {
                "raw": lambda: _raw_seconds(context, raw, size),
                "none": lambda: _child_seconds(context, roost, 0, size),
                "stalled": lambda: _child_seconds(context, roost, _VIEWERS, size),
            },
        )
    noise = at_most(round(max(times["raw"]) / median(times["raw"]), 2))
    note = "target: the raw PTY's slowest run by its median"
    what = "child's time with 100 stalled viewers"
    return [
        compared(what, "s", times["stalled"], "roost, no client", times["none"], noise, note),
        compared("child's time without a client", "s", times["none"], "plain C reader", times["raw"]),
    ]
