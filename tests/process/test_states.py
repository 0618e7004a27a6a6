"""In what state sessions are, through a real daemon."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.instance import Instance, eventually

from roost.client import Client, Session
from roost.errors import WaitTimeoutError

#: Emits what it is told to, line by line.
AGENT = """
import json, sys
from roost import emit
for line in sys.stdin:
    type, data = line.split(None, 1)
    emit(type, json.loads(data))
    print("emitted", type, flush=True)
"""


def activity(session: Session) -> dict[str, object]:
    told = session.info().activity
    assert told is not None
    return dict(told)


def test_a_marked_shell_tells_when_it_works_and_when_it_is_idle(client: Client, tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    session = client.spawn(["bash"], cwd=tmp_path, env=env, options={"shell": {"integration": True}})
    session.wait_for("state=idle", timeout_s=30)
    sent = session.send("read x", enter=True)
    [match] = session.wait_for("state=working", since=sent.offset, timeout_s=30).matched
    assert (match["state"], match["source"]) == ("working", "shell")
    with pytest.raises(WaitTimeoutError):
        session.wait_for("idle=10ms", timeout_s=0.2)  # silent, but a command runs
    session.send("y", enter=True)
    session.wait_for("idle=10ms", timeout_s=30)
    assert (activity(session)["state"], activity(session)["source"]) == ("idle", "shell")
    assert session.explain()["why"] == "the shell is at its prompt"
    session.send("exit", enter=True)
    session.wait_for("state=exited", timeout_s=30)
    assert activity(session)["state"] == "exited"


def test_that_a_start_is_over_is_told_to_who_follows_states(client: Client) -> None:
    session = client.spawn(["cat"])
    with client.events(session.id, categories=["state"]) as events:
        assert activity(session)["state"] == "starting"
        session.send("x", enter=True)
        eventually(lambda: activity(session)["state"] == "unknown")
        event = next(iter(events))
    assert (event.type, event.data["state"], event.data["previous"]) == ("state_changed", "unknown", "starting")


def test_what_an_agent_tells_of_itself_counts(client: Client, shared: Instance, tmp_path: Path) -> None:
    environ = {**shared.environ, "HOME": str(tmp_path)}
    session = client.spawn([sys.executable, "-c", AGENT], env=environ)
    for line, state in (
        ('response_start {"response_id": "1"}', "working"),
        ('approval_lifecycle {"approval_id": "a", "phase": "requested"}', "blocked"),
        ('approval_lifecycle {"approval_id": "a", "phase": "granted"}', "working"),
        ('response_end {"response_id": "1"}', "done"),
        ('generic {"state": "blocked", "detail": "question"}', "blocked"),
    ):
        session.send(line, enter=True)
        [match] = session.wait_for(f"state={state}", timeout_s=30).matched
        assert (match["source"], match["confidence"]) == ("agent", 1.0)
    assert activity(session)["detail"] == "question"
    told = {one["source"]: one["told"] for one in session.explain()["sources"]}
    assert told["agent"]["state"] == "blocked"
    assert told["shell"] is None
    table = shared.roost("ls").stdout.decode()
    assert "blocked:question" in next(line for line in table.splitlines() if session.id in line)


def test_nothing_known_is_unknown_and_never_idle(client: Client, shared: Instance) -> None:
    session = client.spawn(["sh", "-c", "echo hello; read x"])
    session.wait_for("text=hello")
    eventually(lambda: activity(session)["state"] == "unknown" or None)
    session.wait_for("idle=50ms")
    assert activity(session)["state"] == "unknown"
    told = shared.json("explain", session.id)
    assert (told["state"], told["confidence"], told["agent"]) == ("unknown", 0.0, None)
    assert shared.roost("explain", session.id).stdout.startswith(f"{session.name}: unknown".encode())


def test_a_mistake_in_the_users_rules_is_shown(client: Client, shared: Instance) -> None:
    path = Path(shared.environ["XDG_CONFIG_HOME"]) / "roost/states.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[[agent]]\nname = 'a'\ncolour = 'red'\n")
    session = client.spawn(["cat"])
    [problem] = client.explain(session.id)["file_problems"]
    assert problem == f"{path}:3: agent.colour: is not known here; known are commands, name, rule"
    path.unlink()
    assert client.explain(session.id)["file_problems"] == []
