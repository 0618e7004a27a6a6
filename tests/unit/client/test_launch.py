"""Starting a daemon: what it is given, how long it is waited for, what is said when it does not come up."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roost.client import Client, ensure_daemon
from roost.client.deadline import Deadline
from roost.client.endpoint import Endpoint
from roost.client.launch import connect
from roost.errors import RoostError, UnavailableError
from roost.paths import Paths

PYTHON = sys.executable
LISTEN = """
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
listener.settimeout(10)
listener.accept()
"""

Stub = Callable[[str], None]


@pytest.fixture
def paths(monkeypatch: pytest.MonkeyPatch) -> Iterator[Paths]:
    """Directories of our own, as a scope's."""
    root = Path(tempfile.mkdtemp(prefix="roost-launch-"))
    for name in ("ROOST_SCOPE", "ROOST_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(root / "run"))
    monkeypatch.setenv("XDG_STATE_HOME", str(root / "state"))
    yield Paths.for_scope()
    shutil.rmtree(root)


@pytest.fixture
def stub(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Puts a shell script in place of the daemon; the starter in front of it stays the real one."""

    def put(script: str) -> None:
        executable = Path(paths.state_dir).parent / "python"
        executable.parent.mkdir(parents=True, exist_ok=True)
        executable.write_text(f'#!/bin/sh\n[ "$1" = -I ] && exec {PYTHON} "$@"\n{script}\n')
        executable.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(executable))

    return put


def test_a_daemon_is_started_and_waited_for(paths: Paths, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOST_SESSION", "s-1")
    seen = f"{paths.state_dir}/seen"
    stub(f"""echo "$@" >{seen}; pwd >>{seen}; echo "session=$ROOST_SESSION" >>{seen}
        sleep 0.1; exec {PYTHON} -c '{LISTEN}' {paths.daemon_socket}""")
    ensure_daemon(paths)
    assert Path(seen).read_text().splitlines() == ["-m roost.daemon --scope default", "/", "session="]
    assert stat.S_IMODE(os.stat(paths.daemon_log).st_mode) == 0o600


def test_another_socket_path_is_passed_on(paths: Paths, stub: Stub) -> None:
    elsewhere = f"{paths.state_dir}/other.sock"
    stub(f"""echo "$@"; exec {PYTHON} -c '{LISTEN}' {elsewhere}""")
    ensure_daemon(paths, socket_path=elsewhere)
    assert f"--scope default --socket-path {elsewhere}" in Path(paths.daemon_log).read_text()


def test_a_daemon_that_ends_at_once_is_an_error_with_its_last_words(paths: Paths, stub: Stub) -> None:
    stub("echo first words; exit 0")
    with pytest.raises(UnavailableError):
        ensure_daemon(paths)
    stub("for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done; echo the reason >&2; exit 1")
    started = time.monotonic()
    with pytest.raises(UnavailableError, match="the reason") as raised:
        ensure_daemon(paths)
    assert time.monotonic() - started < 5
    assert paths.daemon_log in raised.value.message
    assert "first words" not in raised.value.message and "line 1\n" not in raised.value.message


def test_one_that_refuses_because_another_is_starting_is_no_error(paths: Paths, stub: Stub) -> None:
    paths.ensure_dirs()
    lock = os.open(paths.daemon_lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    stub(f"""[ -e {paths.state_dir}/second ] && exec {PYTHON} -c '{LISTEN}' {paths.daemon_socket}; exit 1""")

    def other_daemon() -> None:
        Path(paths.state_dir, "second").touch()
        os.posix_spawn(sys.executable, [sys.executable, "-m", "x"], os.environ)

    late = threading.Timer(0.2, other_daemon)
    late.start()
    ensure_daemon(paths)
    late.join()
    os.close(lock)
    os.wait()


def test_one_that_never_listens_is_given_up(paths: Paths, stub: Stub) -> None:
    stub("exec sleep 3")
    with pytest.raises(UnavailableError, match="does not listen"):
        ensure_daemon(paths, timeout_s=0.2)


def test_a_log_that_cannot_be_opened_is_named(paths: Paths, stub: Stub) -> None:
    stub("exit 0")
    paths.ensure_dirs()
    os.mkdir(paths.daemon_log)
    with pytest.raises(RoostError, match=paths.daemon_log):
        ensure_daemon(paths)


def test_without_autostart_nothing_is_started(paths: Paths, stub: Stub) -> None:
    stub("touch started; exit 1")
    with Client(autostart=False) as client, pytest.raises(UnavailableError, match="roost daemon start"):
        client.ping()
    assert not Path(paths.daemon_log).exists()


def test_nothing_is_started_on_the_socket_of_another_scope(
    paths: Paths, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub("exit 1")
    monkeypatch.setenv("ROOST_SOCKET", f"{paths.runtime_dir}/other/daemon.sock")
    with Client() as client, pytest.raises(UnavailableError, match=r"other/daemon\.sock"):
        client.ping()
    assert not Path(paths.daemon_log).exists()


def test_a_daemon_that_listens_elsewhere_is_told_of(paths: Paths, stub: Stub) -> None:
    paths.ensure_dirs()
    lock = os.open(paths.daemon_lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    stub("echo a daemon is already running here; exit 1")
    with pytest.raises(UnavailableError, match="already running"):
        ensure_daemon(paths, socket_path=f"{paths.runtime_dir}/x.sock", timeout_s=0.3)
    os.close(lock)


def test_a_full_accept_queue_is_waited_for(paths: Paths) -> None:
    import socket

    paths.ensure_dirs()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(paths.daemon_socket)
        listener.listen(0)
        endpoint = Endpoint.of(None, scope=None, autostart=False)
        waiting = []
        while (one := endpoint.connect_once()) is not None:
            waiting.append(one)
        with pytest.raises(UnavailableError, match="accepts no connections"):
            connect(endpoint, Deadline(0.05))
        for one in waiting:
            one.close()


def test_a_socket_of_somebody_else_is_denied(paths: Paths) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may open everything")
    paths.ensure_dirs()
    Path(paths.daemon_socket).touch(mode=0)
    with pytest.raises(RoostError) as raised:
        Endpoint.of(None, scope=None, autostart=False).connect_once()
    assert raised.value.kind == "denied"


def test_a_socket_path_that_is_too_long_is_refused() -> None:
    with pytest.raises(RoostError, match="107"):
        Client("/tmp/" + "x" * 120)
