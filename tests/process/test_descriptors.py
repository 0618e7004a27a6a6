"""A daemon without descriptors refuses what is new, names the next step, and goes on for what is there."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.instance import SOURCE, Instance, eventually

from roost.client import Client
from roost.errors import RoostError
from roost.model import Output


def test_sessions_beyond_the_descriptors_are_refused_and_the_others_can_be_ended(instance: Instance) -> None:
    with instance.client() as client:
        pid = client.status().pid
        for number in (pid, client.status().keeper_pid):
            resource.prlimit(number, resource.RLIMIT_NOFILE, (80, 80))
        started = []
        with pytest.raises(RoostError, match="too many open files in the daemon: end or purge sessions") as refused:
            while len(started) < 40:
                started.append(client.spawn(["sleep", "1000"]))
        assert refused.value.kind == "exhausted" and started
        assert all(result.outcome == "soft" for result in client.terminate(*[s.id for s in started], grace_s=5))
        client.purge()
        assert client.spawn(["true"]).wait(10).code == 0, "there is room again"
        assert client.status().pid == pid


def test_connections_that_take_all_descriptors_are_outlived(instance: Instance) -> None:
    with instance.client() as client:
        session, pid = client.spawn(["cat"]), client.status().pid
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (80, 80))
        attachment = session.attach()
        with contextlib.ExitStack() as silent:
            for _ in range(100):
                silent.enter_context(socket.socket(socket.AF_UNIX)).connect(instance.socket)
            attachment.write(b"still here\n")
            seen = b""
            while seen.count(b"still here") < 2:
                event = attachment.recv(20)
                seen += event.data if isinstance(event, Output) else b""
        eventually(lambda: _starts(client), what="there is room once the daemon has closed them too")
        assert client.status().pid == pid
        attachment.close()


def _starts(client: Client) -> bool:
    try:
        return client.spawn(["true"]).wait(20).code == 0
    except RoostError as error:
        assert error.kind == "exhausted"
        return False


def test_a_daemon_that_could_open_hardly_anything_is_refused_with_the_limit(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "HOME": str(tmp_path)}
    environ |= {name: str(tmp_path) for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME")}
    tmp_path.chmod(0o700)
    done = subprocess.run(
        [sys.executable, "-m", "roost", "ls"],
        env=environ,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)),
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 6
    assert b"the hard limit of open files is 40" in done.stderr and b"ulimit -Hn" in done.stderr
