"""The terminals that recordings are shown to. Each gives the lines of its screen at every moment of comparison."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from roost.screen.emulator import clamp, make_emulator
from tools.oracles.recording import Recording

Screens = list[list[str]]
BUILD = Path(__file__).resolve().parents[2] / "build/oracles"
_PACKAGES = ("@xterm/headless@6.0.0", "@xterm/addon-unicode11@0.9.0")

#: Runs in tmux's pane: writes what it is sent, and waits for the terminal's answer to a question behind it, so that all
#: of it was shown.
_PANE = r"""
import os, socket, sys, tty
tty.setraw(0)
side = socket.socket(socket.AF_UNIX)
side.connect(sys.argv[1])
while head := side.recv(8, socket.MSG_WAITALL):
    left = int.from_bytes(head, "big")
    while left:
        data = side.recv(min(left, 65536))
        left -= len(data)
        while data:
            data = data[os.write(1, data):]
    os.write(1, b"\x1b[5n")
    seen = b""
    while not seen.endswith(b"\x1b[0n"):
        seen += os.read(0, 1024)
    side.sendall(b".")
"""


def ours(recording: Recording) -> Screens:
    """Roost's own."""
    emulator = make_emulator(recording.rows, recording.cols)
    screens = []
    for kind, data, size in recording.steps():
        if kind == "output":
            emulator.feed(data)
        elif kind == "resize":
            emulator.resize(*clamp(*size))
        else:
            screens.append(emulator.text())
    emulator.close()
    return screens


def xterm_js(recordings: list[Recording]) -> list[Screens]:
    """xterm.js, headless; fetched when it is not there yet. Raises SystemExit without npm."""
    if not (BUILD / "node_modules/@xterm/headless").exists():
        if shutil.which("npm") is None:
            raise SystemExit("xterm.js is fetched by npm, which is not installed")
        BUILD.mkdir(parents=True, exist_ok=True)
        (BUILD / "package.json").write_text("{}")
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *_PACKAGES], cwd=BUILD, check=True)
    script = Path(__file__).with_name("xterm.js")
    lines = [json.dumps({"rows": one.rows, "cols": one.cols, "events": one.events}) for one in recordings]
    environ = {**os.environ, "NODE_PATH": str(BUILD / "node_modules")}
    shown = subprocess.run(
        ["node", str(script)], input="\n".join(lines), capture_output=True, text=True, env=environ, check=True
    )
    answers = map(json.loads, shown.stdout.splitlines())
    return [[[line.rstrip() for line in screen["lines"]] for screen in screens] for screens in answers]


def tmux(recording: Recording) -> Screens:
    """tmux's capture-pane."""
    with tempfile.TemporaryDirectory() as scratch:
        return _Tmux(Path(scratch)).show(recording)


class _Tmux:
    def __init__(self, scratch: Path) -> None:
        self._command = ["tmux", "-u", "-S", str(scratch / "tmux"), "-f", "/dev/null"]
        self._side = str(scratch / "side")
        self._program = scratch / "pane.py"
        self._program.write_text(_PANE)

    def _run(self, *arguments: str) -> str:
        environ = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
        done = subprocess.run([*self._command, *arguments], env=environ, capture_output=True, check=True)
        return done.stdout.decode(errors="replace")

    def show(self, recording: Recording) -> Screens:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self._side)
        listener.listen(1)
        size = ["-x", str(recording.cols), "-y", str(recording.rows)]
        self._run("new-session", "-d", *size, f"{sys.executable} -I {self._program} {self._side}")
        try:
            self._run("set", "-g", "status", "off")
            self._run("set", "-g", "window-size", "manual")
            self._run("resize-window", *size)
            side, _ = listener.accept()
            screens = []
            for kind, data, (rows, cols) in recording.steps():
                if kind == "output":
                    side.sendall(len(data).to_bytes(8, "big") + data)
                    side.recv(1)
                elif kind == "resize":
                    self._run("resize-window", "-x", str(cols), "-y", str(rows))
                else:
                    screens.append([line.rstrip() for line in self._run("capture-pane", "-p").split("\n")[:-1]])
            side.close()
            return screens
        finally:
            listener.close()
            with contextlib.suppress(subprocess.CalledProcessError):  # it ends by itself with its last program
                self._run("kill-server")
