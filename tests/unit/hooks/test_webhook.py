"""The sink `webhook` against a receiver that behaves in every bad way, and its queue on disk."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier
from support.hooks import hub, soon

from roost.core.config_sinks import SinkConfig, Webhook
from roost.hooks.making import own_path
from roost.hooks.webhook_queue import WebhookQueue
from roost.hooks.webhook_request import Sender

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roost.hooks.webhook.FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("roost.hooks.webhook.MOST_PAUSE_S", 0.05)
    monkeypatch.setattr("roost.hooks.webhook.MOST_WAIT_S", 0.05)


class Receiver:
    """An HTTP server that answers as it is told: with a status line and headers, or never (None)."""

    def __init__(self) -> None:
        self.answer: str | None = "200 OK"
        self.choose: Callable[[dict[str, Any]], str | None] | None = None
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.connections = 0
        self.gate: asyncio.Event | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Receiver:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/hook?x=1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.requests.append((headers | {"": lines[0]}, body))
                answer = self.choose(json.loads(body)) if self.choose else self.answer
                if self.gate is not None:
                    await self.gate.wait()
                if answer is None:
                    continue
                writer.write(f"HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()


def config(receiver: Receiver, **options: Any) -> SinkConfig:
    fields = {"url": receiver.url, "allow_private": True, "timeout_s": 5.0} | options
    return SinkConfig("w", "webhook", Webhook(**fields))


def ids(receiver: Receiver) -> list[str]:
    return [json.loads(body)["event"]["id"] for _, body in receiver.requests]


async def test_every_event_is_one_signed_post_to_the_host_by_its_name(tmp_path: Path) -> None:
    async with Receiver() as receiver, hub(tmp_path, config(receiver, secret_env="THE_SECRET")) as it:
        for _ in range(20):
            it.emit()
        await soon(lambda: it.status("w")["delivered"] == 20)
        assert ids(receiver) == [f"1.{n}" for n in range(1, 21)]
        headers, body = receiver.requests[0]
        assert headers[""] == "POST /hook?x=1 HTTP/1.1"
        assert (headers["host"], headers["content-type"]) == (f"localhost:{receiver.port}", "application/json")
        assert Verifier(SECRET).verify(body, headers)["event"]["id"] == "1.1"
        assert len({h["webhook-id"] for h, _ in receiver.requests}) == 20
        assert receiver.connections == 1, "the connection is kept"


async def test_gathered_events_are_an_array_and_cloudevents_have_their_types(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        given = config(receiver)
        cloud = SinkConfig(given.name, given.type, given.options, format="cloudevents")
        async with hub(tmp_path, cloud) as it:
            it.emit("response_delta", category="agent")
            it.emit("response_delta", category="agent")
            it.emit("response_end", category="agent")
            await soon(lambda: it.status("w")["delivered"] == 2)
        kinds = [headers["content-type"] for headers, _ in receiver.requests]
        assert kinds == ["application/cloudevents-batch+json", "application/cloudevents+json"]
        batch, single = (json.loads(body) for _, body in receiver.requests)
        assert (len(batch), single["specversion"]) == (2, "1.0")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("500 Oops", "answered 500 Oops"),
        ("429 Too Many\r\nretry-after: 0", "answered 429"),
        ("302 Found\r\nlocation: http://127.0.0.1:1/", "a redirect to http://127.0.0.1:1/, which is not followed"),
        (None, "no answer within 0.2 s"),
    ],
)
async def test_a_bad_answer_is_told_and_tried_again_with_the_same_id_and_body(
    tmp_path: Path, answer: str | None, words: str
) -> None:
    async with Receiver() as receiver, hub(tmp_path, config(receiver, timeout_s=0.2)) as it:
        receiver.answer = answer
        it.emit()
        await soon(lambda: len(receiver.requests) >= 3)
        await soon(lambda: words in it.status("w")["last_error"])
        assert it.status("w")["state"] == "failing"
        assert it.status("w")["queued"] == 1
        receiver.answer = "204 No Content"
        await soon(lambda: it.status("w")["delivered"] == 1)
        assert len({(h["webhook-id"], body) for h, body in receiver.requests}) == 1
        assert it.status("w")["retried"] >= 2
        await soon(lambda: it.kinds() == ["sink_failing", "sink_recovered"])


async def test_retry_after_is_waited_for(tmp_path: Path) -> None:
    async with Receiver() as receiver, hub(tmp_path, config(receiver)) as it:
        receiver.answer = "429 Slow down\r\nretry-after: 3600"
        it.emit()
        await soon(lambda: it.status("w")["state"] == "failing")
        it.emit()
        await soon(lambda: it.status("w")["queued"] == 2)
        assert it.status("w")["lag_s"] > 0
        assert len(receiver.requests) == 1, "nothing is sent before the hour is over"
        receiver.answer = "200 OK"
        await it.dispatcher.retry("w")
        await soon(lambda: it.status("w")["delivered"] == 2)


async def test_gone_stops_everything_until_somebody_retries(tmp_path: Path) -> None:
    async with Receiver() as receiver, hub(tmp_path, config(receiver)) as it:
        receiver.answer = "410 Gone"
        it.emit()
        await soon(lambda: it.status("w")["gone"])
        it.emit()
        await soon(lambda: it.status("w")["queued"] == 2)
        assert len(receiver.requests) == 1
        receiver.answer = "200 OK"
        await it.dispatcher.retry(None)
        await soon(lambda: it.status("w")["delivered"] == 2)


async def test_an_event_that_is_never_taken_becomes_a_dead_letter_and_holds_nobody_up(tmp_path: Path) -> None:
    async with Receiver() as receiver, hub(tmp_path, config(receiver, attempts=3)) as it:
        receiver.choose = lambda body: "500 Bad" if body["event"]["id"] == "1.1" else "200 OK"
        for _ in range(5):
            it.emit()
        await soon(lambda: (it.status("w")["delivered"], it.status("w")["dead"]) == (4, 1))
        assert ids(receiver).count("1.1") == 3
        receiver.choose = None
        assert await it.dispatcher.retry("w") == {"w": 1}
        await soon(lambda: (it.status("w")["delivered"], it.status("w")["dead"]) == (5, 0))


async def test_a_retry_counts_what_waits_for_its_next_attempt(tmp_path: Path) -> None:
    async with Receiver() as receiver, hub(tmp_path, config(receiver)) as it:
        receiver.answer = "429 Slow down\r\nretry-after: 3600"
        it.emit()
        it.emit()
        await soon(lambda: it.status("w")["retried"] == 1 and it.status("w")["queued"] == 2)
        receiver.answer = "200 OK"
        assert await it.dispatcher.retry("w") == {"w": 2}
        await soon(lambda: it.status("w")["delivered"] == 2)


async def test_gone_is_gone_for_the_next_daemon_too_but_not_at_another_address(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        receiver.answer = "410 Gone"
        async with hub(tmp_path, config(receiver)) as it:
            it.emit()
            await soon(lambda: it.status("w")["gone"])
        async with hub(tmp_path, config(receiver), seq=1) as it:
            await soon(lambda: it.status("w")["state"] == "failing")
            it.emit()
            await soon(lambda: it.status("w")["queued"] == 2)
            assert (it.status("w")["gone"], len(receiver.requests)) == (True, 1)
        receiver.answer = "200 OK"
        async with hub(tmp_path, config(receiver, url=f"{receiver.url}&y=2"), seq=2) as it:
            await soon(lambda: it.status("w")["delivered"] == 2)


async def test_the_status_is_the_answer_even_if_the_rest_never_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roost.hooks.webhook_request._BODY_S", 0.05)
    async with Receiver() as receiver, hub(tmp_path, config(receiver)) as it:
        receiver.answer = "200 OK\r\ntransfer-encoding: chunked"
        it.emit()
        it.emit()
        await soon(lambda: it.status("w")["delivered"] == 2)
        assert (ids(receiver), receiver.connections) == (["1.1", "1.2"], 2)


@pytest.mark.parametrize("answer", ["400 Bad Request", "413 Too Large", "415 What", "422 No"])
async def test_what_a_receiver_refuses_is_not_sent_again(tmp_path: Path, answer: str) -> None:
    async with Receiver() as receiver, hub(tmp_path, config(receiver)) as it:
        receiver.answer = answer
        it.emit()
        await soon(lambda: it.status("w")["dead"] == 1)
        assert len(receiver.requests) == 1


async def test_nobody_at_the_port_is_a_failure_like_others(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        given = config(receiver)
    async with hub(tmp_path, given) as it:
        it.emit()
        await soon(lambda: it.status("w")["retried"] >= 2)
        assert "ConnectError" in it.status("w")["last_error"]


# --- private addresses ------------------------------------------------------------------------------------------------


async def test_a_private_address_is_connected_to_only_when_allowed(tmp_path: Path) -> None:
    async with Receiver() as receiver, hub(tmp_path, config(receiver, allow_private=False)) as it:
        it.emit()
        await soon(lambda: it.status("w")["state"] == "failing")
        assert "allow_private = true" in it.status("w")["last_error"]
        assert receiver.connections == 0


async def test_a_name_that_turns_private_after_the_check_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def rebinding(host: str, port: int, **_: Any) -> list[Any]:
        """Public when asked first, private ever after, as a rebinding name server answers."""
        asked.append(host)
        address = "192.0.2.1" if len(asked) == 1 else "127.0.0.1"
        return [(2, 1, 6, "", (address, port))]

    monkeypatch.setattr("roost.hooks.webhook_request.socket.getaddrinfo", rebinding)
    monkeypatch.setattr("roost.hooks.webhook_request.is_public", lambda address: address != "127.0.0.1")
    async with Receiver() as receiver:
        sender = Sender(Webhook(f"http://evil.test:{receiver.port}/", timeout_s=0.2), (), "x")
        from roost.hooks.webhook_queue import Message

        answers = [await sender.send(Message(1, "1.1", "application/json", b"{}", 0.0, 0)) for _ in range(2)]
        await sender.close()
        assert receiver.connections == 0
        assert answers[0].status == answers[1].status == 0
        assert "private address 127.0.0.1" in answers[1].text


# --- the queue --------------------------------------------------------------------------------------------------------


async def test_what_was_not_sent_is_sent_by_the_next_daemon(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        receiver.answer = "503 Later"
        async with hub(tmp_path, config(receiver)) as it:
            for _ in range(3):
                it.emit()
            await soon(lambda: it.status("w")["queued"] == 3)
        receiver.answer = "200 OK"
        receiver.requests.clear()
        async with hub(tmp_path, config(receiver), seq=3) as it:
            await soon(lambda: it.status("w")["delivered"] == 3)
        assert sorted(ids(receiver)) == ["1.1", "1.2", "1.3"]


def queue(path: Path, limit: int = 100) -> WebhookQueue:
    return WebhookQueue(str(path / "deep" / "q.sqlite3"), limit)


def put(it: WebhookQueue, *numbers: int) -> int:
    return it.put([(f"1.{n}", "k", b"{}") for n in numbers], f"1.{numbers[-1]}", time.time())


async def test_a_request_under_way_is_answered_before_the_end_and_not_made_twice(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        receiver.gate = asyncio.Event()
        async with hub(tmp_path, config(receiver)) as it:
            it.emit()
            await soon(lambda: receiver.requests)
            asyncio.get_running_loop().call_later(0.1, receiver.gate.set)
        async with hub(tmp_path, config(receiver), seq=1) as it:
            it.emit()
            await soon(lambda: it.status("w")["delivered"] == 1)
        assert ids(receiver) == ["1.1", "1.2"]


def test_the_queue_survives_whoever_used_it_and_is_private(tmp_path: Path) -> None:
    first = queue(tmp_path)
    put(first, 1, 2)
    second = queue(tmp_path)  # nobody closed the first one: as after a SIGKILL
    assert (second.counts, second.reached(), second.name) == ((2, 0), "1.2", first.name)
    assert (tmp_path / "deep" / "q.sqlite3").stat().st_mode & 0o777 == 0o600
    first.close()
    second.close()


def test_a_full_queue_drops_the_oldest_and_says_how_many(tmp_path: Path) -> None:
    it = queue(tmp_path, limit=3)
    assert put(it, 1, 2) == 0
    assert put(it, 3, 4, 5) == 2
    assert it.counts == (3, 0)
    found = it.due(time.time())
    assert found is not None
    assert found.event_id == "1.3"
    it.close()


def test_what_was_tried_least_comes_first(tmp_path: Path) -> None:
    it = queue(tmp_path)
    put(it, 1, 2)
    first = it.due(time.time())
    assert first is not None
    it.postpone(first, 0.0, "no")
    second = it.due(time.time())
    assert second is not None
    assert (first.event_id, second.event_id) == ("1.1", "1.2")
    it.postpone(second, time.time() + 1000, "no")
    it.postpone(first, time.time() + 500, "no")
    assert it.due(time.time()) is None
    assert it.next_at() is not None
    it.close()


def test_queues_of_different_names_have_different_files() -> None:
    assert own_path("/q", "webhook:a/b", "x") != own_path("/q", "webhook:a-b", "x")
    assert "/" not in own_path("/q", "../../etc/x", "x").removeprefix("/q/")
