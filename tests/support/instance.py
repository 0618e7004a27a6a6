"""A whole roost (daemon and keeper) in directories of its own, ended by pid and without a trace."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

SOURCE = Path(__file__).resolve().parents[2] / "src"


def eventually(look: Callable[[], T], *, timeout_s: float = 20.0, what: str = "") -> T:
    """The first true answer; looks again in short steps, for states of the world that nothing announces."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come true within {timeout_s:g} s: {what or look}")
        time.sleep(0.005)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class Instance:
    """A roost of its own. `environ` is what its commands and clients need."""

    def __init__(self, extra: Mapping[str, str] | None = None) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="roost-test-"))
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("ROOST_")},
            "XDG_RUNTIME_DIR": str(self.root / "run"),
            "XDG_STATE_HOME": str(self.root / "state"),
            "XDG_CONFIG_HOME": str(self.root / "config"),
            "PYTHONPATH": str(SOURCE),
            **(extra or {}),
        }
        self.socket = str(self.root / "run/roost/daemon.sock")
        self._process: subprocess.Popen[bytes] | None = None
        self._pids: set[int] = set()

    # --- the daemon's life --------------------------------------------------------------------------------------

    def start(self, *arguments: str) -> int:
        """Start a daemon and wait until it serves; its pid."""
        self._reap()
        with (self.root / "stderr").open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "roost.daemon", *arguments],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        eventually(self.status_or_none, what="the daemon serves")
        return self.note_pids()

    def _reap(self) -> None:
        """Take note of the end of the daemon that was started before, if it has ended."""
        if self._process is not None:
            self._process.wait(10)

    def note_pids(self) -> int:
        """Remember who runs now, to end them later; the daemon's pid."""
        status = self.status()
        self._pids |= {status["pid"], status["keeper_pid"]}
        return int(status["pid"])

    def client(self, **options: object):  # type: ignore[no-untyped-def]
        """A `roost.Client` of this instance."""
        from roost.client import Client

        return Client(self.socket, autostart=False, **options)

    def status_or_none(self) -> dict[str, object] | None:
        """What the daemon says of itself; None while it does not answer."""
        from support.v1 import V1Client

        try:
            with V1Client(self.socket) as client:
                return client.call("daemon.status")
        except OSError:
            return None

    def status(self) -> dict[str, int]:
        """What the daemon says of itself."""
        status = self.status_or_none()
        assert status is not None, self.log()
        return status  # type: ignore[return-value]

    def kill_daemon(self) -> int:
        """SIGKILL to the daemon; the pid of the next one, once the keeper has started it and it serves."""
        old = self.note_pids()
        os.kill(old, signal.SIGKILL)
        if self._process is not None and self._process.pid == old:
            self._process.wait()
        return self.wait_for_next(old)

    def wait_for_next(self, old: int) -> int:
        """The pid of the daemon that serves after `old`."""

        def next_pid() -> int | None:
            status = self.status_or_none()
            return None if status is None or status["pid"] == old else int(status["pid"])  # type: ignore[call-overload]

        pid = eventually(next_pid, what="the keeper starts another daemon")
        self.note_pids()
        return pid

    def roost(self, *arguments: str, stdin: bytes = b"", check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Run a command of the CLI without a terminal."""
        done = subprocess.run(
            [sys.executable, "-m", "roost.cli", *arguments],
            env=self.environ,
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode:
            what = f"roost {' '.join(arguments)}: {done.returncode}"
            raise AssertionError(f"{what}\n{done.stderr.decode()}\n{self.log()}")
        return done

    def json(self, *arguments: str):  # type: ignore[no-untyped-def]
        """What a command with --json prints."""
        return json.loads(self.roost(*arguments, "--json").stdout)

    def log(self) -> str:
        """All logs, for a failing test."""
        parts = []
        for path in [*sorted(self.root.rglob("*.log")), self.root / "stderr"]:
            if path.exists():
                parts.append(f"--- {path.name}\n{path.read_text(errors='replace')[-4000:]}")
        return "\n".join(parts)

    # --- the end ----------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """End every session, the daemon and the keeper, and remove the directories."""
        from support.v1 import V1Client

        keeper = 0
        with contextlib.suppress(OSError, AssertionError):
            keeper = self.status()["keeper_pid"]
            self.note_pids()
            with V1Client(self.socket) as client:
                client.call("daemon.stop", kill=True)
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        if keeper:
            with contextlib.suppress(AssertionError):
                eventually(lambda: not alive(keeper), timeout_s=10, what="the keeper ends itself")
        for pid in self._pids:
            if alive(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.root, ignore_errors=True)
