"""`roost proto`: a program drives a session over stdin and stdout."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any

from support.instance import Instance, eventually

from roost.client import Client


class Proto:
    """A conversation; what is said is gathered by a thread."""

    def __init__(self, instance: Instance, target: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "roost.cli", "proto", "--to", target],
            env=instance.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.said: list[dict[str, Any]] = []
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(json.loads(line))

    def tell(self, line: bytes) -> None:
        """A line, as it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def ask(self, type: str, **given: Any) -> dict[str, Any]:
        """A request and its answer."""
        id = f"{type}-{len(self.said)}"
        self.tell(json.dumps({"type": type, "id": id, **given}).encode())
        return self.answer(id)

    def answer(self, id: Any) -> dict[str, Any]:
        """The one answer of that id."""
        found = eventually(lambda: [one for one in self.said if one.get("id") == id], what=f"{id} is answered")
        assert len(found) == 1
        return dict(found[0])

    def end(self) -> int:
        """Close stdin and wait for its end."""
        assert self.process.stdin is not None and self.process.stdout is not None
        if not self.process.stdin.closed:
            self.process.stdin.close()
        code = self.process.wait(30)
        self._listener.join(30)
        self.process.stdout.close()
        return code


def test_each_request_has_one_answer_and_events_come_in_between(client: Client, shared: Instance) -> None:
    session = client.spawn(["cat"])
    proto = Proto(shared, session.id)
    eventually(lambda: proto.said, what="it is ready")
    assert proto.said[0]["type"] == "ready" and proto.said[0]["session"]["id"] == session.id
    sent = proto.ask("send", text="hello")
    assert (sent["type"], sent["written"]) == ("ack", 6)
    met = proto.ask("wait", **{"for": ["text=hello"], "since": sent["offset"], "timeout_s": 20})
    assert (met["type"], met["wait"]["matched"][0]["kind"]) == ("wait", "text")
    assert proto.ask("keys", text="x", keys=["Enter"])["type"] == "ack"
    receipt = proto.ask("followup", text="later", wait="observed", timeout_s=20)["receipt"]
    assert receipt["state"] == "observed"
    assert (
        proto.ask("send", text="k", key="1")["receipt"]["id"] == proto.ask("send", text="k", key="1")["receipt"]["id"]
    )
    assert "hello" in proto.ask("transcript", limit=50)["lines"]
    assert len(proto.ask("transcript", limit=1)["lines"]) == 1
    assert (proto.ask("resize", rows=30, cols=90)["rows"], session.info().cols) == (30, 90)
    eventually(lambda: [e for e in proto.said if e["type"] == "event" and e["event"]["type"] == "resized"])
    assert proto.ask("screen")["type"] == "screen"
    asked = client.approvals.ask("Bash", target=session.id, wait=False)
    assert proto.ask("resume", decision="reject", tool_name="Other")["kind"] == "not_found"
    told = proto.ask("resume", decision="reject", reason="no", tool_name="Bash")["approval"]
    assert (told["id"], told["state"], told["reason"]) == (asked.id, "denied", "no")
    assert proto.ask("interrupt")["type"] == "ack"
    session.wait(20)
    assert proto.end() == 0
    assert proto.said[-1]["type"] == "end"
    assert all(isinstance(one["type"], str) for one in proto.said)


def test_what_makes_no_sense_is_an_error_and_not_the_end(client: Client, shared: Instance) -> None:
    session = client.spawn(["cat"])
    proto = Proto(shared, session.id)
    wrong = [
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"type": "send"}',
        b'{"type": "nonsense", "id": 1}',
        b'{"type": "send", "id": 2, "text": 3}',
        b'{"type": "send", "id": 3, "text": "a", "colour": "red"}',
        b'{"type": "resize", "id": 4, "rows": -1, "cols": "x"}',
        b'{"type": "resume", "id": 5, "decision": "maybe"}',
        b"[" * 100_000,
        b'{"type": "send", "id": 6, "text": "' + b"x" * (1 << 20) + b'"}',
    ]
    for line in wrong:
        proto.tell(line)
    assert proto.ask("wait", **{"for": ["nonsense"]})["kind"] == "invalid"
    assert proto.ask("keys", keys=["NoSuchKey"])["kind"] == "invalid"
    errors = [one for one in proto.said if one["type"] == "error"]
    assert len(errors) == len(wrong) + 2
    assert [one["id"] for one in errors if isinstance(one["id"], int)] == [1, 2, 3, 4, 5]
    assert proto.ask("transcript")["lines"] == []
    assert proto.end() == 0


def test_a_long_wait_holds_nothing_up_and_ends_with_stdin(client: Client, shared: Instance) -> None:
    session = client.spawn(["cat"])
    proto = Proto(shared, session.id)
    proto.tell(b'{"type": "wait", "id": "long", "for": ["text=never"]}')
    assert proto.ask("send", text="a")["type"] == "ack"
    assert not [one for one in proto.said if one.get("id") == "long"]
    assert proto.end() == 0
    assert (proto.answer("long")["type"], proto.answer("long")["kind"]) == ("error", "cancelled")
    assert proto.said[-1] == {"type": "end", "reason": "stdin ended"}
    assert client.get(session.id).state == "running"


def test_without_a_session_the_error_says_how_to_start_one(shared: Instance) -> None:
    done = shared.roost("proto", "--to", "nobody", check=False)
    told = json.loads(done.stdout)
    assert (done.returncode, told["type"], told["kind"]) == (3, "error", "not_found")
    assert "roost run" in told["error"]
