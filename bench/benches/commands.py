"""Whole processes of the command line, from exec to exit: `roost ls` and `roost send`, with five sessions.

Beside them, for orientation: `tmux ls`, `python -c pass` (the floor of any Python command) and `python -I -S -c pass`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from bench import hosts
from bench.context import Context
from bench.report import Row, at_most, compared
from bench.roost_host import RoostHost, roost_command
from bench.stats import alternate, median


def _process(command: list[str], env: dict[str, str]) -> Callable[[], float]:
    def run() -> float:
        start = time.perf_counter()
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        elapsed_ms = (time.perf_counter() - start) * 1e3
        if done.returncode:
            raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr.decode()[-500:]}")
        return elapsed_ms

    return run


def run(context: Context) -> list[Row]:
    tmux = hosts.optional(hosts.TmuxHost, context)
    with RoostHost(context) as roost:
        env = {**roost.env, "ROOST_SOCKET": str(roost.socket)}
        targets = roost.open_many([["/bin/cat"]] * 5)
        runs = {
            "roost ls": _process([*roost_command(), "ls"], env),
            "roost send": _process([*roost_command(), "send", "--to", targets[0], "text"], env),
            "python -c pass": _process([sys.executable, "-c", "pass"], env),
            "python -I -S -c pass": _process([sys.executable, "-I", "-S", "-c", "pass"], env),
        }
        if tmux:
            watch = tmux.watch(["/bin/cat"])
            runs["tmux ls"] = _process([hosts.need("tmux"), "-S", str(tmux.socket), "ls"], env)
        samples = alternate(context.choose(40, 15), runs)
        if tmux:
            watch.stop()
    rows = [
        Row(f"{name}, whole process p50", "ms", median(samples[name]), target=at_most(40.0))
        for name in ("roost ls", "roost send")
    ]
    for peer in ("tmux ls", "python -c pass", "python -I -S -c pass"):
        rows.append(compared("roost ls, whole process", "ms", samples["roost ls"], peer, samples.get(peer)))
    return rows
