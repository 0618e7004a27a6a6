"""The stream of events over HTTP: in order, resumable, with every hole told, and nobody hurt by a slow reader."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.http import Http
from support.instance import Instance, eventually

from roost.core.sse import ServerEvent, SseReader


class Watch:
    """A connection that reads events."""

    def __init__(self, response: http.client.HTTPResponse, since: str = "") -> None:
        self.response = response
        self.reader = SseReader(since)
        self.events: list[ServerEvent] = []

    def until(self, type: str, session: str = "") -> ServerEvent:
        """Read on to the next event of that type (of that session)."""
        while True:
            while self.events:
                event = self.events.pop(0)
                if event.event == type and (not session or json.loads(event.data)["session_id"] == session):
                    return event
            data = self.response.read1(65536)
            assert data, "the stream ended"
            self.events += self.reader.feed(data)


@contextmanager
def watching(client: Http, query: str = "", **headers: str) -> Iterator[Watch]:
    """A watch that has begun."""
    connection = client.connection()
    try:
        given = dict(headers)
        if client.token:
            given["Authorization"] = f"Bearer {client.token}"
        connection.request("GET", f"/v1/events?{query}", headers=given)
        response = connection.getresponse()
        assert response.status == 200, response.read()
        assert response.getheader("content-type") == "text/event-stream"
        assert response.getheader("x-accel-buffering") == "no"
        yield Watch(response)
        response.close()
    finally:
        connection.close()


@pytest.fixture
def client(shared: Instance) -> Http:
    """A client of the shared roost."""
    return Http(f"unix:{shared.root}/run/roost/http.sock")


def test_events_come_as_they_happen_and_a_client_that_comes_back_misses_and_repeats_nothing(
    shared: Instance, client: Http
) -> None:
    with shared.client() as roost, watching(client) as watch:
        session = roost.spawn(["cat"], name="watched")
        first = watch.until("started", session.id)
        data = json.loads(first.data)
        assert (data["id"], data["session_name"]) == (first.id, "watched")
        session.rename("other")
        session.rename("third")
        renamed = [watch.until("renamed", session.id) for _ in range(2)]
    with shared.client() as roost, watching(client, **{"Last-Event-ID": renamed[0].id}) as watch:
        assert watch.until("renamed", session.id) == renamed[1]
        roost.terminate(session.id, grace_s=0)
        assert watch.until("exited", session.id)
    with watching(client, f"since={first.id}&session={session.id}&types=renamed,exited") as watch:
        seen = [watch.until(name, session.id).id for name in ("renamed", "renamed", "exited")]
        assert seen[:2] == [event.id for event in renamed]


def test_ids_go_on_over_the_death_of_the_daemon(instance: Instance) -> None:
    client = Http(f"unix:{instance.root}/run/roost/http.sock")
    with instance.client() as roost:
        session = roost.spawn(["sleep", "1000"])
        with watching(client, "since=0.0") as watch:
            first = watch.until("started", session.id)
        instance.kill_daemon()
        with watching(client, f"since={first.id}") as watch:
            adopted = watch.until("adopted", session.id)
    assert tuple(map(int, adopted.id.split("."))) > tuple(map(int, first.id.split(".")))


def test_silence_is_filled_with_heartbeats(client: Http) -> None:
    with watching(client, "categories=agent&heartbeat_s=0.05") as watch:
        said = b""
        while b"\n:\n" not in said:
            said += watch.response.read1(4096)


def test_a_single_sessions_address_tells_of_that_session_only(shared: Instance) -> None:
    with shared.client() as roost:
        one = roost.spawn(["cat"], options={"listen": {"address": "127.0.0.1:0"}})
        other = roost.spawn(["cat"])
        (url,) = [a["url"] for a in roost.access.addresses() if a["session"] == one.id]
        own = Http(url, roost.access.create_token("read")[1])
        with watching(own) as watch:
            other.rename("not-told")
            one.rename("told")
            event = watch.until("renamed")
            assert json.loads(event.data)["session_id"] == one.id
        refused = own.get(f"/v1/events?session={other.id}")
        assert refused.status == 404


@pytest.mark.parametrize(
    "query",
    [
        "since=x",
        "types=exitted",
        "categories=weather",
        "since=99999.1",
        "heartbeat_s=0",
        "heartbeat_s=nan",
        "types=a&nonsense=1",
    ],
)
def test_what_cannot_be_watched_is_refused(client: Http, query: str) -> None:
    answer = client.get(f"/v1/events?{query}")
    assert (answer.status, answer.json["kind"]) == (422, "invalid")


def test_a_client_that_does_not_read_holds_nobody_up_and_goes_on_from_the_journal(
    shared: Instance, client: Http
) -> None:
    with shared.client() as roost, watching(client, "types=renamed") as fast, watching(client) as slow:
        session = roost.spawn(["cat"])
        slow.until("started", session.id)
        names = ["a" * 60, "b" * 60]
        for n in range(1500):
            session.rename(names[n % 2])
        for _ in range(1500):
            last = fast.until("renamed", session.id)
        seen: list[Any] = []
        while not seen or seen[-1] != last.id:
            seen.append(slow.until("renamed", session.id).id)
        assert len(seen) == 1500, "and it has missed nothing"


def test_clients_that_vanish_are_forgotten(client: Http) -> None:
    def watched() -> int:
        lines = client.get("/v1/metrics").body.decode().splitlines()
        (value,) = [line.split()[1] for line in lines if line.startswith("roost_event_clients ")]
        return int(float(value))

    before = watched()
    held = []
    for _ in range(5):
        connection = client.connection()
        connection.request("GET", "/v1/events")
        held.append((connection, connection.getresponse()))
    eventually(lambda: watched() == before + 5)
    for connection, response in held:
        response.close()
        connection.close()
    eventually(lambda: watched() == before)


def test_a_watch_from_afar_goes_on_over_killed_daemons_and_prints_what_the_daemon_wrote(instance: Instance) -> None:
    with instance.client() as roost:
        url = roost.access.listen("127.0.0.1:0")
        environ = {**instance.environ, "ROOST_TOKEN": roost.access.create_token("read")[1]}
        session = roost.spawn(["cat"], name="föhn")
        command = [sys.executable, "-m", "roost.cli", "watch", "--to", f"{url}/{session.id}", "--since", "0.0"]
        lines: list[bytes] = []
        with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as watch:
            assert watch.stdout is not None
            for n in range(3):
                session.rename(f"föhn-{n}")
                while not lines or f"föhn-{n}".encode() not in lines[-1]:
                    lines.append(watch.stdout.readline())
                instance.kill_daemon()
                session.rename(f"nobody-looks-{n}")  # while the watch may still be coming back
            session.terminate(grace_s=0)
            lines += watch.stdout.readlines()
            assert watch.wait(20) == 0
        stored = instance.roost("watch", "--json", "--to", session.id, "--since", "0.0").stdout.decode()
    assert b"".join(lines).decode() == stored
    assert stored.count('"renamed"') == 6 and '"exited"' in stored.splitlines()[-1]
