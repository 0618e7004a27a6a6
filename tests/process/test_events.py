"""Events through the daemon: the life of sessions, the journal, streams that resume, daemons that are killed."""

from __future__ import annotations

import os
import signal
import struct

from support.events import EventReader, call, journal, types
from support.instance import Instance, alive, eventually
from support.v1 import V1Client


def test_a_session_tells_its_life_in_the_promised_order(instance: Instance) -> None:
    with V1Client(instance.socket) as client, EventReader(instance.socket) as reader:
        session = client.spawn("sh", "-c", "read x; exit 3").session_id
        call(client, "sessions.resize", target=session, rows=30, cols=90)
        call(client, "sessions.rename", target=session, name="other")
        with instance.client() as roost, roost.attach(session) as attached:
            attached.write(b"go\n")
            roost.wait(session)
        call(client, "sessions.purge", targets=[session])
        told = reader.until(lambda event: event["type"] == "purged")
    seen = [event for event in told if event["category"] == "lifecycle"]
    assert types(seen) == ["spawned", "started", "resized", "renamed", "attached", "exited", "purged"]
    assert {event["session_id"] for event in seen} == {session}
    ends = {event["type"]: event["data"] for event in seen}
    assert (ends["exited"]["code"], ends["exited"]["outcome"]) == (3, "natural")
    assert (ends["renamed"]["to"], ends["resized"]) == ("other", {"rows": 30, "cols": 90})
    keys = [tuple(map(int, event["id"].split("."))) for event in seen]
    assert keys == sorted(set(keys)), "ids rise"


def test_an_exit_that_no_daemon_saw_is_told_exactly_once(instance: Instance) -> None:
    with V1Client(instance.socket) as client:
        session = client.spawn("sh", "-c", "read x; exit 4").session_id
        held = client.spawn("sleep", "600").session_id
    eventually(lambda: len(_journal(instance, session)) == 2)
    instance.kill_daemon()
    with V1Client(instance.socket) as client:
        call(client, "sessions.send", target=session, enter=True)
        call(client, "sessions.wait", target=session)
    instance.kill_daemon()
    instance.kill_daemon()
    seen = eventually(lambda: _with_type(_journal(instance, session), "exited"))
    assert [event["data"]["code"] for event in seen] == [4], "once, whoever was killed when"
    with V1Client(instance.socket) as client:
        pid = client.call("sessions.get", target=held)["pid"]
        daemon = instance.note_pids()
        call(client, "daemon.stop")
    eventually(lambda: not alive(daemon))
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(pid))
    instance.start()
    told = _journal(instance, held)
    assert types(told)[:2] == ["spawned", "started"]
    assert types(told).count("exited") == 1 and types(told)[-1] == "exited"
    assert told[-1]["data"]["signal"] == signal.SIGKILL  # type: ignore[index]


def _journal(instance: Instance, session: str) -> list[dict[str, object]]:
    with V1Client(instance.socket) as client:
        return journal(client, target=session)


def _with_type(events: list[dict[str, object]], type: str) -> list[dict[str, object]]:
    return [event for event in events if event["type"] == type]


def test_a_stream_resumes_at_an_id_without_hole_or_repeat(instance: Instance) -> None:
    with V1Client(instance.socket) as client:
        with EventReader(instance.socket, categories=["lifecycle"]) as reader:
            first = client.spawn("true").session_id
            before = reader.until(lambda e: e["type"] == "exited" and e["session_id"] == first)
        second = client.spawn("true").session_id
        call(client, "sessions.wait", target=second)
    instance.kill_daemon()
    with V1Client(instance.socket) as client, EventReader(instance.socket, since=before[-1]["id"]) as reader:
        third = client.spawn("true").session_id
        after = reader.until(lambda e: e["type"] == "exited" and e["session_id"] == third)
        everything = journal(client)
    assert before + after == everything[everything.index(before[0]) :]


def test_a_stream_of_one_session_ends_with_its_exit(instance: Instance) -> None:
    with V1Client(instance.socket) as client:
        session = client.spawn("sh", "-c", "read x").session_id
        with EventReader(
            instance.socket, target=session, since="0.0", until_exit=True, categories=["lifecycle"]
        ) as reader:
            client.spawn("true")
            call(client, "sessions.send", target=session, enter=True)
            assert types(list(reader)) == ["spawned", "started", "exited"]


def test_gaps_from_before_a_session_are_not_told_of_it(instance: Instance) -> None:
    with V1Client(instance.socket) as client:
        old = client.spawn("sleep", "600").session_id
    assert types(_journal(instance, old)) == ["spawned", "started"]  # they are stored
    mark = instance.root / "state/roost/events.mark"
    pid = instance.note_pids()
    os.kill(pid, signal.SIGSTOP)
    epoch, seq = struct.unpack("QQ", mark.read_bytes())
    with mark.open("r+b") as file:
        file.write(struct.pack("QQ", epoch, seq + 5))
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(pid))
    instance.start()
    with V1Client(instance.socket) as client:
        young = client.spawn("sleep", "600").session_id
    assert types(_journal(instance, old)) == ["spawned", "started", "gap", "adopted"], "numbered, and never stored"
    assert types(_journal(instance, young)) == ["spawned", "started"]
    with V1Client(instance.socket) as client, EventReader(instance.socket, session_id=young, since="0.0") as reader:
        call(client, "sessions.resize", target=young, rows=30, cols=90)
        assert types(reader.until(lambda event: event["type"] == "resized")) == ["spawned", "started", "resized"]


def test_the_history_knows_sessions_that_were_purged(instance: Instance) -> None:
    with V1Client(instance.socket) as client:
        session = client.spawn("sh", "-c", "exit 7", originator="maker:1").session_id
        call(client, "sessions.wait", target=session)
        call(client, "sessions.purge", targets=[session])
        client.spawn("true")
        told, _ = call(client, "history.list", failed=True)
        (one,) = told["sessions"]
    assert (one["id"], one["exit_code"], one["originator"], one["argv"]) == (
        session,
        7,
        "maker:1",
        ["sh", "-c", "exit 7"],
    )
    assert one["purged_at"] >= one["exited_at"] >= one["started_at"]
