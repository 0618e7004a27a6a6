"""Input that waits for its turn, and its receipts, through a real daemon."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
from support.http import Http
from support.instance import Instance, eventually

from roost.client import AsyncClient, Client, Session
from roost.core.events import rfc3339
from roost.errors import InvalidError, NoRunError, WrongStateError

#: An agent: tells when a turn begins and ends; the turn ends when a file is there.
AGENT = """
import os, sys, time
from roost import emit
turn = 0
print("ready", flush=True)
for line in sys.stdin:
    turn += 1
    emit("response_start", {"response_id": str(turn)})
    print("turn", turn, line.strip(), flush=True)
    while not os.path.exists(f"{sys.argv[1]}/{turn}"):
        time.sleep(0.005)
    emit("response_end", {"response_id": str(turn)})
"""


def shell(client: Client, home: Path) -> Session:
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    session = client.spawn(["bash"], cwd=home, env=env, options={"shell": {"integration": True}})
    session.wait_for("prompt", timeout_s=30)
    return session


def test_a_followup_waits_for_the_shell_s_prompt(client: Client, tmp_path: Path) -> None:
    session = shell(client, tmp_path)
    session.send("read x; echo got $x", enter=True)
    session.wait_for("state=working", timeout_s=30)
    first = client.followup(session.id, "echo first-one")
    second = client.followup(session.id, "echo second-one", wait="")
    assert [one.state for one in client.receipts(session.id)] == ["queued", "queued"]
    session.send("answer", enter=True)
    done = client.receipt(second.id, wait="observed", timeout_s=30)
    assert (done.state, client.receipt(first.id).state) == ("observed", "observed")
    assert (client.receipt(first.id).idle_by, done.idle_by) == ("shell", "shell")
    session.wait_for("text=second-one", since=0, timeout_s=30)
    shown = session.backlog().data
    assert shown.index(b"got answer") < shown.rindex(b"first-one") < shown.rindex(b"second-one")
    assert client.receipts(session.id) == []


def test_a_followup_waits_for_the_end_of_an_agent_s_turn(client: Client, shared: Instance, tmp_path: Path) -> None:
    session = client.spawn([sys.executable, "-c", AGENT, str(tmp_path)], env=shared.environ)
    session.wait_for("text=ready", timeout_s=30)
    started = client.followup(session.id, "begin", now=True, wait="observed", timeout_s=30)
    assert started.state == "observed"
    session.wait_for("state=working", timeout_s=30)
    queued = client.followup(session.id, "go on")
    assert client.receipt(queued.id).state == "queued"
    (tmp_path / "1").touch()
    receipt = client.receipt(queued.id, wait="observed", timeout_s=30)
    assert (receipt.state, receipt.idle_by) == ("observed", "agent")
    session.wait_for("text=turn 2 go on", timeout_s=30)
    (tmp_path / "2").touch()
    session.terminate()


def test_where_nobody_tells_silence_is_a_turn(client: Client) -> None:
    session = client.spawn(["cat"])
    receipt = client.followup(session.id, "hello", wait="observed", timeout_s=30)
    assert (receipt.state, receipt.idle_by, receipt.seen_by) == ("observed", "quiet", "echo")
    session.wait_for("text=hello", since=receipt.offset, timeout_s=30)


def test_the_same_key_is_the_same_input(client: Client) -> None:
    session = client.spawn(["cat"])
    first = client.followup(session.id, "once", key="k1", now=True, wait="observed", timeout_s=30)
    again = client.followup(session.id, "once", key="k1", now=True, wait="observed", timeout_s=30)
    assert (again.id, again.offset) == (first.id, first.offset)
    with pytest.raises(InvalidError):
        client.followup(session.id, "another", key="k1", now=True)
    client.followup(session.id, "then", now=True, wait="observed", timeout_s=30)
    session.wait_for("text=then", since=0, timeout_s=30)
    eventually(lambda: session.backlog().data.count(b"then") == 2)
    assert session.backlog().data.count(b"once") == 2  # its echo, and what cat made of it


def test_what_is_queued_can_be_taken_back(client: Client, tmp_path: Path) -> None:
    session = shell(client, tmp_path)
    session.send("sleep 60", enter=True)
    session.wait_for("state=working", timeout_s=30)
    queued = client.followup(session.id, "echo never")
    assert client.cancel_followup(queued.id).state == "cancelled"
    with pytest.raises(WrongStateError):
        client.cancel_followup(queued.id)
    failed = client.followup(session.id, "echo never")
    session.signal("KILL", scope="leader")
    assert client.receipt(failed.id, wait="observed", timeout_s=30).state == "failed"
    assert b"never" not in session.backlog().data
    with pytest.raises(WrongStateError):
        client.followup(session.id, "x")
    with pytest.raises(NoRunError):
        client.receipt("f-none")


def test_a_program_that_shows_nothing_stalls_the_receipt_not_the_sender(client: Client) -> None:
    session = client.spawn(["sh", "-c", "stty -echo; echo ready; exec sleep 60"])
    session.wait_for("text=ready", timeout_s=30)
    receipt = client.followup(session.id, "anybody?", now=True, wait="written", timeout_s=30)
    assert receipt.state == "written"
    session.terminate()


def test_queued_inputs_and_keys_outlive_the_daemon(instance: Instance, tmp_path: Path) -> None:
    with instance.client() as client:
        session = shell(client, tmp_path)
        session.send("read x", enter=True)
        session.wait_for("state=working", timeout_s=30)
        done = client.followup(session.id, "y", key="typed", now=True, wait="observed", timeout_s=30)
        session.send("read z", enter=True)
        session.wait_for("state=working", timeout_s=30)
        queued = client.followup(session.id, "echo later-$x", key="later")
    instance.kill_daemon()
    killed_at = rfc3339(time.time())
    with instance.client() as client:
        assert client.followup(session.id, "y", key="typed", now=True).id == done.id
        assert client.followup(session.id, "echo later-$x", key="later").id == queued.id
        client.send(session.id, "go", enter=True)
        assert client.receipt(queued.id, wait="observed", timeout_s=30).state == "observed"
        client.wait_for(session.id, "text=later-y", since=0, timeout_s=30)
        assert client.logs(session.id).data.count(b"later-y") == 1

        def typed() -> set[str]:
            trail = instance.root / "state/roost/audit.jsonl"
            lines = [json.loads(line) for line in trail.read_text().splitlines()] if trail.exists() else []
            since = [line for line in lines if line["at"] >= killed_at]
            return {line["client"] for line in since} if sum(line["times"] for line in since) == 2 else set()

        assert eventually(typed, what="the trail has both inputs") == {f"unix:{os.getpid()}"}


def test_the_command_line_and_http_have_receipts_too(client: Client, shared: Instance) -> None:
    session = client.spawn(["cat"], name="cat-cli")
    done = shared.roost("send", "--to", session.name, "--wait-receipt", "observed", "--timeout", "30s", "--json", "one")
    receipt = json.loads(done.stdout)
    assert receipt["state"] == "observed"
    listed = json.loads(shared.roost("receipts", "--to", session.name, "--all", "--json").stdout)
    assert [one["id"] for one in listed["followups"]] == [receipt["id"]]
    assert shared.roost("send", "--raw", "--key", "x", "y", check=False).returncode == 2
    http = Http(f"unix:{os.path.dirname(shared.socket)}/http.sock")
    path = f"/v1/sessions/{session.id}/followup"
    added = http.post(path, {"text": "two", "key": "k", "wait": "observed", "timeout_s": 30}).json
    assert added["state"] == "observed"
    assert http.post(path, {"text": "two", "key": "k"}).json["id"] == added["id"]
    assert [one["text"] for one in http.get(f"{path}?all=true").json["followups"]] == ["one", "two"]
    assert http.post(path, {"text": 3}).status in (400, 422)
    assert http.post(path, {"text": "x" * 300_000}).status == 422
    queued = shared.roost("send", "--to", session.name, "--followup", "three").stdout.split()
    assert queued[1] == b"queued"
    assert b"cancelled" in shared.roost("receipts", "--cancel", queued[0].decode()).stdout


def test_over_http_a_followup_is_looked_at_and_taken_back(client: Client, shared: Instance, tmp_path: Path) -> None:
    http = Http(f"unix:{shared.root}/run/roost/http.sock")
    session, other = shell(client, tmp_path), client.spawn(["cat"])
    client.send(session.id, "sleep 1000")
    at = f"/v1/sessions/{session.id}/followup"
    queued = http.post(at, {"text": "echo never"}).json
    assert http.get(f"{at}/{queued['id']}").json["state"] == "queued"
    for verb in ("GET", "DELETE"):  # through another session it is not to be had
        assert http.ask(verb, f"/v1/sessions/{other.id}/followup/{queued['id']}").status == 404
    assert http.ask("DELETE", f"{at}/{queued['id']}").json["state"] == "cancelled"
    again = http.ask("DELETE", f"{at}/{queued['id']}")
    assert (again.status, again.json["kind"]) == (409, "wrong_state")
    assert http.ask("DELETE", f"{at}/f-nothing").status == 404
    session.terminate()
    other.terminate()


async def test_the_asyncio_client_has_the_same_verbs(shared: Instance) -> None:
    async with AsyncClient(shared.socket, autostart=False) as client:
        session = await client.spawn(["cat"])
        receipt = await client.followup(session.id, "a", now=True, wait="observed", timeout_s=30)
        assert (await client.receipt(receipt.id)).state == "observed"
        assert await client.receipts(session.id) == []
        with pytest.raises(WrongStateError):
            await client.cancel_followup(receipt.id)
