"""Starting the daemon anew keeps how it was started; starting a session anew keeps how that was."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from support.instance import SOURCE, Instance, eventually

from roost.client.event_stream import EventStream
from roost.errors import WaitTimeoutError


@contextlib.contextmanager
def foreground_daemon() -> Iterator[tuple[Instance, subprocess.Popen[bytes]]]:
    """A roost whose daemon runs as a service manager has it, its stderr in the file `log`; and that process."""
    instance = Instance()
    command = [sys.executable, "-m", "roost", "daemon", "start", "--foreground"]
    with (instance.root / "log").open("wb") as log:
        process = subprocess.Popen(command, env=instance.environ, stderr=log, stdin=subprocess.DEVNULL)
    try:
        eventually(instance.status_or_none)
        instance.note_pids()
        yield instance, process
    finally:
        instance.end()
        process.wait(20)


def test_a_restart_starts_one_daemon_and_no_rival(instance: Instance) -> None:
    before = instance.status()["pid"]
    for _ in range(3):
        instance.roost("daemon", "restart")
        instance.note_pids()
    assert instance.status()["pid"] != before
    assert "already" not in instance.log()


def test_a_restart_brings_the_daemon_and_the_keeper_of_the_installation_that_asks(tmp_path: Path) -> None:
    """The way of an update whose files are in another place than the former ones; sessions go on over it."""
    other = tmp_path / "python"
    other.symlink_to(sys.executable)
    instance = Instance({"PYTHONPATH": os.pathsep.join([str(SOURCE), *filter(os.path.isdir, sys.path)])})
    try:
        subprocess.run([other, "-m", "roost", "run", "-d", "--", "cat"], env=instance.environ, check=True)
        instance.note_pids()
        before = instance.status()
        assert {_program(before["pid"]), _program(before["keeper_pid"])} == {str(other)}
        with instance.client() as client, client.attach("cat") as attachment:
            instance.roost("daemon", "restart", "--keeper")
            attachment.write(b"still here\n")
            while b"still here" not in getattr(attachment.recv(10), "data", b""):
                pass
        instance.note_pids()
        after = instance.status()
        assert {_program(after["pid"]), _program(after["keeper_pid"])} == {sys.executable}
        assert (after["keeper_pid"], after["running"]) == (before["keeper_pid"], 1)
    finally:
        instance.end()


def _program(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().partition("\0")[0]


def test_a_restart_may_take_the_keeper_along_and_no_session_ends(instance: Instance) -> None:
    instance.roost("run", "-d", "--name", "stays", "--", "cat")
    before = instance.status()
    done = instance.roost("daemon", "restart", "--keeper")
    instance.note_pids()
    assert f"still pid {before['keeper_pid']}, with 1 session".encode() in done.stderr
    assert instance.status()["pid"] != before["pid"]
    assert "upgraded in place; 1 sessions go on" in instance.log()
    instance.roost("send", "--to", "stays", "still here")
    eventually(lambda: b"still here" in instance.roost("logs", "stays").stdout)


def test_a_daemon_in_the_foreground_starts_again_as_the_same_process_with_its_options() -> None:
    with foreground_daemon() as (instance, process):
        instance.roost("run", "-d", "--", "sleep", "1000")
        assert f"pid {process.pid} (before: {process.pid})".encode() in instance.roost("daemon", "restart").stderr
        arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
        assert b"--foreground" in arguments
        assert (instance.root / "log").read_bytes().count(b" listens at ") == 2, "it logs to stderr, both times"
        assert len(instance.json("ls")) == 1


def test_state_of_a_daemon_that_listens_elsewhere_is_left_alone_and_named(shared: Instance, tmp_path: Path) -> None:
    environ = {**shared.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-m", "roost", "ls"], env=environ, capture_output=True, check=False)
    assert done.returncode == 6
    assert f"listens at {shared.socket}".encode() in done.stderr and b"XDG_STATE_HOME" in done.stderr


def test_a_file_in_the_place_of_the_socket_stays_and_is_named(tmp_path: Path) -> None:
    """ROOST_SOCKET may name anything: nothing of it is lost, and the client hears why no daemon came."""
    instance = Instance()
    precious = tmp_path / "precious"
    precious.write_text("text")
    environ = {**instance.environ, "ROOST_SOCKET": str(precious)}
    try:
        done = subprocess.run([sys.executable, "-m", "roost", "ls"], env=environ, capture_output=True, check=False)
        assert done.returncode == 6
        assert f"{precious} is there and is no socket; move it away".encode() in done.stderr
        assert b"Traceback" not in done.stderr and precious.read_text() == "text"
        instance.roost("daemon", "start")
        instance.note_pids()
    finally:
        instance.end()


def test_a_restarted_session_has_all_that_it_was_started_with(instance: Instance, tmp_path: Path) -> None:
    (tmp_path / "watched").mkdir()
    record, tee, hook = tmp_path / "record", tmp_path / "tee", tmp_path / "hook"
    options = ["--record", record, "--tee", tee, "--watch-path", tmp_path / "watched", "--listen", "127.0.0.1:0"]
    options += ["--on-event", f"exited=echo $ROOST_SESSION_ID >> {hook}", "--shell-integration", "--label", "a=b"]
    options += [
        "--originator",
        "me",
        "--size-policy",
        "smallest",
        "--ring",
        "64K",
        "--env",
        "FOO=bar",
        "--term",
        "vt220",
    ]
    old = instance.roost("run", "-d", "--name", "all", *map(str, options), "--", "bash").stdout.strip().decode()
    address = _address(instance, old)
    with instance.client() as client:
        client.wait_for(old, "prompt", timeout_s=20)
    new = instance.roost("restart", "all", "--grace", "0s").stdout.strip().decode()
    assert new != old
    (info,) = instance.json("ls")
    kept = {key: info[key] for key in ("name", "labels", "originator", "size_policy", "ring_bytes", "recording")}
    assert kept == {
        "name": "all",
        "labels": {"a": "b"},
        "originator": "me",
        "size_policy": "smallest",
        "ring_bytes": 65536,
        "recording": "recording",
    }
    assert _address(instance, new) == address, "the address leads to the session that runs"
    with instance.client() as client:
        client.wait_for(new, "prompt", timeout_s=20)
        assert client.exec(new, "echo $FOO", timeout_s=20).output.strip() == b"bar", "integrated, with its environment"
        with client.events(new, categories=["file"]) as events:
            assert eventually(lambda: _is_told_of(events, tmp_path / "watched" / "x"), what="files there are watched")
        client.terminate(new, grace_s=0)
    eventually(lambda: hook.exists() and hook.read_text().split() == [old, new], what="the hook ran for both")
    assert b"bar" in tee.read_bytes()
    assert record.read_bytes().count(b"# roost recording of") == 2
    instance.kill_daemon()
    assert _address(instance, new) == address


def _address(instance: Instance, session_id: str) -> str:
    with instance.client() as client:
        (url,) = [str(entry["url"]) for entry in client.access.addresses() if entry["session"]]
        assert [entry["session"] for entry in client.access.addresses() if entry["url"] == url] == [session_id]
    return url


def _is_told_of(events: EventStream, path: Path) -> bool:
    """Whether a change of that file, made now, is told of."""
    path.write_text("")
    try:
        event = events.recv(0.2)
    except WaitTimeoutError:
        return False
    return event is not None and str(path) in json.dumps(event.data)


def test_a_daemon_that_is_asked_to_end_ends_although_its_keeper_is_gone_by_then() -> None:
    with foreground_daemon() as (instance, process):
        keeper = instance.status()["keeper_pid"]
        process.send_signal(signal.SIGSTOP)  # so that it sees both at once
        process.send_signal(signal.SIGTERM)
        os.kill(keeper, signal.SIGKILL)
        process.send_signal(signal.SIGCONT)
        assert process.wait(20) == 0


def test_a_daemon_that_does_not_answer_is_named_with_the_way_to_end_it_and_its_sessions_go_on(
    instance: Instance,
) -> None:
    session = instance.roost("run", "-d", "--", "cat").stdout.strip().decode()
    pid = instance.status()["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        told = instance.roost("daemon", "stop", "--timeout", "1s", check=False)
        assert (told.returncode, f"`kill -KILL {pid}` ends it".encode() in told.stderr) == (6, True)
    finally:
        os.kill(pid, signal.SIGKILL)
    instance.wait_for_next(pid)
    assert [one["id"] for one in instance.json("ls")] == [session]


def test_the_log_is_followed_into_the_file_that_replaces_a_full_one(instance: Instance) -> None:
    """What is written to the next log is shown as well."""
    log = Path(instance.root / "state/roost/daemon.log")
    command = [sys.executable, "-m", "roost", "daemon", "logs", "--follow"]
    with subprocess.Popen(command, env=instance.environ, stdout=subprocess.PIPE) as following:
        try:
            assert following.stdout is not None
            while b" listens at " not in following.stdout.readline():
                assert following.poll() is None
            (next_log := log.with_suffix(".next")).write_text("a line of the next\n")
            next_log.rename(log)
            while b"a line of the next" not in following.stdout.readline():
                assert following.poll() is None
        finally:
            following.terminate()


def test_a_daemon_that_only_holds_sessions_has_no_openssl(instance: Instance) -> None:
    with instance.client() as client:
        client.spawn(["cat"])
        pid = client.status().pid
    assert "libcrypto" not in Path(f"/proc/{pid}/maps").read_text()
