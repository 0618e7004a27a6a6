"""Observers through the daemon: buffers that outlive connections and daemons, exact counters, held emitters."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest
from support.events import EventReader
from support.instance import SOURCE, Instance, eventually
from support.v1 import V1Client

from roost.client import Client
from roost.core.events import Event
from roost.errors import InvalidError, NoRunError
from roost.wire import daemon_v1_pb2 as pb

#: Emits the numbers from 0, each after a line on stdin that says how many.
EMITTER = """
import sys, roost
n = 0
for line in sys.stdin:
    for _ in range(int(line)):
        roost.emit("generic", {"n": n})
        n += 1
    print("emitted", n, flush=True)
"""


def emitter(client: Client, **options: object) -> str:
    command = ["env", f"PYTHONPATH={SOURCE}", sys.executable, "-c", EMITTER]
    return client.spawn(command, pipe=True, **options).id  # type: ignore[arg-type]


def emit(client: Client, session: str, count: int, total: int) -> None:
    """Let it emit, and wait until it has."""
    client.send(session, f"{count}\n")
    eventually(lambda: f"emitted {total}\n".encode() in client.backlog(session).data)


def numbers(events: list[Event]) -> list[int]:
    return [event.data["n"] for event in events if event.type == "generic"]


def take(client: Client, observer: str, count: int) -> list[Event]:
    with client.events(observer=observer) as events:
        return [event for event in (events.recv(20) for _ in range(count)) if event is not None]


def counts(client: Client, observer: str) -> tuple[int, int, int, int]:
    (one,) = [o for o in client.observers() if o.id == observer]
    assert one.delivered + one.missed + one.buffered == one.emitted
    return one.emitted, one.delivered, one.missed, one.buffered


def test_an_observer_goes_on_where_it_stopped_also_in_a_new_daemon(instance: Instance) -> None:
    with instance.client() as client:
        session = emitter(client)
        observer = client.add_observer(session, categories=["agent"], capacity=5).id
        emit(client, session, 8, 8)
        assert counts(client, observer) == (8, 0, 3, 5), "the oldest went"
        gap, *seen = take(client, observer, 3)
        assert (gap.type, gap.data["reason"], gap.data["count"]) == ("gap", "dropped", 3), "told before what is left"
        assert numbers(seen) == [3, 4]
        eventually(lambda: counts(client, observer) == (8, 2, 3, 3))
        instance.kill_daemon()
        assert counts(client, observer) == (8, 2, 3, 3)
        emit(client, session, 3, 11)
        assert counts(client, observer) == (11, 2, 3, 6), "what is on its way stands beside the capacity"
        gap, *seen = take(client, observer, 6)
        assert (gap.type, gap.data["count"], numbers(seen)) == ("gap", 1, [6, 7, 8, 9, 10])
        eventually(lambda: counts(client, observer) == (11, 7, 4, 0))
        client.terminate(session, grace_s=0)
        client.purge(session)
        assert client.observers() == []
        with pytest.raises(NoRunError):
            client.events(observer=observer)


def test_a_reader_is_told_where_and_how_many_it_missed_until_it_has_confirmed_that(instance: Instance) -> None:
    with instance.client() as client:
        session = emitter(client)
        observer = client.add_observer(session, categories=["agent"], capacity=3).id
        emit(client, session, 7, 7)
        for _ in range(2):
            with EventReader(instance.socket, observer=observer) as reader:
                gap, *rest = reader.until(lambda event: event["data"].get("n") == 6)
            assert (gap["data"]["reason"], gap["data"]["count"], gap["data"]["category"]) == ("dropped", 4, None)
            assert [event["data"]["n"] for event in rest] == [4, 5, 6]
            instance.kill_daemon()
        assert gap["data"]["through"] == gap["id"] < rest[0]["id"], "a reader may go on behind it"
        with EventReader(instance.socket, observer=observer, since=gap["id"]) as reader:
            assert next(iter(reader))["data"]["n"] == 4
        assert counts(client, observer) == (7, 0, 4, 3)


def test_what_was_not_confirmed_is_delivered_again(instance: Instance) -> None:
    with instance.client() as client:
        session = emitter(client)
        observer = client.add_observer(session, categories=["agent"]).id
        emit(client, session, 3, 3)
        for _ in range(2):
            with EventReader(instance.socket, observer=observer) as reader:
                seen = reader.until(lambda event: event["data"].get("n") == 2)
            assert [event["data"]["n"] for event in seen] == [0, 1, 2]
        assert counts(client, observer) == (3, 0, 0, 3)
        with EventReader(instance.socket, observer=observer, since=seen[1]["id"]) as reader:
            assert reader.until(lambda event: True)[0]["data"]["n"] == 2
            assert counts(client, observer)[1] == 2, "what the reader says it has is delivered"


def test_the_last_reader_takes_over(instance: Instance) -> None:
    with instance.client() as client:
        session = emitter(client)
        observer = client.add_observer(session, categories=["agent"]).id
        with client.events(observer=observer) as first, client.events(observer=observer) as second:
            assert first.recv(20) is None, "ended"
            emit(client, session, 1, 1)
            event = second.recv(20)
        assert event is not None and event.data["n"] == 0


def test_an_observer_that_blocks_holds_the_emitter_back_and_nothing_else(instance: Instance) -> None:
    with instance.client() as client:
        session = emitter(client)
        observer = client.add_observer(session, categories=["agent"], capacity=4, policy="block").id
        client.send(session, "50\n")
        eventually(lambda: counts(client, observer) == (4, 0, 0, 4))
        client.resize(client.spawn(["cat"]).id, 30, 90)
        seen: list[int] = []

        def read() -> None:
            with instance.client() as other, other.events(observer=observer) as events:
                while len(seen) < 50:
                    seen.append(events.recv(20).data["n"])  # type: ignore[union-attr]

        reader = threading.Thread(target=read)
        reader.start()
        reader.join(30)
        assert seen == list(range(50))
        eventually(lambda: counts(client, observer) == (50, 50, 0, 0))


def test_observers_at_a_spawn_see_everything(instance: Instance) -> None:
    with instance.client() as client:
        session = client.spawn(["true"], options={"observe": {"observers": [{"categories": ["lifecycle"]}]}})
        session.wait()
        (observer,) = client.observers(session.id)
        assert [event.type for event in take(client, observer.id, 3)] == ["spawned", "started", "exited"]
        asked = ({"capacity": "many"}, {"policy": "hope"}, {"more": 1}, {"categories": ["weather"]}, {"categories": []})
        for bad in ({}, *([one] for one in asked)):
            with pytest.raises(InvalidError):
                client.spawn(["true"], options={"observe": {"observers": bad or "none"}})


def test_a_choice_of_nothing_is_refused_instead_of_meaning_everything(shared: Instance) -> None:
    with shared.client() as client:
        session = client.spawn(["cat"]).id
        for choice in ({"categories": []}, {"types": []}):
            with pytest.raises(InvalidError, match="empty list"):
                client.events(session, **choice)  # type: ignore[arg-type]
        with pytest.raises(InvalidError, match="empty list"):
            client.add_observer(session, categories=[])
    for command in (["watch", "--all", "--type", " , "], ["observer", "add", session, "--category", ""]):
        assert shared.roost(*command, check=False).returncode == 2


def test_v1_tells_true_counters(instance: Instance, tmp_path: Path) -> None:
    with V1Client(instance.socket) as v1, instance.client() as client:
        session = v1.spawn("sh", "-c", "read x").session_id
        order = pb.RegisterSessionObserverRequest(session_id=session, session_kind=1, ring_capacity_events=2)
        observer = v1.request(78, order).register_session_observer.subscriber_id

        def status() -> tuple[int, int, bool]:
            payload = pb.GetSessionObserverStatusRequest(session_id=session, session_kind=1, subscriber_id=observer)
            told = v1.request(80, payload).get_session_observer_status
            return told.delivered_events, told.missed_events, told.disconnected

        for rows in (30, 31, 32):
            client.resize(session, rows, 80)
        eventually(lambda: status() == (0, 1, False))
        gap, *seen = take(client, observer, 3)
        assert gap.data["count"] == 1 and [event.data["rows"] for event in seen] == [31, 32]
        eventually(lambda: status() == (2, 1, True))
    instance.kill_daemon()
    with V1Client(instance.socket) as v1:
        assert status() == (2, 1, True), "the reader is still gone in a new daemon"


def test_the_command_line_adds_reads_counts_and_removes_observers(instance: Instance) -> None:
    with instance.client() as client:
        session = emitter(client, name="watched")
        observer = instance.roost("observer", "add", "watched", "--category", "agent").stdout.decode().strip()
        emit(client, session, 5, 5)
        first = instance.roost("observer", "read", observer, "--count", "3").stdout.splitlines()
        assert [json.loads(line)["data"]["n"] for line in first] == [0, 1, 2]
        instance.roost("daemon", "restart")
        rest = instance.roost("observer", "read", observer, "--count", "2").stdout.splitlines()
        assert [json.loads(line)["data"]["n"] for line in rest] == [3, 4]
        eventually(lambda: instance.json("observer", "ls")[0]["delivered"] == 5)
    assert instance.json("observer", "ls", "watched")[0]["buffered"] == 0
    refused = instance.roost("observer", "add", "watched", "--category", "weather", check=False)
    assert (refused.returncode, b"unknown category 'weather'" in refused.stderr) == (2, True)
    instance.roost("observer", "rm", observer)
    assert instance.json("observer", "ls") == []
    assert instance.roost("observer", "read", observer, check=False).returncode == 3
