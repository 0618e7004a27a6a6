"""`roost run` in the place of the command that it runs: its input, its outputs, its code."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.instance import Instance


@pytest.mark.parametrize(("options", "stdout", "stderr"), [((), b"in", b"err"), (("--merge-stderr",), b"inerr", b"")])
def test_pipes_are_joined_to_ours(shared: Instance, options: tuple[str, ...], stdout: bytes, stderr: bytes) -> None:
    script = "cat; printf err >&2; exit 4"
    done = shared.roost("run", "--pipe", *options, "--", "sh", "-c", script, stdin=b"in", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (4, stdout, stderr)


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)])
def test_the_exit_code_is_the_programs(shared: Instance, script: str, code: int) -> None:
    assert shared.roost("run", "--", "sh", "-c", script, check=False).returncode == code


def test_a_program_that_cannot_be_started_is_named(shared: Instance) -> None:
    done = shared.roost("run", "--", "no-such-program", check=False)
    assert done.returncode == 3
    assert b"'no-such-program' was not found" in done.stderr


@pytest.mark.parametrize(
    ("environ", "options", "term"),
    [
        ({}, (), "xterm-256color"),
        ({"TERM": "vt100"}, (), "vt100"),
        ({"TERM": "vt100"}, ("--term", "screen"), "screen"),
        ({"TERM": "vt100"}, ("--env", "TERM=linux"), "linux"),
    ],
)
def test_a_terminal_session_always_has_a_term(
    shared: Instance, environ: dict[str, str], options: tuple[str, ...], term: str
) -> None:
    usual = shared.environ
    shared.environ = {key: value for key, value in usual.items() if key != "TERM"} | environ
    try:
        done = shared.roost("run", *options, "--", "sh", "-c", "echo $TERM")
    finally:
        shared.environ = usual
    assert done.stdout.split() == [term.encode()]
    assert shared.json("ls", "--all")[-1]["term"] == term


def test_a_full_disk_behind_stdout_is_named(shared: Instance) -> None:
    command = [sys.executable, "-m", "roost.cli", "ls"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, env=shared.environ, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr == b"roost: standard output: No space left on device\n"
