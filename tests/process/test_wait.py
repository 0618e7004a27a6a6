"""Waiting for what sessions do, through a real daemon."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest
from support.instance import Instance, eventually

from roost.client import Client, Session
from roost.errors import InvalidError, WaitTimeoutError, WrongStateError

#: Answers every line that it reads.
ECHO = "import sys\nprint('up', flush=True)\nfor line in sys.stdin: print('got', line.strip(), flush=True)"


@pytest.fixture
def client(shared: Instance) -> Iterator[Client]:
    with shared.client() as client:
        yield client


def echo(client: Client, **options: object) -> Session:
    return client.spawn([sys.executable, "-u", "-c", ECHO], **options)  # type: ignore[arg-type]


def test_text_that_was_there_before_and_text_that_comes_are_found_alike(client: Client) -> None:
    session = client.spawn(["sh", "-c", r"printf 'one \033[1mre\033[0mady\n'; read x; printf 'two ready\n'; read x"])
    first = session.wait_for("text=one ready")
    [match] = first.matched
    assert (match["condition"], match["line"], match["offset"]) == ("text=one ready", "one ready", 0)
    assert first.offset == match["end_offset"] == session.backlog().data.index(b"ady") + 3
    session.send("x", enter=True)
    second = session.wait_for(r"regex=(\w+) ready")
    assert second.matched[0]["groups"] == ["two"], "what was there before the input does not count"
    again = session.wait_for(r"regex=(\w+) ready", since=0)
    assert again.matched[0]["groups"] == ["one"]
    with pytest.raises(WaitTimeoutError, match=r"passed without text=two ready"):
        session.wait_for("text=two ready", since=second.offset, timeout_s=0.01)


def test_a_wait_anchored_at_the_input_sees_all_that_came_of_it(client: Client) -> None:
    session = echo(client)
    session.wait_for("text=up")
    for number in range(20):
        sent = session.send(f"n{number}", enter=True)
        waited = session.wait_for(f"regex=got n{number}\n", since=sent.offset)
        assert waited.matched[0]["offset"] >= sent.offset


def test_several_conditions_any_and_all(client: Client) -> None:
    session = echo(client)
    assert [m["condition"] for m in session.wait_for("text=never", "text=up").matched] == ["text=up"]
    session.send("b", enter=True)
    session.send("a", enter=True)
    waited = session.wait_for("text=got a", "text=got b", all=True, since=0)
    assert {m["condition"] for m in waited.matched} == {"text=got a", "text=got b"}


def test_the_end_of_a_session_ends_a_wait_behind_its_last_output(client: Client) -> None:
    session = client.spawn(["sh", "-c", "read x; echo last words; exit 3"])
    results: list[object] = []

    def wait() -> None:
        with Client(client.socket_path, autostart=False) as other:
            results.append(other.wait_for(session.id, "exit", "text=last words", all=True))
            try:
                other.wait_for(session.id, "text=never")
            except WrongStateError as error:
                results.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    session.send("x", enter=True)
    thread.join(20)
    met, refused = results
    assert [m["kind"] for m in met.matched] == ["text", "exit"]  # type: ignore[attr-defined]
    assert met.exit["code"] == 3  # type: ignore[attr-defined]
    assert "has exited without text=never" in str(refused)


def test_silence_is_waited_for(client: Client) -> None:
    session = client.spawn(["sh", "-c", "for i in 1 2 3 4 5 6; do echo $i; sleep 0.05; done; read x"])
    [match] = session.wait_for("idle=300ms", timeout_s=20).matched
    assert match["silent_s"] >= 0.3
    assert b"6" in session.backlog().data


def test_events_are_waited_for(client: Client, shared: Instance) -> None:
    session = echo(client)
    results: list[object] = []

    def wait() -> None:
        with Client(client.socket_path, autostart=False) as other:
            results.append(other.wait_for(session.id, "event=detached"))

    thread = threading.Thread(target=wait)
    thread.start()

    def attach_and_leave() -> bool:
        session.attach(mode="view").close()
        return bool(results)

    eventually(attach_and_leave)
    thread.join(20)
    [match] = results[0].matched  # type: ignore[attr-defined]
    assert match["event"]["type"] == "detached"
    assert match["event"]["session_id"] == session.id


def test_a_client_that_goes_away_leaves_nothing_behind(client: Client, shared: Instance) -> None:
    session = echo(client)
    waiting = Client(client.socket_path, autostart=False, timeout_s=0.2)
    with pytest.raises(WaitTimeoutError):
        waiting.wait_for(session.id, "text=never", timeout_s=0.05)
    waiting.close()
    session.send("still", enter=True)
    assert session.wait_for("text=got still").matched


def test_conditions_that_cannot_be_are_refused(client: Client) -> None:
    pipe = client.spawn(["cat"], pipe=True)
    for conditions, words in ((["prompt"], "no terminal"), (["regex=("], "expression"), ([], "nothing to wait for")):
        with pytest.raises(InvalidError, match=words):
            pipe.wait_for(*conditions)
    pipe.close_stdin()


def test_text_of_either_stream_of_a_pipe_session(client: Client) -> None:
    session = client.spawn(["sh", "-c", "echo out; echo err >&2; read x"], pipe=True)
    assert session.wait_for("text=out").matched
    assert session.wait_for("text=err", stream="stderr").matched[0]["stream"] == "stderr"
    session.close_stdin()


def test_a_flood_is_searched_and_what_was_lost_of_it_is_counted(client: Client) -> None:
    session = client.spawn(["sh", "-c", "read x; seq 300000; echo the end; read x"], ring_bytes=1 << 16)
    session.send("go", enter=True)
    waited = session.wait_for("text=the end", timeout_s=60)
    assert waited.matched[0]["line"] == "the end"
    assert waited.missed >= 0


def test_the_command_line(shared: Instance, client: Client) -> None:
    session = echo(client, name="wait-cli")
    done = shared.roost("wait", "wait-cli", "--for", "text=up")
    assert done.stdout == b"text=up at 0: up\n"
    assert shared.json("wait", "wait-cli", "--for", "regex=u(p)", "--timeout", "5s")["matched"][0]["groups"] == ["p"]
    late = shared.roost("wait", "wait-cli", "--for", "text=never", "--timeout", "10ms", check=False)
    assert (late.returncode, b"without text=never" in late.stderr) == (11, True)
    session.terminate()
    gone = shared.roost("wait", "wait-cli", "--for", "text=never", check=False)
    assert (gone.returncode, b"has exited" in gone.stderr) == (4, True)
    assert shared.roost("wait", "wait-cli", "--for", "exit").stdout == b"exit: SIGTERM\n"
    assert shared.roost("wait", "wait-cli", check=False).returncode == 143, "without --for it is the end, with its code"
    assert shared.roost("wait", "--for", "x", "--any", "--all", check=False).returncode == 2
