"""Commands that cannot do what they are asked say so, with the exit code that belongs to it, and do nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from support.instance import Instance, eventually

from roost.errors import InvalidError


def exit_and_words(shared: Instance, *arguments: str) -> tuple[int, str]:
    done = shared.roost(*arguments, check=False)
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stderr.decode()


@pytest.fixture(scope="module")
def names(shared: Instance) -> tuple[str, str]:
    """Running sessions and an exited one."""
    shared.roost("run", "-d", "--name", "running", "--", "sleep", "1000")
    shared.roost("run", "-d", "--name", "other", "--", "sleep", "1000")
    shared.roost("run", "-d", "--name", "exited", "--", "true")
    shared.roost("wait", "exited")
    return "running", "exited"


def test_an_exited_session_has_no_size_to_set(shared: Instance, names: tuple[str, str]) -> None:
    code, words = exit_and_words(shared, "resize", "exited", "10x10")
    assert (code, "has exited" in words) == (4, True)


def test_a_running_session_that_is_named_is_not_forgotten_and_the_others_neither(
    shared: Instance, names: tuple[str, str]
) -> None:
    code, words = exit_and_words(shared, "purge", "exited", "running")
    assert (code, "`roost kill running`" in words) == (1, True)
    assert {info["name"] for info in shared.json("ls", "--all")} >= {"running", "exited"}


@pytest.mark.parametrize("command", ["kill", "purge"])
@pytest.mark.parametrize("condition", [("--older-than", "1d"), ("--originator", "me")])
def test_names_and_conditions_together_are_a_usage_error(
    shared: Instance, names: tuple[str, str], command: str, condition: tuple[str, str]
) -> None:
    code, words = exit_and_words(shared, command, "running", *condition)
    assert (code, "not both" in words) == (2, True)
    assert "running" in {info["name"] for info in shared.json("ls")}


@pytest.mark.parametrize("wanted", ["running", "123", ""])
def test_a_name_that_cannot_be_had_is_refused_with_the_next_step(
    shared: Instance, names: tuple[str, str], wanted: str
) -> None:
    code, words = exit_and_words(shared, "rename", "other", wanted)
    assert code == 1
    assert words.rstrip().endswith(("choose another name", "give another"))


@pytest.mark.parametrize(
    "command",
    [
        ("kill", ""),
        ("kill", "other", ""),
        ("purge", ""),
        ("send", "--to", "", "text"),
        ("send", "--to=", "text"),
        ("keys", "--to", "", "C-c"),
        ("attach", ""),
        ("signal", "", "TERM"),
        ("exec", "", "--", "true"),
    ],
    ids=" ".join,
)
def test_a_target_that_is_empty_is_nobody_and_never_the_latest_session(
    shared: Instance, names: tuple[str, str], command: tuple[str, ...]
) -> None:
    """As a variable is that was not set."""
    code, words = exit_and_words(shared, *command)
    assert (code, "it is empty" in words) == (2, True)
    with shared.client() as client, pytest.raises(InvalidError, match="empty"):
        client.terminate("other", "")
    assert {info["name"] for info in shared.json("ls", "--all")} >= {"running", "other", "exited"}


def _without(*closed: int) -> Callable[[], None]:
    def close() -> None:
        for fd in closed:
            os.close(fd)

    return close


@pytest.mark.parametrize("command", [("--help",), ("ls",), ("doctor",), ("run", "--", "echo", "hi")], ids=" ".join)
def test_output_that_cannot_be_written_is_an_error_in_words(shared: Instance, command: tuple[str, ...]) -> None:
    """Where standard output is closed, and where it has no room."""
    roost = [sys.executable, "-m", "roost", *command]
    closed = subprocess.run(roost, env=shared.environ, stderr=subprocess.PIPE, preexec_fn=_without(1), check=False)
    with open("/dev/full", "wb") as full:
        without_room = subprocess.run(roost, env=shared.environ, stderr=subprocess.PIPE, stdout=full, check=False)
    for done, why in ((closed, b"Bad file descriptor"), (without_room, b"No space left")):
        assert (done.returncode, done.stderr.count(b"\n"), why in done.stderr) == (1, 1, True), done.stderr
        assert b"internal error" not in done.stderr


def test_nothing_that_a_daemon_opens_takes_the_place_of_its_standard_streams() -> None:
    """One that was started without any: what it logs would be written into that."""
    instance = Instance()
    command = [sys.executable, "-m", "roost.daemon", "--foreground"]
    process = subprocess.Popen(command, env=instance.environ, preexec_fn=_without(0, 1, 2))
    try:
        eventually(instance.status_or_none)
        instance.note_pids()
        assert {os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in (0, 1, 2)} == {os.devnull}
    finally:
        instance.end()
        process.wait(20)
