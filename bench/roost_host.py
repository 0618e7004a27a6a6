"""A roost of the bench's own: daemon and keeper in a runtime and state directory nobody else uses, ended by pid.

Control goes through `bench.lightwire`, measuring through the same C client that measures dtach.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench import lightwire, machine, native
from bench.context import Context, end_pids
from bench.hosts import CHILD_ENV, Watch

_START_S = 10.0
_scopes = 0


class RoostHost:
    """Starts a daemon (which starts its keeper); `close` ends both and every session."""

    name = "roost"

    def __init__(self, context: Context, *, extra: dict[str, str] | None = None) -> None:
        global _scopes
        _scopes += 1
        self._context = context
        # The keeper's abstract socket name has no directory in it, so the scope keeps runs apart.
        self.scope = f"bench-{os.getpid()}-{_scopes}"
        base = context.directory / self.scope
        #: In the environment or command line of everything that this roost starts, and of nothing else.
        self._marker = f"{base}/"
        self.socket = base / "daemon.sock"
        for part in ("run", "state"):
            (base / part).mkdir(parents=True, exist_ok=True, mode=0o700)
        self.env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("ROOST_")},
            "XDG_RUNTIME_DIR": str(base / "run"),
            "XDG_STATE_HOME": str(base / "state"),
            "ROOST_SCOPE": self.scope,
            **(extra or {}),
        }
        self.log = context.path("daemon-log")
        self.start_daemon()

    def __enter__(self) -> RoostHost:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the daemon --------------------------------------------------------------------------------------------------

    def start_daemon(self) -> None:
        """Start the daemon and wait until it answers. Raises RuntimeError with the end of its log."""
        command = [sys.executable, "-m", "roost.daemon", "--scope", self.scope, "--socket-path", str(self.socket)]
        with open(self.log, "ab") as log:
            self._daemon = subprocess.Popen(
                command, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + _START_S
        while True:
            try:
                self.refresh()
                return
            except (OSError, EOFError) as error:
                if self._daemon.poll() is not None or time.monotonic() > deadline:
                    text = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
                    raise RuntimeError(f"the daemon did not start ({error}):\n{text}") from error
                time.sleep(0.01)

    def refresh(self) -> None:
        """Ask which processes serve now."""
        with self.connect() as connection:
            status = connection.call("daemon.status")
        self.daemon_pid, self.keeper_pid = int(status["pid"]), int(status["keeper_pid"])

    def connect(self) -> lightwire.Connection:
        """A connection for calls."""
        return lightwire.Connection(self.socket)

    def close(self) -> None:
        """End every session, the daemon and the keeper, and make sure of it by looking for what is left."""
        with contextlib.suppress(OSError, EOFError, RuntimeError), self.connect() as connection:
            connection.call("daemon.stop", {"kill": True, "timeout_s": 5.0})
        # The keeper would wait some seconds for another daemon; it holds nothing any more.
        end_pids(machine.carrying(self._marker), timeout_s=0.5)
        self.reap()

    def reap(self) -> None:
        """Collect the daemon that was started here, if it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._daemon.wait(0.1)

    # --- sessions ----------------------------------------------------------------------------------------------------

    def open(self, argv: list[str], *, pipe: bool = False, name: str = "") -> str:
        """A session; its id."""
        with self.connect() as connection:
            return connection.spawn(argv, CHILD_ENV, pipe=pipe, name=name)[0]

    def open_many(self, argvs: list[list[str]]) -> list[str]:
        """Sessions over one connection; their ids."""
        with self.connect() as connection:
            return [connection.spawn(argv, CHILD_ENV)[0] for argv in argvs]

    def end(self, targets: list[str]) -> None:
        """End sessions and forget every exited one."""
        with self.connect() as connection:
            connection.call("sessions.terminate", {"targets": targets, "grace_s": 0.2, "wait": True})
            connection.call("sessions.purge", {})

    def end_all(self) -> None:
        """End and forget every session."""
        with self.connect() as connection:
            sessions = connection.call("sessions.list", {"all": False})["sessions"]
        self.end([session["id"] for session in sessions if session["state"] == "running"])

    def view(self, request: bytes, *options: str) -> tuple[subprocess.Popen[bytes], Path]:
        """A C client that sends this request; its process and where it will report."""
        out, ready, stored = (self._context.path(stem) for stem in ("out", "ready", "request"))
        stored.write_bytes(request)
        command = [native.program("viewer"), "--protocol", "roost", "--socket", str(self.socket)]
        client = self._context.start(
            [*command, "--request", str(stored), "--out", str(out), "--ready", str(ready), *options]
        )
        while not ready.exists() and "--calls" not in options:
            if client.poll() is not None:
                raise RuntimeError(f"the viewer ended with {client.returncode} before it was attached")
            time.sleep(0.002)
        return client, out

    def watch(self, argv: list[str], *options: str) -> Watch:
        """Run a child in a session with a C client attached."""
        return self.watch_with(argv, *options)

    def watch_v1(self, argv: list[str], *options: str) -> Watch:
        """The same with a client of plain v1."""
        client, out = self.view(lightwire.attach_v1(self.open(argv)), *options)
        return Watch(self._context, client, out, host=None)

    def watch_with(self, argv: list[str], *options: str, mode: str = "view", **attach: Any) -> Watch:
        """The same with attach options."""
        target = self.open(argv)
        client, out = self.view(lightwire.attach(target, mode=mode, **attach), *options)
        return Watch(self._context, client, out, host=None)


def roost_command() -> list[str]:
    """How the command-line program is run: the installed script, as a user would."""
    script = Path(sys.executable).parent / "roost"
    return [str(script)] if script.exists() else [sys.executable, "-m", "roost.cli"]
