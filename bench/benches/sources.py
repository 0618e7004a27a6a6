"""What observing costs and sees: a build-like load (2,000 short commands; 5,000 file operations) with each source on.

The load measures itself; a value is its time against the same load unobserved, the note the share of its events that
were seen. Beside it `strace -f` (commands) and `inotifywait -m -r` (files), each doing the same for itself. Sources
that a kernel refuses show the mechanism that took their place.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.context import Context
from bench.report import Row
from bench.roost_host import RoostHost
from bench.stats import alternate, median, ratio

#: Prints how long it took, once it was told to begin.
_COMMANDS = """
import os, sys, time
sys.stdin.readline()
start = time.perf_counter()
for number in range({count}):
    pid = os.posix_spawn("/bin/true", ["true", str(number)], os.environ)
    os.waitpid(pid, 0)
print(time.perf_counter() - start, flush=True)
"""
_FILES = """
import os, sys, time
sys.stdin.readline()
start = time.perf_counter()
for number in range({count}):
    name = f"d{{number % 20}}/f{{number}}"
    if number < 20:
        os.mkdir(f"d{{number % 20}}")
    with open(name, "wb") as file:
        file.write(b"x" * 1000)
    os.rename(name, name + ".o")
    os.unlink(name + ".o")
print(time.perf_counter() - start, flush=True)
"""
#: Changes of each file: created, modified, closed, renamed, deleted.
_STEPS = 5


@dataclass(frozen=True)
class _Run:
    """One run of a load: how long it took, how many of its events were seen by whom, and how many gaps were told."""

    seconds: float
    seen: int = 0
    source: str = ""
    gaps: int = 0


class _Observed:
    """Runs loads in sessions of a roost, observed or not."""

    def __init__(self, context: Context, roost: RoostHost) -> None:
        self._context = context
        self._roost = roost

    def run(self, program: str, types: tuple[str, ...], *, category: str = "", exact: bool = False) -> _Run:
        from roost.client import Client

        directory = self._context.path("load")
        directory.mkdir()
        with Client(str(self._roost.socket), autostart=False) as client:
            argv = [sys.executable, "-I", "-S", "-c", program]
            session = client.spawn(argv, pipe=True, cwd=directory, options={"observe": {"exact": exact}})
            counter = _Counter(client, session.id, category, types) if category else None
            source = self._wait_for(session.id) if category else ""
            session.send(b"\n")
            session.wait(timeout_s=120)
            seen = counter.result() if counter else 0
            seconds = float(client.logs(session.id).data)
            client.purge(session.id)
        if category == "process":
            seen -= 1  # the load's own exit
        return _Run(seconds, max(0, seen), source, counter.gaps if counter else 0)

    def _wait_for(self, session: str) -> str:
        """The mechanism at work, once it is."""
        while True:
            with self._roost.connect() as connection:
                found = [s for s in connection.call("sources.status")["sources"] if s["session_id"] == session]
            if found and all(one["state"] == "running" for one in found):
                return str(found[0]["source"])
            time.sleep(0.01)


class _Counter:
    """Counts a session's events in a thread, until its exit."""

    def __init__(self, client: Any, session: str, category: str, types: tuple[str, ...]) -> None:
        self._stream = client.events(session, categories=[category, "lifecycle"], until_exit=True)
        self._category, self._types = category, types
        self._seen = self.gaps = 0
        self._thread = threading.Thread(target=self._count)
        self._thread.start()

    def _count(self) -> None:
        for event in self._stream:
            self._seen += event.category == self._category and event.type in self._types
            self.gaps += event.category == self._category and event.type == "gap"

    def result(self) -> int:
        """How many there were."""
        self._thread.join(60)
        self._stream.close()
        return self._seen


def _beside(context: Context, program: str, observer: list[str], *, wraps: bool, count: Callable[[str], int]) -> _Run:
    """A load outside of roost: below a tracer, or with a watcher beside it; what the observer wrote is counted."""
    directory, out = context.path("load"), context.path("seen")
    directory.mkdir()
    argv = [sys.executable, "-I", "-S", "-c", program]
    watcher = None
    command = [word.replace("{out}", str(out)).replace("{dir}", str(directory)) for word in observer]
    if not wraps:
        watcher = context.start(command, stdout=out.open("wb"), stderr=subprocess.PIPE)
        assert watcher.stderr is not None
        while b"established" not in watcher.stderr.readline():
            pass
    load = context.start(
        [*command, *argv] if wraps else argv, cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    answer, _ = load.communicate(b"\n", timeout=120)
    if watcher is not None:
        time.sleep(0.3)
        context.end(watcher)
    return _Run(
        float(answer), count(out.read_text(errors="replace") if observer else ""), observer[0] if observer else ""
    )


def _alone(context: Context, program: str) -> _Run:
    """A load outside of roost with nobody looking: what the peers are measured against."""
    return _beside(context, program, [], wraps=True, count=lambda _: 0)


def _rows(what: str, results: dict[str, list[_Run]], expected: int) -> list[Row]:
    """A row for each way of observing, against the runs without."""
    rows = []
    for name, runs in results.items():
        if name in ("off", "peer off"):
            continue
        times = [run.seconds for run in runs]
        plain = [run.seconds for run in results["peer off" if name.startswith("peer") else "off"]]
        share = median([run.seen / expected for run in runs])
        note = f"{runs[0].source} saw {share:.1%}" if share else f"{runs[0].source}"
        gaps = median([float(run.gaps) for run in runs])
        note += f", {gaps:.0f} gaps told" if gaps else ""
        what_and_how = f"{what}, {name.removeprefix('peer ')}"
        rows.append(Row(what_and_how, "s", median(times), "unobserved", median(plain), ratio(times, plain), note=note))
    return rows


def _commands(context: Context, roost: RoostHost, without: RoostHost) -> list[Row]:
    count = context.choose(2000, 400)
    program = _COMMANDS.format(count=count)
    here, there = _Observed(context, roost), _Observed(context, without)
    exits = ("exit",)
    runs: dict[str, Callable[[], _Run]] = {
        "off": lambda: here.run(program, ()),
        "process": lambda: here.run(program, exits, category="process"),
        "process --exact": lambda: here.run(program, exits, category="process", exact=True),
        "process, sampled": lambda: there.run(program, exits, category="process"),
        "file": lambda: here.run(program, (), category="file"),
        "network": lambda: here.run(program, (), category="network"),
    }
    if shutil.which("strace"):
        runs["peer off"] = lambda: _alone(context, program)
        strace = ["strace", "-f", "-q", "-e", "trace=execve,exit_group", "-e", "signal=none", "-o", "{out}"]
        runs["peer strace -f"] = lambda: _beside(
            context, program, strace, wraps=True, count=lambda text: text.count('execve("/bin/true"')
        )
    return _rows(f"{count} commands", alternate(context.choose(3, 1), runs), count)


def _files(context: Context, roost: RoostHost, without: RoostHost) -> list[Row]:
    count = context.choose(1000, 200)
    program = _FILES.format(count=count)
    here, there = _Observed(context, roost), _Observed(context, without)
    steps = ("created", "modified", "closed", "renamed", "deleted")
    runs: dict[str, Callable[[], _Run]] = {
        "off": lambda: here.run(program, ()),
        "file": lambda: here.run(program, steps, category="file"),
        "file, without fanotify": lambda: there.run(program, steps, category="file"),
        "process": lambda: here.run(program, (), category="process"),
        "network": lambda: here.run(program, (), category="network"),
    }
    if shutil.which("inotifywait"):
        runs["peer off"] = lambda: _alone(context, program)
        watch = ["inotifywait", "-m", "-r", "-e", "create,modify,close_write,moved_to,delete", "{dir}"]
        runs["peer inotifywait -r"] = lambda: _beside(
            context, program, watch, wraps=False, count=lambda text: len(text.splitlines())
        )
    return _rows(f"{count * _STEPS} file operations", alternate(context.choose(3, 1), runs), count * _STEPS + 20)


def run(context: Context) -> list[Row]:
    with RoostHost(context) as roost:
        limited = {"ROOST_OBSERVE_WITHOUT": "proc-connector,fanotify,tcp-trace"}
        with RoostHost(context, extra=limited) as without:
            return [*_commands(context, roost, without), *_files(context, roost, without)]
