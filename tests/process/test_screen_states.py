"""Waits on the screen, and states told by rules about it, with the real worker: what is drawn, not what was written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from support.instance import Instance, alive, eventually
from support.screens import worker_of

from roost.client import Client, Session
from roost.errors import WaitTimeoutError

#: Draws what it is told; no word of it stands in its output in one piece.
PAINTER = r"""
import os, tty
tty.setraw(0)
os.write(1, b"\x1b[2J\x1b[HUP")
for line in open(0, "rb", buffering=0):
    os.write(1, eval(line.strip()))
"""
RULES = """
[[agent]]
name = "painter"
commands = ["no-such-program"]
[[agent.rule]]
state = "blocked"
detail = "question"
all = ["continue\\\\?"]
confidence = 0.9
[[agent.rule]]
state = "working"
any = ["busy"]
none = ["over"]
[[agent.rule]]
state = "idle"
all = ["(?m)^over$"]
"""


@pytest.fixture
def client(instance: Instance) -> Iterator[Client]:
    path = Path(instance.environ["XDG_CONFIG_HOME"]) / "roost/states.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(RULES)
    with instance.client() as client:
        yield client


def painter(client: Client, **options: object) -> Session:
    session = client.spawn([sys.executable, "-c", PAINTER], rows=6, cols=40, **options)  # type: ignore[arg-type]
    session.wait_for("text=UP")
    return session


def draw(session: Session, row: int, text: str) -> None:
    """The second half of a text in a row of its own, then the first."""
    half = len(text) // 2
    data = f"\x1b[2J\x1b[{row};{half + 1}H{text[half:]}\x1b[{row};1H{text[:half]}"
    session.send(repr(data.encode()).encode() + b"\n")


def waiting_command(instance: Instance, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "roost.cli", "wait", *arguments],
        env=instance.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def read(stream: IO[bytes] | None) -> bytes:
    assert stream is not None
    return stream.read()


def test_a_wait_on_the_screen_finds_what_is_drawn_and_never_in_the_output(client: Client, instance: Instance) -> None:
    session = painter(client)
    with waiting_command(instance, session.id, "--on", "screen", "--for", "text=undone", "--timeout", "60") as waits:
        eventually(lambda: worker_of(instance), what="the screen is followed")
        draw(session, 3, "undone")
        assert (read(waits.stdout), waits.wait()) == (b"screen-text=undone: undone\n", 0)
    [match] = session.wait_for("screen-regex=un(d)one").matched
    assert (match["row"], match["column"], match["groups"], match["approximate"]) == (2, 0, ["d"], False)
    with pytest.raises(WaitTimeoutError):
        session.wait_for("text=undone", since=0, timeout_s=0.05)
    with pytest.raises(WaitTimeoutError):
        session.wait_for("screen-text=UP", timeout_s=0.05)  # it was there, it is not shown any more


def test_a_wait_on_the_screen_outlives_the_worker(client: Client, instance: Instance) -> None:
    session = painter(client)
    session.wait_for("screen-text=UP")
    with waiting_command(instance, session.id, "--for", "screen-text=later", "--timeout", "60") as waits:
        first = worker_of(instance)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: not alive(first))
        draw(session, 1, "later")
        assert (read(waits.stdout), waits.wait()) == (b"screen-text=later: later\n", 0)


def test_waits_for_what_is_shown_and_for_a_state_outlive_the_daemon(client: Client, instance: Instance) -> None:
    session = painter(client, labels={"agent": "painter"})
    arguments = (session.id, "--for", "screen-text=later", "--for", "state=blocked", "--all", "--timeout", "60")
    with waiting_command(instance, *arguments) as waits:
        eventually(lambda: worker_of(instance), what="the screen is followed")
        instance.kill_daemon()
        draw(session, 1, "continue? later")
        assert read(waits.stdout).startswith(b"screen-text=later") and waits.wait() == 0


def test_rules_tell_the_state_of_an_agent_by_its_screen(client: Client, instance: Instance) -> None:
    session = painter(client, labels={"agent": "painter"}, name="fake")
    draw(session, 2, "busy with it")
    [match] = session.wait_for("state=working", timeout_s=30).matched
    assert (match["state"], match["source"]) == ("working", "screen")
    draw(session, 2, "shall I continue?")
    [match] = session.wait_for("state=blocked", timeout_s=30).matched
    assert (match["detail"], match["confidence"]) == ("question", 0.9)
    told = client.explain(session.id)
    assert [(rule["state"], rule["matched"]) for rule in told["rules"]] == [("blocked", True)]
    assert "shall I continue?" in told["screen"] and told["agent"] == "painter"
    draw(session, 4, "over")
    session.wait_for("state=idle", timeout_s=30)
    draw(session, 4, "nothing that a rule knows")
    assert session.wait_for("state=unknown", timeout_s=30).matched[0]["state"] == "unknown"


def test_a_state_by_the_screen_is_an_event_for_who_subscribed(client: Client) -> None:
    session = painter(client, labels={"agent": "painter"})
    with session.events(categories=["state"]) as events:
        for text, state in (("busy", "working"), ("continue?", "blocked"), ("over", "idle")):
            draw(session, 1, text)
            while (event := events.recv(30)) is not None and event.data["state"] != state:
                assert event.data["state"] == "unknown", "between two drawings nothing may be known"
            assert event is not None and event.data["source"] == "screen"


def test_a_daemon_that_comes_back_judges_the_same_screen(client: Client, instance: Instance) -> None:
    session = painter(client, labels={"agent": "painter"})
    draw(session, 1, "continue?")
    session.wait_for("state=blocked", timeout_s=30)
    instance.kill_daemon()
    instance.start()
    [match] = session.wait_for("state=blocked", timeout_s=30).matched
    assert (match["source"], match["detail"]) == ("screen", "question")


def test_looking_at_no_states_starts_no_worker(client: Client, instance: Instance) -> None:
    session = painter(client, labels={"agent": "painter"})
    draw(session, 1, "busy")
    assert instance.roost("ls").returncode == 0
    assert session.info().activity is not None and worker_of(instance) == 0
