"""What hosts a child on a terminal: nobody (a plain reader), dtach, tmux, screen. Roost is in `bench.roost_host`.

Every host offers the same: `watch(argv)` runs a child and a C client that measures it, and `name`. A host that is not
installed raises MissingPeerError.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bench import native
from bench.context import Context

H = TypeVar("H")

CHILD_ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "TERM": "xterm-256color", "HOME": "/", "LANG": "C.UTF-8"}
#: How long a client without a sign of readiness is given to draw its first screen.
_SETTLE_S = 0.4


def need(program: str) -> str:
    """Path of an installed program. Raises MissingPeerError."""
    found = shutil.which(program)
    if not found:
        raise native.MissingPeerError(f"{program} is not installed")
    return found


def optional(host: Callable[[Context], H], context: Context) -> H | None:
    """The host, or None where it is not installed."""
    try:
        return host(context)
    except native.MissingPeerError:
        return None


class Watch:
    """A measuring client at work."""

    def __init__(
        self, context: Context, client: subprocess.Popen[bytes], out: Path, *, host: subprocess.Popen[bytes] | None
    ) -> None:
        self._context, self._client, self._out, self._host = context, client, out, host

    @property
    def server_pids(self) -> list[int]:
        """The host's own process, if the watch started one."""
        return [self._host.pid] if self._host else []

    def result(self, timeout_s: float = 60.0) -> dict[str, Any]:
        """What the client measured, once it is done by itself; the host goes on."""
        self._client.wait(timeout_s)
        return native.read_report(self._out, 1.0)

    def finish(self, timeout_s: float = 60.0) -> dict[str, Any]:
        """The same, and the end of the host's process and its child."""
        try:
            return self.result(timeout_s)
        finally:
            self.stop()

    def stop(self) -> None:
        """End the client and the host's process."""
        self._context.end(self._client)
        if self._host:
            self._context.end(self._host)


class Host(Protocol):
    """Runs children on terminals and lets them be watched."""

    name: str

    def watch(self, argv: list[str], *options: str) -> Watch:
        """Run a child, start a C client on it with these options, and return when it is attached."""
        ...


class RawHost:
    """Nobody between: the reader holds the PTY."""

    name = "plain C reader"

    def __init__(self, context: Context) -> None:
        self._context = context

    def watch(self, argv: list[str], *options: str) -> Watch:
        out = self._context.path("out")
        command = [native.program("reader"), "--out", str(out), *options, "--", *argv]
        return Watch(self._context, self._context.start(command, env=CHILD_ENV), out, host=None)


class DtachHost:
    """dtach in the foreground, so that its pid is known, with a C client of its protocol."""

    name = "dtach"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._program = self._find()

    def _find(self) -> str:
        return need("dtach")

    def _command(self, path: Path, argv: list[str]) -> list[str]:
        return [self._program, "-N", str(path), "-r", "none", "-E", *argv]

    def open(self, argv: list[str]) -> tuple[Path, subprocess.Popen[bytes]]:
        """A session; its socket and its server."""
        path = self._context.path("d")
        server = self._context.start(self._command(path, argv), env=CHILD_ENV)
        native.wait_for(path)
        return path, server

    def view(self, path: Path, *options: str) -> tuple[subprocess.Popen[bytes], Path]:
        """A client; its process and where it will report."""
        out, ready = self._context.path("out"), self._context.path("ready")
        command = [native.program("viewer"), "--protocol", "dtach", "--socket", str(path)]
        client = self._context.start([*command, "--out", str(out), "--ready", str(ready), *options])
        native.wait_for(ready)
        return client, out

    def watch(self, argv: list[str], *options: str) -> Watch:
        path, server = self.open(argv)
        client, out = self.view(path, *options)
        return Watch(self._context, client, out, host=server)


class RelayHost(DtachHost):
    """Roost's processes on the way over frames, keeper and relay, as a C program that speaks dtach's packets."""

    name = "C keeper and relay"

    def _find(self) -> str:
        return native.program("relay")

    def _command(self, path: Path, argv: list[str]) -> list[str]:
        return [self._program, "--socket", str(path), "--", *argv]


class _ScreenLike:
    """A multiplexer whose own client is attached on a PTY that the C reader reads."""

    name = ""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._env = dict(CHILD_ENV)

    def _read(self, client: Iterable[str], options: Iterable[str], host: subprocess.Popen[bytes]) -> Watch:
        out = self._context.path("out")
        command = [native.program("reader"), "--out", str(out), *options, "--settle-us", "600000", "--", *client]
        process = self._context.start(command, env=self._env)
        time.sleep(_SETTLE_S)
        return Watch(self._context, process, out, host=host)


class TmuxHost(_ScreenLike):
    """tmux without configuration and status line."""

    name = "tmux"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._tmux = need("tmux")
        #: Of the server that the last `watch` started.
        self.socket = Path()

    def watch(self, argv: list[str], *options: str) -> Watch:
        directory = self._context.path("t")
        directory.mkdir(mode=0o700)
        self.socket = directory / "s"
        tmux = [self._tmux, "-S", str(self.socket), "-f", "/dev/null"]
        # -D keeps the server in the foreground: its pid is known.
        server = self._context.start([*tmux, "-D"], env=self._env)
        native.wait_for(self.socket)
        start = [*tmux, "new-session", "-d", "-x", "80", "-y", "24", "--", *argv]
        subprocess.run([*tmux, "set", "-g", "status", "off"], env=self._env, check=True, stdin=subprocess.DEVNULL)
        subprocess.run(start, env=self._env, check=True, stdin=subprocess.DEVNULL)
        return self._read([*tmux, "attach"], options, server)


class ScreenHost(_ScreenLike):
    """GNU screen without configuration."""

    name = "screen"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._screen = need("screen")

    def watch(self, argv: list[str], *options: str) -> Watch:
        directory = self._context.path("s")
        directory.mkdir(mode=0o700)
        self._env["SCREENDIR"] = str(directory)
        name = f"b{os.getpid()}"
        screen = [self._screen, "-c", "/dev/null"]
        server = self._context.start([*screen, "-D", "-m", "-S", name, *argv], env=self._env)
        deadline = time.monotonic() + 5
        while not any(directory.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        return self._read([*screen, "-x", name], options, server)
