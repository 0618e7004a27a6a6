"""Builds and runs the C programs of bench/peers. Owns their build directory and the reports they write."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).parent / "peers"
BUILD = Path(__file__).parent / "build"
_PROGRAMS = ("flood", "echo", "reader", "poll_reader", "viewer", "relay")
_WAIT_S = 60.0


class MissingPeerError(RuntimeError):
    """A program to compare with is not installed; the row is left out with that reason."""


def build() -> None:
    """Compile what is older than its source. Raises RuntimeError with the compiler's words."""
    BUILD.mkdir(exist_ok=True)
    newest_header = max(path.stat().st_mtime for path in SOURCES.glob("*.h"))
    for name in _PROGRAMS:
        source, target = SOURCES / f"{name}.c", BUILD / name
        if target.exists() and target.stat().st_mtime > max(source.stat().st_mtime, newest_header):
            continue
        command = ["gcc", "-O2", "-Wall", "-Wextra", "-Wno-unused-function", "-o", str(target), str(source), "-lutil"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"gcc could not build {source}:\n{done.stderr}")


def program(name: str) -> str:
    """Path of a built program."""
    return str(BUILD / name)


def read_report(path: Path, timeout_s: float = _WAIT_S) -> dict[str, Any]:
    """The report a program writes to `path` when it is done; waits for it."""
    wait_for(path, timeout_s)
    return dict(json.loads(path.read_text(encoding="ascii")))


def wait_for(path: Path, timeout_s: float = _WAIT_S) -> None:
    """Wait until a file exists. Raises TimeoutError naming it."""
    deadline = time.monotonic() + timeout_s
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} did not appear within {timeout_s:g} s")
        time.sleep(0.002)


def run_json(command: Sequence[str], timeout_s: float = _WAIT_S, **options: Any) -> dict[str, Any]:
    """Run a program to its end and parse the JSON it prints."""
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=timeout_s, check=False, **options)
    if done.returncode or not done.stdout.strip():
        raise RuntimeError(f"{' '.join(command[:3])} … ended with {done.returncode} and printed {done.stdout!r}")
    return dict(json.loads(done.stdout.splitlines()[-1]))
