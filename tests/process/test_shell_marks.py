"""Shells that mark their prompts and commands: as events, in `ls`, and without touching the user's files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.v1 import V1Client

from roost.client import Client, Session
from roost.errors import InvalidError
from roost.wire import daemon_v1_pb2 as pb

#: A shell's command line, its startup file, and a line that marks that the file was read.
SHELLS = {
    "bash": (["bash"], ".bashrc", "mine=bashrc PS1='mine> '"),
    "bash -l": (["bash", "-l"], ".bash_profile", "mine=profile PS1='mine> '"),
    "bash --rcfile": (["bash", "--rcfile", "own"], "own", "mine=own PS1='mine> '"),
    "zsh": (["zsh"], ".zshrc", "mine=zshrc PROMPT='mine> '"),
    "zsh -l": (["zsh", "-l"], ".zprofile", "mine=zprofile PROMPT='mine> '"),
    "fish": (["fish"], ".config/fish/config.fish", "set mine config"),
}


def start(client: Client, home: Path, name: str) -> Session:
    argv, file, line = SHELLS[name]
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    (home / file).parent.mkdir(parents=True, exist_ok=True)
    (home / file).write_text(line + "\n")
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "XDG_CONFIG_HOME": str(home / ".config")}
    session = client.spawn(argv, cwd=home, env=env, options={"shell": {"integration": True}})
    session.wait_for("prompt", timeout_s=30)
    return session


def run(session: Session, command: str) -> dict[str, object]:
    """What is told of a command once it is finished."""
    sent = session.send(command, enter=True)
    waited = session.wait_for("command-done", "prompt", all=True, since=sent.offset, timeout_s=30)
    return {**next(match for match in waited.matched if match["kind"] == "command-done")}


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_marks_what_it_does_and_reads_the_users_files(client: Client, tmp_path: Path, name: str) -> None:
    session = start(client, tmp_path, name)
    done = run(session, "echo $mine | tr a-z A-Z")
    assert (done["exit_code"], done["command"]) == (0, "echo $mine | tr a-z A-Z")
    words = SHELLS[name][2].split()
    mine = words[-1] if words[0] == "set" else words[0].partition("=")[2]
    start_at, end_at = done["output_offset"], done["offset"]
    assert isinstance(start_at, int) and isinstance(end_at, int)
    assert mine.upper().encode() in session.backlog(from_offset=start_at).data[: end_at - start_at]
    assert run(session, "sh -c 'exit 7'")["exit_code"] == 7
    place = tmp_path / "a; b é%"
    place.mkdir()
    assert run(session, f"cd '{place}'")["exit_code"] == 0
    shell = session.info().shell
    assert shell is not None
    assert (shell["cwd"], shell["at_prompt"], shell["last_exit_code"]) == (str(place), True, 0)
    assert shell["last_command"] == f"cd '{place}'"
    files = {path.name for path in tmp_path.iterdir()} - {"a; b é%", ".config", ".local", ".cache", SHELLS[name][1]}
    assert files <= {".bash_history", ".zsh_history"}, "nothing of ours is left in the home"


@pytest.mark.parametrize("name", ["bash", "bash -l", "zsh"])
def test_nothing_of_it_is_passed_on(client: Client, tmp_path: Path, name: str) -> None:
    session = start(client, tmp_path, name)
    done = run(session, "env | grep -c -e ZDOTDIR -e ^ENV= -e ROOST_BASH -e ROOST_ZDOTDIR -e __roost")
    assert done["exit_code"] == 1, session.backlog().data


def test_a_shell_within_the_shell_is_a_command_that_runs(client: Client, tmp_path: Path) -> None:
    session = start(client, tmp_path, "bash")
    sent = session.send("bash --norc -i", enter=True)
    session.wait_for("regex=bash-[0-9.]+[$#] ", since=sent.offset, timeout_s=30)
    shell = session.info().shell
    assert shell is not None and (shell["at_prompt"], shell["command"]) == (False, "bash --norc -i")
    session.send("exit 4", enter=True)
    session.wait_for("command-done", timeout_s=30)
    assert session.wait_for("prompt", timeout_s=30)
    shell = session.info().shell
    assert shell is not None and shell["last_exit_code"] == 4


def test_an_empty_line_is_no_command(client: Client, tmp_path: Path) -> None:
    session = start(client, tmp_path, "bash")
    run(session, "false")
    sent = session.keys("Enter")
    session.wait_for("prompt", since=sent.offset)
    shell = session.info().shell
    assert shell is not None and (shell["last_command"], shell["last_exit_code"]) == ("false", 1)


def test_marks_become_events(client: Client, v1: V1Client, tmp_path: Path) -> None:
    session = start(client, tmp_path, "bash")
    run(session, "true")
    ask = json.dumps({"target": session.id, "categories": ["shell"]}).encode()
    shell = [
        json.loads(line)
        for line in v1.request(1000, pb.RoostCall(method="events.read", params=ask)).roost.data.splitlines()
    ]
    assert [event["type"] for event in shell][-3:] == ["command_started", "command_finished", "prompt"]
    started, finished = shell[-3:-1]
    data = session.backlog().data
    assert data[started["data"]["offset"] :].startswith(b"\x1b]133;C")
    assert data[finished["data"]["offset"] :].startswith(b"\x1b]133;D;0")
    assert finished["data"]["duration_s"] >= 0


def test_a_restarted_shell_is_integrated_once_more(client: Client, tmp_path: Path) -> None:
    for name in ("bash", "zsh"):
        again = start(client, tmp_path, name).restart(grace_s=0)
        again.wait_for("prompt", timeout_s=30)
        assert run(again, "false")["exit_code"] == 1


@pytest.mark.parametrize(
    "argv", [["cat"], ["bash", "-c", "true"], ["bash", "script"], ["zsh", "-f"], ["fish", "-c", "x"]]
)
def test_what_cannot_be_integrated_is_refused(client: Client, argv: list[str]) -> None:
    with pytest.raises(InvalidError, match="integrat"):
        client.spawn(argv, options={"shell": {"integration": True}})


def test_options_are_checked(client: Client) -> None:
    for options in ({"integrate": True}, True, {"integration": 1}):
        with pytest.raises(InvalidError, match="integration"):
            client.spawn(["bash"], options={"shell": options})
    with pytest.raises(InvalidError, match="without a terminal"):
        client.spawn(["bash"], pipe=True, options={"shell": {"integration": True}})
