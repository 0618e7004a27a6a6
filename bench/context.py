"""What every bench is given: its own directory, how long it may take, and clean-up that leaves nothing behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import machine, native


class Context:
    """One bench's run. Everything it starts is a process known by pid and ended with it."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        # Short, because the path of a Unix socket has 107 bytes.
        self.directory = Path(tempfile.mkdtemp(prefix="rb-", dir="/tmp"))
        self._processes: list[subprocess.Popen[bytes]] = []
        self._count = 0

    def choose(self, full: int, quick: int) -> int:
        """The number for this kind of run."""
        return quick if self.quick else full

    def path(self, stem: str) -> Path:
        """A path in the bench's directory that was not given out before."""
        self._count += 1
        return self.directory / f"{stem}{self._count}"

    def start(self, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program that ends with the bench at the latest."""
        options.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen(command, **options)
        self._processes.append(process)
        return process

    def end(self, process: subprocess.Popen[bytes], *, timeout_s: float = 5.0) -> None:
        """End a program started here: SIGTERM, then SIGKILL."""
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self._processes:
            self._processes.remove(process)

    def close(self) -> None:
        """End what is left and remove the directory."""
        for process in list(self._processes):
            self.end(process)
        # The directory's name is this run's alone: whoever carries it was started here, however it came to outlive us.
        # A keeper may start a daemon again while it is being ended, hence more than one look.
        for _ in range(3):
            end_pids(machine.carrying(str(self.directory)), timeout_s=0.2)
        shutil.rmtree(self.directory, ignore_errors=True)


class Gate:
    """Holds back any number of floods and lets them go at once: an exclusive lock that each wants to share."""

    def __init__(self, context: Context) -> None:
        self.path = context.path("gate")
        self._fd = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def open(self) -> int:
        """Let everybody go; the moment, in nanoseconds of the monotonic clock."""
        opened = time.monotonic_ns()
        os.close(self._fd)
        return opened


def flood(gate: Gate, report: Path, *options: str) -> list[str]:
    """Command line of a flooding child behind a gate."""
    return [native.program("flood"), "--go", str(gate.path), "--report", str(report), *options]


def wait_at_gate(*reports: Path) -> None:
    """Wait until the floods with these reports stand at their gate."""
    for report in reports:
        native.wait_for(Path(f"{report}.ready"))


def end_pids(pids: Sequence[int], *, timeout_s: float = 5.0) -> list[int]:
    """Wait for processes to end, then kill what is left; the pids that had to be killed."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and any(machine.alive(pid) for pid in pids):
        time.sleep(0.01)
    left = [pid for pid in pids if machine.alive(pid)]
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return left


@contextlib.contextmanager
def context(*, quick: bool) -> Iterator[Context]:
    """A context that is closed however the bench ends."""
    it = Context(quick=quick)
    try:
        yield it
    finally:
        it.close()
