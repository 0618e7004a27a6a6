"""Programs that emit events: whose they are, what is refused, and what was acknowledged when the daemon is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
from typing import Any

from support.events import EventReader, call, journal, types
from support.instance import SOURCE, Instance, eventually
from support.v1 import V1Client

#: Sends what the test says to the socket of its session, and writes the answers to a file.
TALKER = """
import os, socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.connect(os.environ["ROOST_EVENTS"])
sock.sendall(open(sys.argv[1], "rb").read())
sock.shutdown(socket.SHUT_WR)
answers = b""
while piece := sock.recv(65536):
    answers += piece
with open(sys.argv[2] + ".part", "wb") as file:
    file.write(answers)
os.rename(sys.argv[2] + ".part", sys.argv[2])
"""


def talk(instance: Instance, data: bytes, *wrapper: str, **fields: Any) -> tuple[str, list[dict[str, Any]]]:
    """Run the talker in a session of its own; the session's id and the answers it got."""
    said, answered = instance.root / "said", instance.root / "answered"
    answered.unlink(missing_ok=True)
    said.write_bytes(data)
    with V1Client(instance.socket) as client:
        argv = [*wrapper, sys.executable, "-c", TALKER, str(said), str(answered)]
        session = client.spawn(*argv, **fields).session_id
    eventually(answered.exists)
    return session, [json.loads(line) for line in answered.read_bytes().splitlines()]


def test_lines_are_answered_in_order_and_durable_when_they_are(shared: Instance) -> None:
    lines = [b'{"type": "generic", "data": {"n": %d}}\n' % n for n in range(700)]
    session, answers = talk(shared, b"".join(lines))
    assert all(answer["ok"] for answer in answers) and len(answers) == 700
    with V1Client(shared.socket) as client:
        told = journal(client, categories=["agent"])
    mine = [event for event in told if event["session_id"] == session]
    assert [event["id"] for event in mine] == [answer["id"] for answer in answers]
    assert [event["data"]["n"] for event in mine] == list(range(700))
    assert {(event["source"], event["grade"]) for event in mine} == {("emit", "exact")}


def test_what_is_wrong_is_answered_and_the_rest_goes_on(shared: Instance) -> None:
    wrong = [
        b"nonsense\n",
        b'{"type": "exited"}\n',
        b'{"type": "generic", "data": "%s"}\n' % (b"x" * 70_000),
        b'{"type": "generic", "session": "someone-else"}\n',
        b"\n",
        b'{"type": "tool_lifecycle", "data": {}}\n',
        b'{"type": "generic"}',
    ]
    _, answers = talk(shared, b"".join(wrong))
    assert [answer.get("kind") for answer in answers] == ["invalid"] * 3 + ["denied", "invalid", None]
    assert answers[-1]["ok"] is True


def test_a_process_of_no_session_is_refused(shared: Instance) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(shared.root / "run/roost/events.sock"))
        answer = json.loads(sock.makefile("rb").readline())
    assert (answer["ok"], answer["kind"]) == (False, "denied")


def test_the_session_is_that_of_the_process_whatever_its_environment_says(shared: Instance) -> None:
    with V1Client(shared.socket) as client:
        victim = client.spawn("sleep", "600").session_id
    session, answers = talk(shared, b'{"type": "generic"}\n', "env", f"ROOST_SESSION={victim}")
    assert answers[0]["ok"]
    with V1Client(shared.socket) as client:
        told = [event for event in journal(client, categories=["agent"]) if event["id"] == answers[0]["id"]]
    assert [event["session_id"] for event in told] == [session]


def test_a_daemon_of_a_session_is_known_although_it_kept_nothing_of_it(shared: Instance) -> None:
    """It forked twice, called setsid, and was executed with an empty environment."""
    said, answered = shared.root / "said-alone", shared.root / "answered-alone"
    said.write_bytes(b'{"type": "generic", "data": {"alone": true}}\n')
    path = shared.root / "run/roost/events.sock"
    talker = TALKER.replace('os.environ["ROOST_EVENTS"]', repr(str(path)))
    away = f"""
import os, sys, time
if os.fork(): sys.exit()
os.setsid()
if os.fork(): os._exit(0)
while os.getppid() == os.getsid(0): time.sleep(0.01)
os.execve(sys.executable, [sys.executable, "-c", {talker!r}, {str(said)!r}, {str(answered)!r}], {{}})
"""
    with V1Client(shared.socket) as client:
        session = client.spawn("sh", "-c", '"$@"; sleep 600', "sh", sys.executable, "-c", away).session_id
        answer = json.loads(eventually(lambda: answered.exists() and answered.read_bytes()))
        told = [event for event in journal(client, categories=["agent"]) if event["id"] == answer["id"]]
    assert [event["session_id"] for event in told] == [session]


def test_a_flood_is_dropped_and_counted_and_told_as_a_gap(shared: Instance) -> None:
    total = 12_000
    session, answers = talk(shared, b'{"type": "generic"}\n' * total)
    dropped = sum(answer.get("kind") == "rate_limited" for answer in answers)
    assert 0 < dropped < total and len(answers) == total

    def told_gap() -> list[dict[str, Any]]:
        with V1Client(shared.socket) as client:
            status, _ = call(client, "events.status")
            assert status["emitted"]["dropped"][session] == dropped
            return [event for event in journal(client, types=["gap"]) if event["session_id"] == session]

    (gap,) = eventually(told_gap)
    assert (gap["data"]["reason"], gap["data"]["count"], gap["data"]["category"]) == ("rate", dropped, "agent")


def test_the_command_and_the_function_emit(shared: Instance) -> None:
    script = f"""
set -e
export PYTHONPATH={SOURCE}
roost() {{ {sys.executable} -m roost.cli "$@"; }}
roost emit tool_lifecycle --data '{{"tool_name":"Bash","phase":"start"}}'
echo '{{"hook_event_name":"Stop","session_id":"s"}}' | roost emit --from claude-code
{sys.executable} -c 'import roost; roost.emit("generic", {{"from": "python"}})'
roost emit tool_lifecycle || echo code=$?
echo broken | roost emit --from gemini || echo code=$?
"""
    with V1Client(shared.socket) as client:
        session = client.spawn_pipe("bash", "-c", script, merge_stderr_into_stdout=True).session_id
        with EventReader(shared.socket, target=session, since="0.0", until_exit=True) as reader:
            seen = [event for event in reader if event["category"] == "agent"]
        _, output = call(client, "sessions.logs", target=session)
    assert types(seen) == ["tool_lifecycle", "response_end", "generic"]
    assert seen[0]["data"] == {"tool_name": "Bash", "phase": "start"}
    codes = re.findall(rb"code=(\d+)", output)
    assert codes == [b"1", b"1"], output.decode()
    assert shared.roost("emit", "--from", "codex", stdin=b"{}").stdout == b"", "silent outside of a session"


def test_what_was_acknowledged_survives_sigkill(instance: Instance) -> None:
    """A program emits until its daemon is killed: every id that it was told is in the journal afterwards."""
    ids = instance.root / "ids"
    script = """
import json, os, sys, roost
n = 0
while True:
    try:
        id = roost.emit("generic", {"n": n})
    except roost.RoostError:
        os.rename(sys.argv[1] + ".part", sys.argv[1])
        break
    with open(sys.argv[1] + ".part", "a") as file:
        print(id, n, file=file)
    n += 1
"""
    with V1Client(instance.socket) as client:
        env = {"PYTHONPATH": str(SOURCE)}
        argv = ["env", *(f"{key}={value}" for key, value in env.items()), sys.executable, "-c", script, str(ids)]
        client.spawn(*argv)
    eventually(lambda: ids.with_suffix(".part").exists() and len(ids.with_suffix(".part").read_bytes()) > 2000)
    old = instance.note_pids()
    os.kill(old, signal.SIGKILL)
    eventually(ids.exists)
    instance.wait_for_next(old)
    acknowledged = [tuple(line.split()) for line in ids.read_text().splitlines()]
    with V1Client(instance.socket) as client:
        stored = {
            (event["id"], str(event["data"]["n"]))
            for event in journal(client, categories=["agent"])
            if event["category"] == "agent"
        }
    assert set(acknowledged) <= stored and len(acknowledged) > 50


def test_a_daemon_that_cannot_listen_for_events_serves_all_the_rest_and_listens_once_it_can() -> None:
    """Something else is in the socket's place, as it would be without room for the file."""
    instance = Instance()
    try:
        place = instance.root / "run/roost/events.sock"
        place.mkdir(parents=True)
        for directory in (place.parent, place.parent.parent):
            directory.chmod(0o700)
        instance.start()
        instance.roost("run", "-d", "--name", "one", "--", "sh", "-c", "exec sleep 1000")
        assert "events are not taken from programs" in instance.log()
        place.rmdir()
        eventually(place.is_socket)
    finally:
        instance.end()
