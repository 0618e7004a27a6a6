"""`roost attach` in a terminal of its own: what it leaves behind there."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.instance import Instance


class Attached:
    """`roost attach` on a terminal whose other end is ours."""

    def __init__(self, instance: Instance, target: str, *, term: str) -> None:
        self._ours, self._theirs = os.openpty()
        self.found = termios.tcgetattr(self._theirs)
        environ = {**instance.environ, "TERM": term}
        command = [sys.executable, "-m", "roost", "attach", target]
        ends = {"stdin": self._theirs, "stdout": self._theirs, "stderr": self._theirs}
        self._process = subprocess.Popen(command, env=environ, start_new_session=True, **ends)
        self.shown = b""

    def until(self, text: bytes) -> None:
        """Read until that was shown."""
        deadline = time.monotonic() + 20
        while text not in self.shown:
            assert select.select([self._ours], [], [], deadline - time.monotonic())[0], self.shown
            self.shown += os.read(self._ours, 65536)

    def leave(self) -> None:
        """Press the detach keys; until the client has ended."""
        os.write(self._ours, b"\x1dd")
        self.until(b"[detached from ")
        assert self._process.wait(20) == 0

    def attributes(self) -> list[Any]:
        """The line discipline as it is."""
        return termios.tcgetattr(self._theirs)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)
        os.close(self._theirs)


@contextlib.contextmanager
def attached(instance: Instance, target: str, term: str) -> Iterator[Attached]:
    client = Attached(instance, target, term=term)
    try:
        yield client
    finally:
        client.close()


_TITLED = r"printf '\033]2;inner\007\033[22;2t\033]2;deeper\007ready'; exec sleep 1000"


def test_title_and_line_discipline_are_as_they_were_after_a_detach(instance: Instance) -> None:
    """The title is saved before the session shows anything, put back after the last of it, and the terminal cooked."""
    with instance.client() as client:
        client.spawn(["sh", "-c", "read go; " + _TITLED], name="one")
        with attached(instance, "one", "xterm-256color") as terminal:
            terminal.until(b"\x1b[22;0t")
            client.send("one", b"", enter=True)
            terminal.until(b"ready")
            terminal.leave()
            saved, put_back = terminal.shown.index(b"\x1b[22;0t"), terminal.shown.rindex(b"\x1b[23;0t")
            assert saved < terminal.shown.index(b"inner") < terminal.shown.index(b"\x1b[23;2t") < put_back
            assert put_back < terminal.shown.index(b"[detached from ")
            assert terminal.attributes() == terminal.found


@pytest.mark.parametrize("term", ["dumb", "linux"])
def test_a_terminal_without_titles_is_not_asked_to_keep_one(instance: Instance, term: str) -> None:
    """Nothing of the kind is written to it."""
    with instance.client() as client:
        client.spawn(["sh", "-c", "printf ready; exec sleep 1000"], name="one")
        with attached(instance, "one", term) as terminal:
            terminal.until(b"ready")
            terminal.leave()
            assert b"\x1b[22" not in terminal.shown and b"\x1b[23" not in terminal.shown


_IN_THE_BACKGROUND = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
pid = os.fork()
if not pid:
    os.setpgid(0, 0)
    os.execv(sys.executable, [sys.executable, "-m", "roost", "attach", "one"])
assert os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1])
os.kill(pid, signal.SIGTERM)
os.kill(pid, signal.SIGCONT)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def test_who_is_ended_before_the_terminal_is_theirs_ends_without_a_trace(instance: Instance) -> None:
    """As a job in the background is that was stopped when it wanted the terminal."""
    with instance.client() as client:
        client.spawn(["cat"], name="one")
    ours, theirs = os.openpty()
    found = termios.tcgetattr(theirs)
    try:
        ends = {"stdin": theirs, "stdout": theirs, "stderr": subprocess.PIPE}
        command = [sys.executable, "-c", _IN_THE_BACKGROUND]
        done = subprocess.run(command, env=instance.environ, start_new_session=True, timeout=30, check=False, **ends)
        assert (done.returncode, done.stderr.strip()) == (128 + signal.SIGTERM, b"")
        assert termios.tcgetattr(theirs) == found
    finally:
        os.close(ours)
        os.close(theirs)


def test_what_is_piped_into_a_session_with_a_terminal_is_said_to_go_nowhere(instance: Instance) -> None:
    """To a person; a script that happens to have something on stdin is left in peace."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "roost", "run", "--", "true"]
    for ends, told in (({"stdout": theirs, "stderr": theirs}, True), ({"stdout": theirs, "stderr": -1}, False)):
        done = subprocess.run(command, env=instance.environ, input=b"lost", timeout=30, check=True, **ends)
        assert not done.stderr
        assert bool(select.select([ours], [], [], 0)[0]) == told
        assert not told or b"roost run --pipe" in os.read(ours, 4096)
    os.close(ours)
    os.close(theirs)


def test_a_program_that_outlives_the_reader_of_its_output_is_said_to_run_on(instance: Instance) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "roost", "run", "--name", "flood", "--", "yes"]
    with subprocess.Popen(command, env=instance.environ, stdout=subprocess.PIPE, stderr=theirs) as run:
        assert run.stdout is not None and run.stdout.readline() == b"y\r\n"
        run.stdout.close()
        assert run.wait(20) == 1
    assert b"flood runs on; come back with: roost attach flood" in os.read(ours, 4096)
    os.close(ours)
    os.close(theirs)
