"""Hooks of a real daemon: nothing is lost through kills and reloads, and nothing is done that nobody asked for."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.hooks import SECRET
from support.instance import SOURCE, Instance, eventually


def configure(instance: Instance, text: str, *, reload: bool = True) -> None:
    path = instance.root / "config/roost/config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if reload:
        instance.roost("daemon", "reload")


def sink(instance: Instance, name: str = "") -> dict[str, Any]:
    """The status of the only sink, or of the named one."""
    (found,) = [one for one in instance.json("hooks", "status") if not name or one["name"] == name]
    return found  # type: ignore[no-any-return]


def lines(path: Path) -> list[dict[str, Any]]:
    """The events in a file, whose lines have to be whole."""
    data = path.read_bytes() if path.exists() else b""
    assert not data or data.endswith(b"\n")
    return [json.loads(line)["event"] for line in data.splitlines()]


def test_commands_of_a_session_run_for_its_own_events_with_its_environment(instance: Instance, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = f'echo "$ROOST_SESSION_NAME $ROOST_EXIT_CODE $MARK" >> {out}'
    arguments = ["--env", "MARK=mine", "--on-event", f"exited={command}"]
    instance.roost("run", "-d", "-n", "first", *arguments, "--", "sh", "-c", "exit 3")
    instance.roost("run", "-d", "-n", "second", "--", "true")
    eventually(lambda: out.exists() and out.read_text() == "first 3 mine\n")
    assert sink(instance)["type"] == "command"
    instance.roost("purge", "first")
    eventually(lambda: instance.json("hooks", "status") == [])
    refused = instance.roost("run", "-d", "--on-event", "exitd=true", "--", "true", check=False)
    assert refused.returncode == 2
    assert b"did you mean 'exited'?" in refused.stderr


def test_a_command_of_a_session_runs_also_when_the_exit_fell_between_two_daemons(tmp_path: Path) -> None:
    instance = Instance({"ROOST_NO_RESTART": "1"})
    try:
        pid = instance.start()
        out = tmp_path / "out"
        hook = f"exited=echo $ROOST_EXIT_CODE >> {out}"
        script = f"while [ ! -e {tmp_path}/go ]; do sleep 0.01; done; touch {tmp_path}/gone; exit 5"
        instance.roost("run", "-d", "--on-event", hook, "--", "sh", "-c", script)
        os.kill(pid, signal.SIGKILL)
        (tmp_path / "go").touch()
        eventually((tmp_path / "gone").exists)
        instance.start()
        eventually(lambda: out.exists() and out.read_text() == "5\n")
    finally:
        instance.end()


def test_a_file_has_every_event_of_the_journal_through_kills(tmp_path: Path) -> None:
    instance = Instance({"ROOST_NO_RESTART": "1"})
    log = tmp_path / "x.jsonl"
    configure(instance, f'[hooks]\nsink = "jsonl"\njsonl_path = "{log}"\n', reload=False)
    try:
        for _ in range(3):
            pid = instance.start()
            with instance.client() as client:
                for _ in range(20):
                    client.spawn(["true"])
            os.kill(pid, signal.SIGKILL)
        instance.start()
        with instance.client() as client:
            eventually(lambda: all(s.state == "exited" for s in client.list()))

            def same() -> bool:
                kept = [event.id for event in client.read_events(limit=5000) if event.type != "gap"]
                return set(kept) <= {one["id"] for one in lines(log)}

            eventually(same)
        assert sink(instance)["dropped"] == 0
        assert len({one["session_id"] for one in lines(log) if one["type"] == "exited"}) == 60
    finally:
        instance.end()


def test_a_reload_loses_no_event(instance: Instance, tmp_path: Path) -> None:
    logs = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    texts = [f'[[hooks.sinks]]\ntype = "jsonl"\nname = "log"\npath = "{path}"\nevents = ["exited"]\n' for path in logs]
    configure(instance, texts[0])
    stop = threading.Event()
    started: list[str] = []

    def spawn() -> None:
        with instance.client() as client:
            while not stop.is_set():
                started.append(client.spawn(["true"]).id)

    thread = threading.Thread(target=spawn)
    thread.start()
    try:
        for number in range(1, 7):
            eventually(lambda: len(started) > number * 5)  # noqa: B023
            configure(instance, texts[number % 2])
    finally:
        stop.set()
        thread.join()
    eventually(lambda: {one["session_id"] for log in logs for one in lines(log)} == set(started))
    assert sum(len(lines(log)) for log in logs) == len(started), "none twice either"


class Receiver(ThreadingHTTPServer):
    """Takes webhooks, or answers 503 while it is told to."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.ids: list[str] = []
        self.webhook_ids: list[str] = []
        self.signed: list[str] = []
        self.refuses = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))["event"]
        if not self.server.refuses:
            self.server.ids.append(event["session_id"])
            self.server.webhook_ids.append(self.headers["webhook-id"])
            self.server.signed.append(self.headers.get("webhook-signature", ""))
        self.send_response(503 if self.server.refuses else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    try:
        yield one
    finally:
        one.shutdown()
        one.server_close()


def test_a_webhook_s_queue_survives_a_kill_and_a_retry_empties_it(instance: Instance, receiver: Receiver) -> None:
    head = f'[[hooks.sinks]]\ntype = "webhook"\nname = "w"\nurl = "{receiver.url}"\n'
    configure(instance, head + 'events = ["exited"]\nallow_private = true\n')
    receiver.refuses = True
    with instance.client() as client:
        ids = [client.spawn(["true"]).id for _ in range(5)]
    eventually(lambda: sink(instance)["queued"] == 5)
    assert sink(instance)["state"] == "failing"
    instance.kill_daemon()
    eventually(lambda: sink(instance)["queued"] == 5)
    receiver.refuses = False
    assert b"w: " in instance.roost("hooks", "retry", "w").stderr
    eventually(lambda: sorted(receiver.ids) == sorted(ids))
    eventually(lambda: (sink(instance)["queued"], sink(instance)["state"]) == (0, "ok"))
    assert instance.roost("hooks", "retry", "nobody", check=False).returncode == 3


def test_a_webhook_that_is_away_misses_nothing_through_kills_of_the_daemon(instance: Instance) -> None:
    """Killed while events wait in memory for the endpoint's next try, and again while it catches up; nobody retries.

    What was under way at a kill may come twice, with the same id; nothing else does.
    """
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    head = f'[[hooks.sinks]]\ntype = "webhook"\nname = "w"\nurl = "http://127.0.0.1:{port}/"\n'
    configure(instance, head + 'events = ["exited"]\nallow_private = true\n')
    with instance.client() as client:
        ids = [client.spawn(["true"]).id]
        eventually(lambda: sink(instance)["state"] == "failing")
        ids += [client.spawn(["true"]).id for _ in range(30)]

        def stored() -> set[str]:
            return {event.session_id for event in client.read_events(limit=5000) if event.type == "exited"}

        eventually(lambda: stored() >= set(ids))
    instance.kill_daemon()
    receiver = Receiver(port)
    try:
        eventually(lambda: len(receiver.ids) > 5)
        instance.kill_daemon()
        eventually(lambda: set(receiver.ids) == set(ids))
        eventually(lambda: (sink(instance)["queued"], sink(instance)["dead"]) == (0, 0))
        assert len(set(receiver.webhook_ids)) == len(ids), "an event has one id, however often it is sent"
        assert len(receiver.ids) <= len(ids) + 1, "at most what was under way at the second kill"
    finally:
        receiver.shutdown()
        receiver.server_close()


def test_a_secret_that_is_missing_refuses_the_configuration(instance: Instance) -> None:
    text = '[[hooks.sinks]]\ntype = "webhook"\nurl = "https://example.org/"\nsecret_env = "NOT_SET_ANYWHERE"\n'
    configure(instance, text, reload=False)
    done = instance.roost("daemon", "reload", check=False)
    assert done.returncode == 1
    assert b"NOT_SET_ANYWHERE" in done.stderr
    assert instance.json("hooks", "status") == []


def test_nothing_that_the_daemon_starts_inherits_a_webhook_s_secret(receiver: Receiver, tmp_path: Path) -> None:
    """Neither commands of hooks nor sessions; the next daemon has it all the same, and signs."""
    instance = Instance({"MY_SECRET": SECRET, "MY_OTHER": "seen"})
    text = f'[[hooks.sinks]]\ntype = "webhook"\nurl = "{receiver.url}"\nsecret_env = "MY_SECRET"\n'
    text += (
        f'allow_private = true\n[[hooks.on_event]]\nevent = "exited"\ncommand = "env > {tmp_path}/$ROOST_EXIT_CODE"\n'
    )
    configure(instance, text, reload=False)
    try:
        instance.start()
        for code in (3, 4):
            with instance.client() as client:
                client.spawn(["sh", "-c", f"env > {tmp_path}/inner{code}; exit {code}"])
            for path in (tmp_path / str(code), tmp_path / f"inner{code}"):
                eventually(lambda: path.exists() and "ROOST_" in path.read_text())  # noqa: B023
                assert "MY_SECRET" not in path.read_text()
            assert "MY_OTHER=seen" in (tmp_path / str(code)).read_text()
            eventually(lambda: len(receiver.signed) == len(receiver.ids) and code - 2 <= len(receiver.ids))  # noqa: B023
            instance.kill_daemon()
        assert all(receiver.signed)
    finally:
        instance.end()


def test_sources_run_only_for_a_sink_that_asks_and_listens(instance: Instance, tmp_path: Path) -> None:
    every, asks = tmp_path / "all.jsonl", tmp_path / "asks.jsonl"
    jsonl = '[[hooks.sinks]]\ntype = "jsonl"\npath = "{}"\n'
    monitor = '[[hooks.sinks]]\ntype = "unix-listener"\nevents = ["exec"]\n'
    configure(instance, jsonl.format(every) + monitor)
    script = "read go; for i in 1 2 3; do /bin/true; done; read end"
    with instance.client() as client:
        session = client.spawn(["sh", "-c", script], name="quiet")
        session.send(b"\n")
        eventually(lambda: any(one["type"] == "spawned" for one in lines(every)))
        session.send(b"\n")
        eventually(lambda: any(one["type"] == "exited" for one in lines(every)))
        assert all(one["category"] != "process" for one in lines(every)), "nobody asked for them"

        configure(instance, jsonl.format(asks) + 'events = ["category:process"]\nsessions = { name = "loud*" }\n')
        loud = client.spawn(["sh", "-c", script], name="loud")
        quiet = client.spawn(["sh", "-c", script], name="quiet2")
        for session in (loud, quiet):
            session.send(b"\n")
        eventually(lambda: any(one["type"] == "exec" for one in lines(asks)))
        assert {one["session_name"] for one in lines(asks)} == {"loud"}
        for session in (loud, quiet):
            session.send(b"\n")
            session.wait(timeout_s=20)


def test_a_monitor_sees_events_as_lines_and_is_not_in_the_way_of_a_stopped_one(instance: Instance) -> None:
    configure(instance, '[hooks]\nsink = "unix-listener"\n')
    path = str(instance.root / "run/roost/monitor.sock")
    stopped, monitor = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    with stopped, monitor:
        stopped.connect(path)
        monitor.connect(path)
        eventually(lambda: len(sink(instance)["monitors"]) == 2)
        with instance.client() as client, monitor.makefile("rb") as reader:
            client.spawn(["true"])
            types = [json.loads(reader.readline())["event"]["type"] for _ in range(3)]
            assert types == ["spawned", "started", "exited"]
    eventually(lambda: sink(instance)["state"] == "idle")


def documented(start: str) -> str:
    """The example of docs/hooks.md that begins like this, language first."""
    text = (SOURCE.parent / "docs/hooks.md").read_text()
    found = text.partition(f"```{start}")[2].partition("```")[0]
    return start.partition("\n")[2] + found


def test_the_documented_configuration_is_right(instance: Instance) -> None:
    configure(instance, documented("toml\n[hooks]"), reload=False)
    assert instance.json("config", "check")["problems"] == []


def test_the_documented_sink_is_installed_and_gets_events(tmp_path: Path) -> None:
    """As somebody would who follows the page: a module, its pyproject.toml, `pip install`, and a table."""
    project, place = tmp_path / "project", tmp_path / "installed"
    project.mkdir()
    (project / "notes_sink.py").write_text(documented("python\nclass Notes"))
    (project / "pyproject.toml").write_text(documented("toml\n[project]"))
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(place), str(project)], check=True, capture_output=True)
    instance = Instance({"PYTHONPATH": f"{SOURCE}:{place}"})
    try:
        instance.start()
        configure(instance, '[[hooks.sinks]]\ntype = "notes"\npath = 3\ncolour = 1\n', reload=False)
        told = instance.roost("config", "check", check=False).stdout.decode()
        assert "path: must be a string" in told
        assert "colour: unknown key" in told
        table = documented('toml\n[[hooks.sinks]]\ntype = "notes"').replace("/home/me", str(tmp_path))
        configure(instance, table + 'prefix = "> "\n')
        instance.roost("run", "-d", "--", "true")
        eventually(lambda: (tmp_path / "notes").exists() and (tmp_path / "notes").read_text() == "> exited\n")
    finally:
        instance.end()


def test_a_daemon_in_the_background_has_no_standard_output_wherever_its_own_leads() -> None:
    """That is the log it was started with, which goes by another name once it was full."""
    instance = Instance()
    try:
        instance.roost("daemon", "start")
        instance.note_pids()
        log = instance.root / "state/roost/daemon.log"
        log.rename(log.with_suffix(".log.1"))
        configure(instance, '[hooks]\nsink = "stdout"\n')
        assert (sink(instance)["state"], "background" in sink(instance)["note"]) == ("idle", True)
    finally:
        instance.end()


def test_standard_output_is_that_of_a_daemon_in_the_foreground(tmp_path: Path) -> None:
    instance = Instance()
    configure(instance, '[[hooks.sinks]]\ntype = "stdout"\nevents = ["exited"]\n', reload=False)
    command = [sys.executable, "-m", "roost", "daemon", "start", "--foreground"]
    with (instance.root / "stderr").open("wb") as errors, (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(command, env=instance.environ, stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
    try:
        eventually(instance.status_or_none)
        instance.note_pids()
        assert sink(instance)["state"] == "ok"
        instance.roost("run", "-d", "--", "true")
        eventually(lambda: [one["type"] for one in lines(tmp_path / "out")] == ["exited"])
    finally:
        instance.end()
        process.wait(20)


def test_the_doctor_names_a_failing_sink_and_a_broken_configuration(instance: Instance, tmp_path: Path) -> None:
    def line(name: str) -> dict[str, Any]:
        checks = json.loads(instance.roost("doctor", "--json", check=False).stdout)["checks"]
        (found,) = [check for check in checks if check["name"] == name]
        return found  # type: ignore[no-any-return]

    (tmp_path / "taken").mkdir()
    configure(instance, f'[hooks]\nsink = "jsonl"\njsonl_path = "{tmp_path}/taken"\n')
    assert line("configuration")["ok"]
    eventually(lambda: not line("hooks")["ok"], what="the sink fails")
    assert f"jsonl:{tmp_path}/taken" in line("hooks")["detail"]
    configure(instance, "[hooks]\nsinc = 1\n", reload=False)
    broken = line("configuration")
    assert (broken["ok"], ":2: hooks.sinc" in broken["detail"]) == (False, True)
    configure(instance, "[hooks]\n")
    assert (line("configuration")["ok"], line("hooks")["ok"]) == (True, True)


def test_what_a_hook_writes_in_the_sessions_directory_is_no_event_that_runs_it_again(
    instance: Instance, tmp_path: Path
) -> None:
    hook = f"*=cat >> {tmp_path}/told"
    script = "read x; echo mine > mine; read x"
    instance.roost("run", "-d", "-n", "w", "--cwd", str(tmp_path), "--on-event", hook, "--", "sh", "-c", script)

    def told(path: str) -> list[dict[str, Any]]:
        return [one for one in lines(tmp_path / "told") if one["data"].get("path") == path]

    instance.roost("send", "--to", "w", "go")
    mine = str(tmp_path / "mine")
    eventually(lambda: {one["type"] for one in told(mine)} == {"created", "modified", "closed"})
    if told(mine)[0]["source"] != "fanotify":
        pytest.skip("this kernel does not let us see who changes files")
    instance.roost("send", "--to", "w", "end")
    eventually(lambda: any(one["type"] == "exited" for one in lines(tmp_path / "told")))
    assert told(str(tmp_path / "told")) == []


def test_a_hook_that_causes_its_own_events_is_stopped_where_nobody_knows_who_writes(tmp_path: Path) -> None:
    instance = Instance({"ROOST_OBSERVE_WITHOUT": "fanotify"})
    try:
        instance.start()
        hook = f"*=cat >> {tmp_path}/told"
        script = "read x; echo mine > mine; read x"
        instance.roost("run", "-d", "-n", "w", "--cwd", str(tmp_path), "--on-event", hook, "--", "sh", "-c", script)
        instance.roost("send", "--to", "w", "go")
        eventually(lambda: "seems to cause its own events" in sink(instance)["last_error"])
        instance.roost("send", "--to", "w", "end")
        eventually(lambda: any(one["type"] == "exited" for one in lines(tmp_path / "told")))
        assert sink(instance)["dropped"] > 0
    finally:
        instance.end()
