"""`roost run` in the place of the command that it runs: its input, its outputs, its code."""

from __future__ import annotations

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
