"""Taking over 500 sessions after SIGKILL of the daemon: until output flows again from the first, a middle and the last.

Measured twice: from the kill, with the keeper starting the next daemon, and from the moment that daemon's process began
(interpreter and imports included, the keeper's notice and back-off excluded).
"""

from __future__ import annotations

import os
import signal
import time

from bench import lightwire, native
from bench.context import Context
from bench.report import Row, at_most
from bench.roost_host import RoostHost
from bench.stats import median

_SESSIONS = 500
_TIMEOUT_S = 20.0


def _round_trip(roost: RoostHost, target: str) -> None:
    """Attach, type a byte and wait until it comes back."""
    with roost.connect() as connection:
        connection.ask(lightwire.attach(target, mode="share"))
        connection.send(bytes((0, 0, 0, 3, 0x0A, 1, ord("x"))))
        while 1 not in dict(lightwire.fields(connection.receive())):
            pass


def _flows_again(roost: RoostHost, targets: list[str], deadline: float) -> None:
    for target in targets:
        while True:
            try:
                _round_trip(roost, target)
                break
            except (OSError, EOFError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.001)


def _started_at(pid: int) -> float:
    """When a process began, on the monotonic clock (10 ms steps)."""
    with open(f"/proc/{pid}/stat", "rb") as stat:
        ticks = int(stat.read().rpartition(b")")[2].split()[19])
    boot = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    return ticks / os.sysconf("SC_CLK_TCK") - boot


def _kill_once(roost: RoostHost, targets: list[str]) -> tuple[float, float]:
    """Milliseconds from the kill and from the start of the next daemon."""
    killed = time.monotonic()
    os.kill(roost.daemon_pid, signal.SIGKILL)
    roost.reap()
    _flows_again(roost, targets, killed + _TIMEOUT_S)
    flowing = time.monotonic()
    roost.refresh()
    return (flowing - killed) * 1e3, (flowing - _started_at(roost.daemon_pid)) * 1e3


def run(context: Context) -> list[Row]:
    with RoostHost(context) as roost:
        targets = roost.open_many([[native.program("echo")]] * _SESSIONS)
        sampled = [targets[0], targets[_SESSIONS // 2], targets[-1]]
        results = []
        for _ in range(context.choose(5, 2)):
            time.sleep(1.5)
            results.append(_kill_once(roost, sampled))
    whole, own = ([r[i] for r in results] for i in (0, 1))
    everything = "; ".join(f"{value:.0f}" for value in own)
    return [
        Row(
            "500 sessions flow again, from the daemon's start",
            "ms",
            median(own),
            target=at_most(300.0),
            note=everything,
        ),
        Row("500 sessions flow again, from the SIGKILL", "ms", median(whole), note=f"slowest {max(whole):.0f}"),
    ]
