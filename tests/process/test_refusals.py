"""Commands that cannot do what they are asked say so, with the exit code that belongs to it, and do nothing."""

from __future__ import annotations

import pytest
from support.instance import Instance


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
