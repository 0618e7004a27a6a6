"""`running-process-daemon`, started as v1's clients start it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.instance import SOURCE, alive, eventually
from support.v1 import V1Client

from roost.wire import daemon_v1_pb2 as pb

#: After 50 + 100 + 200 + 400 ms v1's client gives up.
LISTEN_S = 0.75


class DropIn:
    """Commands of `running-process-daemon` in directories of their own."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="roost-test-"))
        (self.root / "run").mkdir(mode=0o700)
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("ROOST_")},
            "XDG_RUNTIME_DIR": str(self.root / "run"),
            "XDG_STATE_HOME": str(self.root / "state"),
            "PYTHONPATH": str(SOURCE),
        }
        self.socket = str(self.root / "run/running-process/daemon.sock")
        self.processes: list[subprocess.Popen[bytes]] = []
        self._keepers: set[int] = set()

    def start(self, *flags: str, path: str = "") -> subprocess.Popen[bytes]:
        """Start a daemon and wait until it can be connected to."""
        process = self.begin(*flags)
        eventually(lambda: listens(path or self.socket), what="the daemon listens")
        with V1Client(path or self.socket) as client:
            self._keepers.add(client.call("daemon.status")["keeper_pid"])
        return process

    def begin(self, *flags: str) -> subprocess.Popen[bytes]:
        """Start a daemon."""
        with (self.root / "stderr").open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "roost.dropin", "start", *flags],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        self.processes.append(process)
        return process

    def run(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Another command, to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "roost.dropin", *args],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def end(self) -> None:
        """End all of it."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
            process.wait(10)
        for pid in self._keepers:
            with contextlib.suppress(AssertionError):
                eventually(lambda pid=pid: not alive(pid), timeout_s=2)  # type: ignore[misc]
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)


def listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.connect(path)
        except OSError:
            return False
    return True


@pytest.fixture
def dropin() -> Iterator[DropIn]:
    """A place without a daemon."""
    one = DropIn()
    try:
        yield one
    finally:
        one.end()


def test_it_listens_before_a_client_that_started_it_gives_up(dropin: DropIn) -> None:
    began = time.monotonic()
    process = dropin.begin()
    eventually(lambda: listens(dropin.socket), timeout_s=LISTEN_S, what="it listens within 750 ms")
    took = time.monotonic() - began
    with V1Client(dropin.socket) as client:  # asked while it may still be getting ready
        assert client.request(40).ping.server_time_ms > 0
        dropin._keepers.add(client.call("daemon.status")["keeper_pid"])
    assert took < LISTEN_S
    socket_file = os.stat(dropin.socket)
    assert stat.S_IMODE(socket_file.st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(dropin.socket)).st_mode) == 0o700
    assert process.poll() is None, "it stays in the foreground"


def test_status_tells_v1s_names_and_places(dropin: DropIn) -> None:
    dropin.start()
    with V1Client(dropin.socket) as client:
        status = client.request(42).status
    assert status.socket_path == dropin.socket and status.scope == "global" and status.scope_hash == ""
    assert status.db_path == f"{dropin.root}/state/running-process/tracked-pids.sqlite3"
    dropin.start("--scope", "ci", path=str(dropin.root / "run/running-process/daemon-ci.sock"))
    told = dropin.run("status", "--scope", "ci").stdout
    assert "scope:            ci\n" in told and "daemon-ci.sock" in told and "tracked-pids-ci.sqlite3" in told


def test_stop_ends_sessions_socket_and_process(dropin: DropIn) -> None:
    process = dropin.start()
    with V1Client(dropin.socket) as client:
        pid = client.spawn("sleep", "600").pid
    assert "shutting down" in dropin.run("stop").stdout
    assert process.wait(10) == 0
    assert not os.path.exists(dropin.socket) and not alive(pid)
    for command in (["ping"], ["stop"], ["status"], ["list"], ["sessions", "list"]):
        done = dropin.run(*command, check=False)
        assert done.returncode == 1 and "not running" in done.stderr, command


def test_a_second_start_is_refused_and_the_first_goes_on(dropin: DropIn) -> None:
    dropin.start()
    inode = os.stat(dropin.socket).st_ino
    second = dropin.begin()
    assert second.wait(10) == 1
    third = dropin.begin("--scope", "other-name", "--socket-path", dropin.socket)
    assert third.wait(10) == 1
    assert os.stat(dropin.socket).st_ino == inode
    assert "pong" in dropin.run("ping").stdout
    assert "already running" in (dropin.root / "stderr").read_text()


def test_a_live_socket_of_another_make_is_never_unlinked(dropin: DropIn) -> None:
    os.mkdir(os.path.dirname(dropin.socket), 0o700)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(dropin.socket)
        other.listen()
        inode = os.stat(dropin.socket).st_ino
        assert dropin.begin().wait(10) == 1
        assert os.stat(dropin.socket).st_ino == inode
    dropin.start()  # nobody listens any more: the file is stale, and replaced


def test_of_two_started_at_once_exactly_one_serves(dropin: DropIn) -> None:
    both = [dropin.begin(), dropin.begin()]
    eventually(lambda: listens(dropin.socket))
    with V1Client(dropin.socket) as client:
        status = client.call("daemon.status")
    dropin._keepers.add(status["keeper_pid"])
    eventually(lambda: sum(p.poll() is not None for p in both) == 1, what="one gives way")
    assert status["pid"] in [p.pid for p in both if p.poll() is None]


def test_sessions_outlive_a_killed_daemon_and_the_next_start_has_them(dropin: DropIn) -> None:
    first = dropin.start()
    with V1Client(dropin.socket) as client:
        session = client.spawn("sh", "-c", "echo before; read x; echo after $x; sleep 600")
    first.kill()
    first.wait()
    dropin.start()
    with V1Client(dropin.socket) as client:
        listed = client.request(63, pb.ListPtySessionsRequest()).list_pty_sessions.sessions
        assert [(s.session_id, s.pid, s.exited) for s in listed] == [(session.session_id, session.pid, False)]
        client.attach(session.session_id)
        client.type(b"go\n")
        client.until(b"after go")


def test_it_does_not_touch_the_users_own_roost(dropin: DropIn) -> None:
    dropin.start()
    assert not os.path.exists(dropin.root / "run/roost/daemon.sock")
    (scope,) = (dropin.root / "run/roost").iterdir()
    assert scope.name.startswith("v1-")
    with V1Client(dropin.socket) as client:
        session = client.spawn("sh", "-c", "echo $ROOST_SOCKET.")
        with V1Client(dropin.socket) as other:
            answer = other.attach(session.session_id)
            seen = answer.attach_pty_session.backlog if answer.code == 0 else b""
            if answer.code == 0:
                seen += other.rest()[0]
            else:
                seen = client.request(
                    71, pb.GetSessionBacklogRequest(session_id=session.session_id)
                ).get_session_backlog.backlog
    assert seen == f"{dropin.socket}.\r\n".encode()


def test_the_session_commands(dropin: DropIn) -> None:
    dropin.start()
    assert dropin.run("sessions", "list").stdout == "no PTY sessions\nno pipe sessions\n"
    with V1Client(dropin.socket) as client:
        tty = client.spawn("sh", "-c", "printf 'one\\ntwo'; sleep 600", originator="me")
        pipe = client.spawn_pipe("sh", "-c", "echo out; echo err >&2; exit 3", originator="you")
        eventually(lambda: "exit(3)" in dropin.run("sessions", "list", "--pipe").stdout)
        listed = dropin.run("sessions", "list", "--originator", "me").stdout
        assert tty.session_id in listed and str(tty.pid) in listed and "no pipe sessions" in listed
        eventually(lambda: dropin.run("sessions", "log", tty.session_id).stdout == "one\ntwo")
        assert dropin.run("sessions", "log", pipe.session_id, "--stream", "stderr").stdout == "err\n"
        assert dropin.run("sessions", "purge", "--originator", "me").stdout == "purged 0 session(s)\n"
        assert dropin.run("sessions", "purge").stdout == "purged 1 session(s)\n"
        assert "0 session" in dropin.run("sessions", "kill-older", "--older-than", "1h").stdout
        assert "scheduled" in dropin.run("sessions", "terminate", tty.session_id, "--grace-ms", "100").stdout
        eventually(lambda: not alive(tty.pid))
        more = client.spawn("sleep", "600")
        assert "1 session" in dropin.run("sessions", "kill-older", "--grace-ms", "100").stdout
        eventually(lambda: not alive(more.pid))
    done = dropin.run("sessions", "terminate", "pty-none", check=False)
    assert done.returncode == 1 and "pty-none" in done.stderr
    assert dropin.run("sessions", "log", "pty-none", check=False).returncode == 1


def test_the_process_commands(dropin: DropIn) -> None:
    dropin.start()
    assert dropin.run("list").stdout == "no tracked processes\n"
    with V1Client(dropin.socket) as client:
        pid = client.request(12, pb.SpawnDaemonRequest(command="exec sleep 600", originator="me:1")).spawn_daemon.pid
        client.request(10, pb.RegisterRequest(pid=4194305, command="old", created_at=1.0))
    assert f"{pid}" in dropin.run("list").stdout
    (entry,) = json.loads(dropin.run("list", "--json", "--originator", "me").stdout)
    assert entry["pid"] == pid and entry["state"] == "alive"
    assert "tracked procs:    2\n" in dropin.run("status").stdout
    assert f"(pid={pid})" in dropin.run("tree", str(pid)).stdout
    assert "[found]" in dropin.run("kill-zombies", "--dry-run").stdout
    assert "[ended]" in dropin.run("kill-zombies").stdout
    assert "killed" in dropin.run("kill", str(pid)).stdout
    assert not alive(pid)


def test_given_paths_are_used_and_odd_flags_are_usage_errors(dropin: DropIn) -> None:
    own = dropin.root / "own"
    own.mkdir(mode=0o700)
    path, db = str(own / "s.sock"), str(own / "r.db")
    dropin.start("--socket-path", path, "--db-path", db, "--service", "web", path=path)
    assert "pong" in dropin.run("--socket-path", path, "ping").stdout
    assert f"db:               {db}\n" in dropin.run("status", "--socket-path", path).stdout
    assert not os.path.exists(dropin.socket)
    for args in (["start", "--what"], ["nothing"], [], ["kill", "x"], ["sessions"]):
        assert dropin.run(*args, check=False).returncode == 2, args
    bad = dropin.run("start", "--socket-path", str(dropin.root / "no/such/dir.sock"), check=False)
    assert bad.returncode == 1 and "cannot be made" in bad.stderr


def test_a_start_that_fails_leaves_no_socket(dropin: DropIn) -> None:
    (dropin.root / "state").write_text("in the way")
    done = dropin.run("start", check=False)
    assert done.returncode == 1 and not os.path.exists(dropin.socket)
    assert "Traceback" not in done.stderr
