"""One suite for every way a program talks to a daemon: blocking and asyncio, over its socket and over HTTP."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.instance import Instance, eventually

from roost.client import AsyncClient, Client
from roost.errors import AlreadyAttachedError, InvalidError, NoRunError, RoostError, WaitTimeoutError, WrongStateError
from roost.model import Exited, Gap, Output


class Blocking:
    """Makes an asyncio object's methods blocking; what they give is wrapped too."""

    def __init__(self, thing: Any, run: Callable[[Any], Any]) -> None:
        self._thing = thing
        self._run = run

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._thing, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **options: Any) -> Any:
            result = found(*arguments, **options)
            result = self._run(result) if inspect.isawaitable(result) else result
            wrapped = type(result).__name__.startswith("Async") and name in (
                "spawn",
                "session",
                "restart",
                "attach",
                "events",
            )
            return Blocking(result, self._run) if wrapped else result

        return call


@pytest.fixture(scope="module")
def places(shared: Instance) -> tuple[str, str]:
    """The socket, and an HTTP address with a token in the environment."""
    with shared.client() as client:
        return shared.socket, client.access.listen("127.0.0.1:0")


@pytest.fixture(scope="module", autouse=True)
def token(shared: Instance) -> Iterator[None]:
    """A token for this process."""
    with shared.client() as client:
        os.environ["ROOST_TOKEN"] = client.access.create_token("admin")[1]
    yield
    del os.environ["ROOST_TOKEN"]


@pytest.fixture(params=["socket", "http", "asyncio", "asyncio-http"])
def client(request: pytest.FixtureRequest, places: tuple[str, str]) -> Iterator[Any]:
    """A client of each kind."""
    place = places["http" in request.param]
    if "asyncio" not in request.param:
        with Client(place, autostart=False) as one:
            yield one
        return
    with asyncio.Runner() as runner:
        other = AsyncClient(place, autostart=False)
        yield Blocking(other, runner.run)
        other.close()


def output_of(attachment: Any, wanted: bytes) -> bytes:
    seen = b""
    while wanted not in seen:
        event = attachment.recv(20)
        assert not isinstance(event, Gap)
        if isinstance(event, Output):
            assert event.offset is not None
            seen += event.data
    return seen


def test_a_session_from_start_to_forgotten(client: Any) -> None:
    session = client.spawn(
        ["cat"], name="contract", rows=30, cols=90, labels={"a": "b"}, env={"PATH": os.environ["PATH"]}
    )
    info = session.info()
    assert (info.name, info.rows, info.cols, dict(info.labels)) == ("contract", 30, 90, {"a": "b"})
    assert session.send("hello", enter=True).written == 6
    eventually(lambda: b"hello\r\nhello" in session.backlog().data)
    assert client.logs("contract", from_offset=2, limit_bytes=3).data == b"llo"
    assert session.resize(40, 100) == (40, 100)
    assert session.rename("renamed").name == "renamed"
    assert client.get("renamed").id == session.info().id
    assert session.signal("TERM") == [session.pid]
    assert session.wait(20).signal == signal.SIGTERM
    assert client.purge(session.id) == [info.id]
    with pytest.raises(NoRunError, match="roost run"):
        client.get("renamed")


def test_a_spawn_id_starts_one_session(client: Any) -> None:
    first, second = (client.spawn(["sleep", "1000"], spawn_id=f"same-{id(client)}") for _ in range(2))
    assert (first.id == second.id, second.existing) == (True, True)
    assert client.terminate(first.id, grace_s=0)[0].session_id.endswith(first.id)


def test_errors_are_of_the_same_class(client: Any) -> None:
    session = client.spawn(["sleep", "1000"], pipe=True)
    with pytest.raises(NoRunError):
        client.get("no-such-session")
    with pytest.raises(InvalidError):
        session.resize(10, 10)
    with pytest.raises(WaitTimeoutError):
        session.wait(0.01)
    with pytest.raises(InvalidError):
        client.spawn(["true"], name="no good name \n")
    session.terminate(grace_s=0)
    with pytest.raises(WrongStateError):
        session.signal("INT")


def test_an_attachment_types_sees_and_is_told_the_exit(client: Any) -> None:
    session = client.spawn(["sh", "-c", "read x; echo got $x; exit 7"])
    attachment = session.attach()
    attachment.write(b"this\r")
    assert b"got this" in output_of(attachment, b"got this\r\n")
    event = attachment.recv(20)
    while not isinstance(event, Exited):
        event = attachment.recv(20)
    assert (event.code, attachment.recv(20)) == (7, None)
    attachment.close()


def test_an_attachment_gets_every_byte_of_a_flood_in_order(client: Any) -> None:
    session = client.spawn(["sh", "-c", "read x; seq 100000 300000"], pipe=True)
    attachment = session.attach(lossless=True)
    session.send(b"\n")
    data = bytearray()
    while not isinstance(event := attachment.recv(20), Exited):
        assert isinstance(event, Output) and event.offset == len(data)
        data += event.data
    assert bytes(data) == b"".join(b"%d\n" % n for n in range(100000, 300001))
    attachment.close()


def test_who_is_second_is_refused_shares_or_steals(client: Any) -> None:
    session = client.spawn(["cat"])
    first = session.attach(label="first")
    with pytest.raises(AlreadyAttachedError, match="first"):
        session.attach()
    view = session.attach(mode="view")
    thief = session.attach(steal=True, label="thief")
    while type(event := first.recv(20)).__name__ != "Stolen":
        pass
    assert event.by == "thief"
    for attachment in (first, view, thief):
        attachment.close()
    session.terminate(grace_s=0)


def test_an_attachment_comes_back_after_the_death_of_the_daemon(instance: Instance) -> None:
    with instance.client() as near:
        url = near.access.listen("127.0.0.1:0")
        token_before = os.environ["ROOST_TOKEN"]
        os.environ["ROOST_TOKEN"] = near.access.create_token("admin")[1]
    try:
        with Client(url) as far:
            session = far.spawn(["sh", "-c", "echo one; read x; echo two; read x"])
            with session.attach() as attachment:
                seen = output_of(attachment, b"one\r\n")
                instance.kill_daemon()
                far.send(session.id, b"\n")
                seen += output_of(attachment, b"two\r\n")
                assert seen.replace(b"\r\n", b"\n").replace(b"\n\n", b"\n") == b"one\ntwo\n"
    finally:
        os.environ["ROOST_TOKEN"] = token_before


def test_events_of_a_session_come_until_its_exit(client: Any) -> None:
    session = client.spawn(["cat"])
    stream = client.events(session.id, since="0.0", categories=["lifecycle"])
    session.rename(f"renamed-{session.pid}")
    session.terminate(grace_s=0)
    seen = []
    while (event := stream.recv(20)) is not None:
        assert event.session_id == session.id
        seen.append(event.type)
    assert (seen[0], seen[-1], "renamed" in seen) == ("spawned", "exited", True)
    stream.aclose() if hasattr(stream, "aclose") else stream.close()


@pytest.mark.parametrize("asynchronous", [False, True])
def test_events_go_on_after_the_death_of_the_daemon(
    instance: Instance, asynchronous: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with instance.client() as near, asyncio.Runner() as runner:
        monkeypatch.setenv("ROOST_TOKEN", near.access.create_token("read")[1])
        url = near.access.listen("127.0.0.1:0")
        session = near.spawn(["cat"])
        far: Any = Blocking(AsyncClient(url), runner.run) if asynchronous else Client(url)
        stream = far.events(session.id)
        if asynchronous:
            stream.open()
        instance.kill_daemon()
        near.rename(session.id, "after")
        seen = []
        while "renamed" not in seen:
            seen.append(stream.recv(20).type)
        assert seen.count("adopted") == 1
        stream.aclose() if hasattr(stream, "aclose") else stream.close()
        far.close()


# --- addresses as targets ---------------------------------------------------------------------------------------------


def test_a_target_may_be_an_address_and_then_another_daemon_answers(
    shared: Instance, places: tuple[str, str], instance: Instance
) -> None:
    url = places[1]
    with shared.client() as there, instance.client() as here:
        session = there.spawn(["cat"], name="afar")
        here.spawn(["cat"], name="nearby")
        assert here.get(f"{url}/afar").id == session.id
        assert here.get(url).id == session.id, "without a name the latest live one"
        with pytest.raises(NoRunError):
            here.get(f"{url}/nearby")
        handle = here.session(f"{url}/afar")
        handle.send("typed", enter=True)
        with handle.attach() as attachment:
            output_of(attachment, b"typed\r\ntyped\r\n")
        handle.terminate(grace_s=0)
        assert there.get(session.id).state == "exited"


def test_the_command_line_takes_addresses_wherever_it_takes_a_target(shared: Instance, places: tuple[str, str]) -> None:
    shared.environ["ROOST_TOKEN"] = os.environ["ROOST_TOKEN"]
    target = f"{places[1]}/cli-afar"
    shared.roost("run", "-d", "--name", "cli-afar", "--", "cat")
    shared.roost("send", "--to", target, "hello")
    eventually(lambda: b"hello" in shared.roost("logs", target).stdout)
    shared.roost("resize", target, "11x22")
    shared.roost("kill", "--grace", "0", target)
    watched = shared.roost("watch", "--json", "--to", target, "--since", "0.0").stdout.splitlines()
    assert [json.loads(watched[at])["type"] for at in (0, -1)] == ["spawned", "exited"]
    assert shared.roost("wait", target, check=False).returncode in (128 + signal.SIGTERM, 128 + signal.SIGKILL)
    assert shared.roost("attach", target).stdout.count(b"hello") == 2


def test_nobody_there_is_said_so(shared: Instance) -> None:
    with shared.client() as client, pytest.raises(RoostError, match="no daemon answers") as caught:
        client.get("http://127.0.0.1:1/x")
    assert caught.value.kind == "unavailable"


def test_without_a_token_the_refusal_names_it(
    shared: Instance, places: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ROOST_TOKEN")
    with shared.client() as client, pytest.raises(RoostError, match="roost token create"):
        client.get(places[1])
    monkeypatch.setenv("ROOST_TOKEN_FILE", "/no/such/file")
    with shared.client() as client, pytest.raises(InvalidError, match="ROOST_TOKEN_FILE"):
        client.get(places[1])
