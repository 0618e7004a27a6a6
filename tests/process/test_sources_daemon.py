"""The sources in a real daemon: from the first process of a session to its exit, over restarts, and in `doctor`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from support.events import EventReader, call
from support.instance import Instance, eventually
from support.v1 import V1Client

OBSERVED = ["lifecycle", "process", "file", "network"]


def sources(instance: Instance) -> list[dict[str, Any]]:
    """What runs for whom."""
    with V1Client(instance.socket) as client:
        found: list[dict[str, Any]] = call(client, "sources.status")[0]["sources"]
        return found


def short(events: list[dict[str, Any]]) -> list[str]:
    """Events as short lines."""
    return [f"{e['category']}.{e['type']} {(e['data'].get('argv') or [''])[-1]}".strip() for e in events]


@pytest.mark.parametrize("exact", [False, True])
def test_a_session_is_seen_from_its_first_process_to_its_exit(shared: Instance, tmp_path: Path, exact: bool) -> None:
    with EventReader(shared.socket, categories=OBSERVED) as reader, shared.client() as client:
        options = {"observe": {"exact": exact}}
        session = client.spawn(["sh", "-c", "/bin/true x; : > made; exit 4"], cwd=tmp_path, options=options)
        told = [
            event
            for event in reader.until(lambda event: event["type"] == "exited" and event["session_id"] == session.id)
            if event["session_id"] == session.id
        ]
    lines = short(told)
    assert lines[:2] == ["lifecycle.spawned /bin/true x; : > made; exit 4", "lifecycle.started"]
    assert lines[-1] == "lifecycle.exited"
    processes = [event for event in told if event["category"] == "process"]
    if {event["grade"] for event in processes} == {"exact"}:
        assert [event["type"] for event in processes] == ["exec", "fork", "exec", "exit", "exit"]
        assert processes[-1]["data"] == {"pid": session.pid, "code": 4, "signal": None}
    if exact and {event["source"] for event in processes} == {"ptrace"}:
        assert [event["data"]["argv"] for event in processes if event["type"] == "exec"] == [
            ["sh", "-c", "/bin/true x; : > made; exit 4"],
            ["/bin/true", "x"],
        ]


def test_nothing_of_the_start_is_lost_when_several_sources_wait_for_it(tmp_path: Path) -> None:
    instance = Instance({"ROOST_OBSERVE_WITHOUT": "fanotify,tcp-trace"})
    try:
        instance.start()
        with EventReader(instance.socket, categories=OBSERVED) as reader, instance.client() as client:
            client.spawn(["sh", "-c", "/bin/true x; sleep 0.2; exit 4"], cwd=tmp_path)
            told = reader.until(lambda event: event["type"] == "exited")
    finally:
        instance.end()
    processes = [event for event in told if event["category"] == "process"]
    if {event["grade"] for event in processes} == {"exact"}:
        assert [event["type"] for event in processes] == ["exec", *["fork", "exec", "exit"] * 2, "exit"]


def test_nothing_runs_unless_it_is_wanted_and_doctor_says_what_does(shared: Instance, tmp_path: Path) -> None:
    with shared.client() as client:
        session = client.spawn(["sleep", "600"], cwd=tmp_path)
        eventually(lambda: sources(shared) == [])
        with EventReader(shared.socket, target=session.id, categories=["file", "network"]):
            found = eventually(lambda: [s for s in sources(shared) if s["state"] == "running"][1:] and sources(shared))
            assert {(s["session_id"], s["category"]) for s in found} == {(session.id, "file"), (session.id, "network")}
            line = next(c for c in shared.json("doctor")["checks"] if c["name"] == "event sources")
            assert line["ok"] and line["detail"].startswith("2 wanted")
        eventually(lambda: sources(shared) == [])
        session.terminate()


def test_a_new_daemon_goes_on_observing(instance: Instance, tmp_path: Path) -> None:
    with instance.client() as client:
        program = "while read x; do : > $x; /bin/true $x; done"
        session = client.spawn(["sh", "-c", program], pipe=True, cwd=tmp_path, options={"observe": {"exact": True}})
        for name in ("one", "two"):
            with EventReader(instance.socket, target=session.id, categories=["file", "process"]) as reader:
                eventually(lambda: [s["state"] for s in sources(instance)] == ["running"] * 2)
                session.send(name.encode() + b"\n")
                reader.until(lambda e: e["type"] == "exec" and e["data"]["argv"] == ["/bin/true", name])  # noqa: B023
            instance.kill_daemon()
        session.send(b"three\n")
        eventually(lambda: (tmp_path / "three").exists(), what="nobody was left standing by the tracers")


def test_what_makes_no_sense_is_refused(shared: Instance, tmp_path: Path) -> None:
    with shared.client() as client:
        for bad, reason in (
            ({"exact": 1}, "exact"),
            ({"watch_paths": ["relative"]}, "not absolute"),
            ({"watch_paths": "x"}, "list"),
            ({"ignore": [""]}, "ignore"),
            ({"whatever": 1}, "unknown"),
            (["exact"], "object"),
        ):
            with pytest.raises(Exception, match=reason):
                client.spawn(["true"], cwd=tmp_path, options={"observe": bad})


def test_the_command_line_asks_for_paths_and_exactness(shared: Instance, tmp_path: Path) -> None:
    (tmp_path / "extra").mkdir()
    (tmp_path / "cwd").mkdir()
    with EventReader(shared.socket, categories=OBSERVED) as reader:
        script = f"echo > {tmp_path}/extra/file; read x"
        where = ("--cwd", str(tmp_path / "cwd"), "--watch-path", str(tmp_path / "extra"))
        name = (
            shared.roost("run", "-d", "--exact", *where, "--", "sh", "-c", "read x; " + script).stdout.decode().strip()
        )
        eventually(lambda: [s["state"] for s in sources(shared) if s["session_id"] == name] == ["running"] * 3)
        shared.roost("send", name, "")
        made = reader.until(lambda event: event["type"] == "created" and event["session_id"] == name)[-1]
        assert made["data"]["path"] == os.fspath(tmp_path / "extra/file")
        shared.roost("kill", name)
