"""Attaching over a WebSocket: output with offsets, acknowledgements, resume, input, and every kind of end."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.http import Http
from support.instance import Instance, eventually
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect


class Web:
    """A WebSocket to a session."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.output = b""
        self.next_offset: int | None = None
        self.told: list[dict[str, Any]] = []

    def say(self, type: str, **fields: Any) -> None:
        """Send a message."""
        self.connection.send(json.dumps({"type": type, **fields}))

    def receive(self) -> dict[str, Any] | bytes:
        """The next message; output is checked for holes."""
        message = self.connection.recv(20)
        if isinstance(message, bytes):
            offset = int.from_bytes(message[:8], "big")
            assert self.next_offset in (None, offset)
            self.next_offset = offset + len(message) - 8
            self.output += message[8:]
            return message
        told: dict[str, Any] = json.loads(message)
        if told["type"] == "gap":
            assert told["from"] == (self.next_offset or 0)
            self.next_offset = told["to"]
        self.told.append(told)
        return told

    def until(self, type: str) -> dict[str, Any]:
        """The next message of that type."""
        while True:
            message = self.receive()
            if isinstance(message, dict) and message["type"] == type:
                return message

    def until_output(self, wanted: bytes) -> None:
        """Read until that was seen."""
        while wanted not in self.output:
            self.receive()


@contextmanager
def web(shared: Instance, target: str, **headers: str) -> Iterator[Web]:
    """A WebSocket over the Unix socket."""
    raw = socket.socket(socket.AF_UNIX)
    raw.connect(f"{shared.root}/run/roost/http.sock")
    with connect(
        f"ws://localhost/v1/sessions/{target}/attach", sock=raw, compression=None, additional_headers=headers
    ) as it:
        yield Web(it)


@contextmanager
def attached(shared: Instance, target: str, **options: Any) -> Iterator[Web]:
    """One that has attached."""
    with web(shared, target) as it:
        it.say("attach", **options)
        it.until("attached")
        yield it


def test_what_is_typed_comes_back_and_the_exit_comes_last(shared: Instance) -> None:
    with shared.client() as client:
        session = client.spawn(["sh", "-c", "read x; echo got $x; exit 7"])
    with attached(shared, session.id, rows=33, cols=99) as it:
        assert it.told[0]["session_id"] == session.id
        it.connection.send(b"th")
        it.connection.send(b"is\r")
        it.until_output(b"got this\r\n")
        end = it.until("exited")
        assert (end["code"], end["signal"]) == (7, None)
        with pytest.raises(ConnectionClosed) as closed:
            it.receive()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1000
    with shared.client() as client:
        assert (client.get(session.id).rows, client.get(session.id).cols) == (33, 99)


def test_a_screen_that_does_not_acknowledge_gets_a_window_and_no_more_until_it_does(shared: Instance) -> None:
    with shared.client() as client:
        session = client.spawn(["sh", "-c", "read x; seq 1 60000; echo done; read x"], pipe=True)
        with attached(shared, session.id, window_bytes=10_000, lossless=True) as it:
            client.send(session.id, b"\n")
            while it.next_offset is None or it.next_offset < 10_000:
                it.receive()
            eventually(lambda: client.get(session.id).end_offset > 100_000)
            assert it.connection.ping().wait(20), "its answer stands behind everything that was sent"
            with pytest.raises(TimeoutError):
                it.connection.recv(0)
            assert it.next_offset == 10_000
            it.say("ack", offset=10_000)
            while not it.output.endswith(b"done\n"):
                it.receive()
                it.say("ack", offset=it.next_offset)
        expected = b"".join(b"%d\n" % n for n in range(1, 60001)) + b"done\n"
        assert it.output == expected
        session.terminate(grace_s=0)


def test_a_slow_screen_is_told_exactly_what_it_missed(shared: Instance) -> None:
    with shared.client() as client:
        session = client.spawn(
            ["sh", "-c", "read x; head -c 8000000 /dev/zero; echo; echo end; read x"], pipe=True, ring_bytes=65536
        )
        with attached(shared, session.id, window_bytes=1000) as it:
            client.send(session.id, b"\n")
            eventually(lambda: client.get(session.id).end_offset >= 8_000_005)
            while not it.output.endswith(b"end\n"):
                it.receive()
                it.say("ack", offset=it.next_offset)
            missed = sum(told["to"] - told["from"] for told in it.told if told["type"] == "gap")
            assert missed > 0
            assert missed + len(it.output) == 8_000_005
        session.terminate(grace_s=0)


def test_a_screen_that_comes_back_goes_on_where_it_was(shared: Instance) -> None:
    with shared.client() as client:
        session = client.spawn(["cat"])
        client.send(session.id, b"one\n")
        with attached(shared, session.id) as it:
            it.until_output(b"one\r\none\r\n")
            token, offset = it.told[0]["resume_token"], it.next_offset
        client.send(session.id, b"two\n")
        with attached(shared, session.id, from_offset=offset, resume_token=token) as it:
            it.until_output(b"two\r\ntwo\r\n")
            assert b"one" not in it.output
        session.terminate(grace_s=0)


def test_a_daemon_that_dies_takes_the_connection_and_nothing_else(instance: Instance) -> None:
    with instance.client() as client:
        session = client.spawn(["cat"])
        with attached(instance, session.id) as it:
            token = it.told[0]["resume_token"]
            client.send(session.id, b"one\n")
            it.until_output(b"one\r\none\r\n")
            instance.kill_daemon()
            with pytest.raises(ConnectionClosed):
                it.receive()
        with attached(instance, session.id, from_offset=it.next_offset, resume_token=token) as again:
            again.connection.send(b"two\r")
            again.until_output(b"two\r\ntwo\r\n")
            assert again.output.startswith(b"two")


def test_steal_resize_interrupt_and_detach(shared: Instance) -> None:
    with shared.client() as client:
        session = client.spawn(["sh", "-c", "trap 'echo interrupted' INT; echo ready; while :; do read x; done"])
        with attached(shared, session.id, mode="share", rows=20, cols=80, label="one") as one:
            one.until_output(b"ready")
            one.say("resize", rows=21, cols=81)
            assert one.until("resized") == {"type": "resized", "rows": 21, "cols": 81}
            one.say("interrupt")
            one.until_output(b"interrupted")
            with attached(shared, session.id, steal=True, label="two") as two:
                assert one.until("stolen")["by"] == "two"
                two.say("detach")
                assert two.until("detached")["reason"] == "detached"
        session.terminate(grace_s=0)


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        ("{", "malformed", "JSON"),
        ("[]", "malformed", "object"),
        ("{}", "invalid", "type"),
        ('{"type":"hello"}', "invalid", "attach"),
        ('{"type":"attach","mode":"other"}', "invalid", "mode"),
        ('{"type":"attach","rows":70000}', "invalid", "size"),
        ('{"type":"attach","rows":"20"}', "invalid", "rows"),
        ('{"type":"attach","from_offset":-1}', "invalid", "from_offset"),
        ('{"type":"attach","from_offset":999999}', "invalid", "not written"),
        ('{"type":"attach","resume_token":"zz"}', "invalid", "hexadecimal"),
        ('{"type":"attach","stream":"stderr"}', "invalid", "stderr"),
        (b"bytes", "malformed", "JSON"),
    ],
)
def test_what_cannot_be_attached_is_a_problem_and_the_end(
    shared: Instance, message: Any, kind: str, words: str
) -> None:
    with shared.client() as client:
        session = client.spawn(["sleep", "1000"])
        with web(shared, session.id) as it:
            it.connection.send(message)
            problem = it.until("error")["problem"]
            assert problem["kind"] == kind and words in problem["detail"]
            with pytest.raises(ConnectionClosed):
                it.receive()
        session.terminate(grace_s=0)


@pytest.mark.parametrize(
    "message", ["{", '{"type":"x"}', '{"type":"ack","offset":5000}', '{"type":"resize","rows":-1}']
)
def test_a_message_that_means_nothing_is_told_and_the_attachment_goes_on(shared: Instance, message: str) -> None:
    with shared.client() as client:
        session = client.spawn(["cat"])
        with attached(shared, session.id) as it:
            it.connection.send(message)
            assert it.until("error")["problem"]["detail"]
            it.connection.send(b"still\r")
            it.until_output(b"still\r\nstill\r\n")
        session.terminate(grace_s=0)


def test_other_pages_and_small_scopes_are_kept_out(shared: Instance) -> None:
    with shared.client() as client:
        session = client.spawn(["cat"])
        url = client.access.listen("127.0.0.1:0")
        reader = client.access.create_token("read")[1]
        address = url.replace("http", "ws") + f"/v1/sessions/{session.id}/attach"
        bearer = {"Authorization": f"Bearer {reader}"}
        for headers in ({}, {**bearer, "Origin": "http://evil.example"}):
            with pytest.raises(InvalidStatus) as refused, connect(address, additional_headers=headers):
                pass
            assert refused.value.response.status_code == (403 if headers else 401)
            assert json.loads(refused.value.response.body or b"")["kind"] in ("denied", "unauthenticated")
        for mode, expected in (("exclusive", "error"), ("view", "attached")):
            with connect(address, additional_headers=bearer) as connection:
                it = Web(connection)
                it.say("attach", mode=mode)
                assert it.until(expected)
        cookie = Http(url).post("/v1/login", {"ticket": client.access.ticket("type")}, Origin=url).headers["set-cookie"]
        held = {"Cookie": cookie.partition(";")[0]}
        with pytest.raises(InvalidStatus), connect(address, additional_headers=held):
            pass  # a cookie without an Origin
        with connect(address, additional_headers={**held, "Origin": url}) as connection:
            it = Web(connection)
            it.say("attach", mode="share")
            it.until("attached")
        session.terminate(grace_s=0)


def test_connections_that_vanish_leave_nothing_attached(shared: Instance) -> None:
    with shared.client() as client:
        session = client.spawn(["sh", "-c", "seq 1 1000000; cat"], pipe=True)
        for attach in (True, False):
            with web(shared, session.id) as it:
                if attach:
                    it.say("attach", mode="view")
                    it.receive()
                it.connection.socket.shutdown(socket.SHUT_RDWR)
        eventually(lambda: not client.get(session.id).clients)
        session.terminate(grace_s=0)
