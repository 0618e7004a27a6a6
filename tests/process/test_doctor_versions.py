"""The doctor names a keeper or a daemon of another version: both run on when roost is upgraded."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.instance import Instance, alive, eventually

import roost
from roost.cli.commands.doctor import version_check
from roost.daemon.control import keeper_detail
from roost.errors import RoostError
from roost.keeper import messages as m
from roost.keeper.launch import keeper_command
from roost.keeper.probe import probe_keeper
from roost.model import DaemonStatus
from roost.paths import Paths
from roost.version import __version__


def checks(instance: Instance) -> dict[str, Any]:
    """What the doctor finds, by name."""
    found = json.loads(instance.roost("doctor", "--json", check=False).stdout)["checks"]
    return {check["name"]: check for check in found}


def later_source(directory: Path) -> str:
    """A source tree whose keeper speaks version 9 only."""
    source, copied = Path(roost.__file__).parent, directory / "roost"
    copied.mkdir()
    for name in ("keeper", "ring", "platform"):
        shutil.copytree(source / name, copied / name)
    for name in ("errors.py", "plain_frames.py", "version.py", "__init__.py"):
        shutil.copy(source / name, copied / name)
    messages = copied / "keeper/messages.py"
    messages.write_text(re.sub(r"^(VERSION|MIN_VERSION) = 1$", r"\1 = 9", messages.read_text(), flags=re.MULTILINE))
    return str(directory)


@pytest.fixture
def later_keeper(tmp_path: Path) -> Iterator[tuple[Instance, int]]:
    """An instance without a daemon, whose keeper is too new for this roost; and the keeper's pid."""
    instance = Instance()
    paths = Paths.for_scope(environ=instance.environ)
    paths.ensure_dirs()
    command = keeper_command(paths)
    source = command.index("-c") + 2
    command[source : source + 1] = [later_source(tmp_path), "--launch"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)
    text = eventually(lambda: refusal(paths))
    found = re.search(r"the keeper with pid (\d+) 9 to 9", text)
    assert found, text
    pid = int(found[1])
    try:
        yield instance, pid
    finally:
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not alive(pid))
        instance.end()


def refusal(paths: Paths) -> str:
    """Why the keeper would not have us; nothing while it is not there."""
    try:
        assert probe_keeper(paths) is None
    except RoostError as error:
        assert error.kind == "version_mismatch"
        return error.message
    return ""


def test_a_keeper_of_another_version_is_named_with_what_to_do(later_keeper: tuple[Instance, int]) -> None:
    """Without a daemon, which it would refuse, the doctor says both versions, its pid and the two ways on."""
    instance, pid = later_keeper
    found = checks(instance)
    assert (found["daemon"]["ok"], found["keeper"]["ok"]) == (False, False)
    assert f"protocol 1 to 1, the keeper with pid {pid} 9 to 9" in found["keeper"]["detail"]
    assert "use the roost that started them" in found["keeper"]["advice"]
    assert f"`kill {pid}`" in found["keeper"]["advice"]


def test_a_keeper_that_waits_for_a_daemon_is_seen_and_left_as_it_is(instance: Instance) -> None:
    """A look at it neither takes the daemon's place nor ends it."""
    with instance.client() as client:
        client.spawn(["sleep", "1000"], name="one")
        keeper_pid = client.status().keeper_pid
    assert checks(instance)["keeper"]["ok"]
    instance.roost("daemon", "stop")
    found = checks(instance)
    assert found["keeper"]["ok"] and f"pid {keeper_pid}, protocol 1, without a daemon" in found["keeper"]["detail"]
    assert (found["daemon"]["ok"], found["daemon"]["advice"]) == (False, "start one with `roost daemon start`")
    instance.roost("daemon", "start")
    instance.note_pids()
    assert [session["name"] for session in instance.json("ls")] == ["one"]


def test_a_daemon_of_another_roost_is_named() -> None:
    """An upgrade leaves the old daemon running; a restart is what makes it the new one."""
    other = version_check(DaemonStatus(version="0.0.1", pid=7))
    assert (other.ok, other.advice) == (False, "roost daemon restart")
    assert "7 is of roost 0.0.1" in other.detail and __version__ in other.detail
    assert version_check(DaemonStatus(version=__version__, pid=7)).ok


def test_a_keeper_of_an_older_roost_is_named_with_what_it_lacks() -> None:
    """A keeper that serves but lacks abilities is told apart from one that has them all."""
    assert keeper_detail(7, 1, m.FEATURES + m.PUMP_FEATURES) == "pid 7, protocol 1"
    assert "install a C compiler" in keeper_detail(7, 1, m.FEATURES)
    older = keeper_detail(7, 1, [feature for feature in m.FEATURES if feature != "inputs"])
    assert older.startswith("pid 7, protocol 1, of an older roost, without inputs")
