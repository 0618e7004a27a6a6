"""What 500 idle sessions cost: resident memory of keeper and daemon together, and their time on a processor.

Memory counts each physical page once, however many processes map it (see `machine.resident_once_bytes`); the sum of the
proportional set sizes stands beside it. CPU is over 5 s in which nobody does anything.
"""

from __future__ import annotations

import time

from bench import machine
from bench.context import Context
from bench.report import Row, at_most
from bench.roost_host import RoostHost

_SESSIONS = 500
_MB = 1 << 20


def run(context: Context) -> list[Row]:
    with RoostHost(context) as roost:
        pids = [roost.daemon_pid, roost.keeper_pid]
        empty = machine.resident_once_bytes(pids)
        roost.open_many([["/bin/sleep", "1000"]] * _SESSIONS)
        time.sleep(4.0)  # states of silent sessions are decided 3 s after their start, once
        before = [machine.cpu_ns(pid) for pid in pids]
        window_s = float(context.choose(5, 3))
        time.sleep(window_s)
        spent = [machine.cpu_ns(pid) - was for pid, was in zip(pids, before, strict=True)]
        full = machine.resident_once_bytes(pids)
        proportional = sum(machine.proportional_bytes(pid) for pid in pids)
        daemon, keeper = (machine.resident_bytes(pid) for pid in pids)
    each = (full - empty) / _SESSIONS / 1024
    parts = (
        f"daemon {daemon / _MB:.1f}, keeper {keeper / _MB:.1f} resident; empty {empty / _MB:.1f}; {each:.1f} KB each"
    )
    cpu = sum(spent) / (window_s * 1e9) * 100
    detail = f"daemon {spent[0] / 1e6:.2f} ms, keeper {spent[1] / 1e6:.2f} ms in {window_s:g} s"
    return [
        Row("500 idle sessions, resident once", "MiB", full / _MB, target=at_most(60e6 / 2**20), note=parts),
        Row("500 idle sessions, proportional", "MiB", proportional / _MB),
        Row("500 idle sessions, CPU", "%", cpu, target=at_most(0.02), note=detail),
    ]
