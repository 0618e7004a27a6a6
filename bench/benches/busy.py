"""Sixteen busy sessions at once: what their children write together in a fixed time, by the children's own counts.

Compared: roost without clients, and one C poll loop over 16 PTYs.
"""

from __future__ import annotations

from pathlib import Path

from bench import native
from bench.context import Context, Gate, flood, wait_at_gate
from bench.report import Row, at_least, compared
from bench.roost_host import RoostHost
from bench.stats import alternate

_SESSIONS = 16


def _total(reports: list[Path]) -> float:
    """MB/s of all children."""
    children = [native.read_report(report) for report in reports]
    window = max(child["end_ns"] for child in children) - min(child["start_ns"] for child in children)
    return float(sum(child["bytes"] for child in children) / window * 1e3)


def _seconds(context: Context) -> str:
    return str(context.choose(2, 1))


def _poll_loop(context: Context) -> float:
    gate, stem = Gate(context), context.path("flood")
    reports = [Path(f"{stem}-{index}") for index in range(_SESSIONS)]
    command = [native.program("poll_reader"), "--ptys", str(_SESSIONS), "--out", str(context.path("out")), "--"]
    reader = context.start([*command, *flood(gate, Path(f"{stem}-@"), "--seconds", _seconds(context))])
    wait_at_gate(*reports)
    gate.open()
    total = _total(reports)
    reader.wait(10)
    context.end(reader)
    return total


def _roost(context: Context, roost: RoostHost) -> float:
    gate = Gate(context)
    reports = [context.path("flood") for _ in range(_SESSIONS)]
    roost.open_many([flood(gate, report, "--seconds", _seconds(context)) for report in reports])
    wait_at_gate(*reports)
    gate.open()
    total = _total(reports)
    with roost.connect() as connection:
        connection.call("sessions.purge", {})
    return total


def run(context: Context) -> list[Row]:
    with RoostHost(context) as roost:
        totals = alternate(
            context.choose(5, 2), {"poll": lambda: _poll_loop(context), "roost": lambda: _roost(context, roost)}
        )
    what = f"{_SESSIONS} busy sessions, total"
    return [compared(what, "MB/s", totals["roost"], "C poll loop", totals["poll"], at_least(0.85))]
