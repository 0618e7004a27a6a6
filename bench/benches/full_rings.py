"""The keeper's resident memory with 100 full rings of 1 MiB: it maps their header pages only."""

from __future__ import annotations

import time

from bench import machine, native
from bench.context import Context, Gate, flood, wait_at_gate
from bench.report import Row, at_most
from bench.roost_host import RoostHost

_SESSIONS = 100
_BYTES = 1_200_000
#: A moment behind the floods the keeper gives back what it took to read them together.
_REST_S = 2.0


def run(context: Context) -> list[Row]:
    with RoostHost(context) as roost:
        empty = machine.resident_bytes(roost.keeper_pid)
        gate = Gate(context)
        reports = [context.path("flood") for _ in range(_SESSIONS)]
        roost.open_many([flood(gate, report, "--bytes", str(_BYTES), "--hold") for report in reports])
        wait_at_gate(*reports)
        gate.open()
        for report in reports:
            native.read_report(report)
        at_once = machine.resident_bytes(roost.keeper_pid)
        time.sleep(_REST_S)
        resident = machine.resident_bytes(roost.keeper_pid)
        daemon = machine.resident_bytes(roost.daemon_pid)
    parts = (f"{empty / 2**20:.1f} without sessions", f"{at_once / 2**20:.1f} at once")
    note = f"{', '.join(parts)}; the daemon {daemon / 2**20:.1f} (shared ring pages included)"
    return [Row("keeper with 100 full rings", "MiB", resident / 2**20, target=at_most(12e6 / 2**20), note=note)]
