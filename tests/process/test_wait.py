"""Waiting for what sessions do, through a real daemon."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.instance import Instance, eventually

from roost.client import Client, Session, automation_calls
from roost.errors import InvalidError, RoostError, WaitTimeoutError, WrongStateError

#: Answers every line that it reads.
ECHO = "import sys\nprint('up', flush=True)\nfor line in sys.stdin: print('got', line.strip(), flush=True)"


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


# --- the daemon is killed ---------------------------------------------------------------------------------------------

#: Answers one line of its terminal, then writes, like a shell that marks a command, when the pipe beside it says so.
SHELL_LIKE = """
import sys
print("up", flush=True)
print("got", input(), flush=True)
open(sys.argv[1]).read()
print("got second\\r\\n\\x1b]133;C\\x07ran\\r\\n\\x1b]133;D;7\\x07\\x1b]133;A\\x07$ \\x1b]133;B\\x07", flush=True)
input()
"""


@pytest.fixture
def own() -> Iterator[Instance]:
    instance = Instance()
    instance.start()
    yield instance
    instance.end()


class Waiting:
    """A wait of a client of its own, in a thread."""

    def __init__(self, instance: Instance, target: str, *conditions: str, **options: object) -> None:
        self._client = instance.client()
        self.begun = threading.Event()
        self.result: object = None
        perform = self._client._perform

        def noted(request: object) -> object:
            if getattr(request, "what", "") == "wait.for":
                self.begun.set()
            return perform(request)  # type: ignore[arg-type]

        self._client._perform = noted  # type: ignore[method-assign]

        def run() -> None:
            try:
                self.result = self._client.wait_for(target, *conditions, timeout_s=40, **options)  # type: ignore[arg-type]
            except RoostError as error:
                self.result = error
            finally:
                self._client.close()

        self._thread = threading.Thread(target=run)
        self._thread.start()
        assert self.begun.wait(20)

    def matched(self) -> dict[str, object]:
        """The one condition that was met."""
        self._thread.join(40)
        assert not isinstance(self.result, RoostError), self.result
        [match] = self.result.matched  # type: ignore[attr-defined]
        return match  # type: ignore[no-any-return]


def test_waits_go_on_in_the_next_daemon_and_miss_nothing_in_between(own: Instance, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with own.client() as client:
        session = client.spawn([sys.executable, "-u", "-c", SHELL_LIKE, str(pipe)], name="w")
        session.wait_for("text=up")
        session.send("first", enter=True)
        session.wait_for("text=got first")
        conditions = ("text=got second", r"regex=got (sec\w+)", "prompt", "command-done", "event=command_finished")
        text, regex, prompt, command, event = (Waiting(own, "w", condition) for condition in conditions)
        old = own.note_pids()
        os.kill(old, signal.SIGKILL)
        pipe.write_text("")
        own.wait_for_next(old)
        assert text.matched()["line"] == "got second"
        assert regex.matched()["groups"] == ["second"]
        assert prompt.matched()["kind"] == "prompt"
        assert command.matched()["exit_code"] == 7
        assert event.matched()["event"]["data"]["exit_code"] == 7  # type: ignore[index]


def test_a_wait_is_asked_of_the_session_that_it_began_with(own: Instance) -> None:
    with own.client() as client:
        session = echo(client, name="old")
        session.wait_for("text=up")
        waiting = Waiting(own, "", "text=got it")
        own.kill_daemon()
        echo(client, name="newer").wait_for("text=up")
        session.send("it", enter=True)
        assert waiting.matched()["line"] == "got it", "`latest` was the older one when the wait began"


def test_the_input_and_the_silence_before_a_restart_are_known_after_it(own: Instance) -> None:
    with own.client() as client:
        session = echo(client, name="s")
        session.wait_for("text=up")
        sent = session.send("up", enter=True)
        session.wait_for("text=got up")
        session.wait_for("idle=50ms")  # the rest of the line, if it comes by itself
        before = session.info().last_output_at
        own.kill_daemon()
        assert session.info().last_output_at == before, "nothing was written meanwhile"
        assert session.wait_for("text=up").matched[0]["offset"] >= sent.offset, "the wait is anchored at the input"
        [match] = session.wait_for("idle=100ms").matched
        assert (match["by"], match["state"]) == ("silence", "unknown")


def test_what_was_gone_before_an_event_is_no_such_event(client: Client) -> None:
    session = echo(client)
    with pytest.raises(WaitTimeoutError):
        session.wait_for("event=tool_lifecycle", timeout_s=0.05)
    session.terminate()
    with pytest.raises(WrongStateError, match="has exited"):
        session.wait_for("event=command_finished")


def test_an_anchor_is_what_a_daemon_gave(client: Client) -> None:
    session = echo(client)
    bad = {"since": {"stdout": -1}, "end": 0, "event": "1.1", "at": 0.0}
    begun = automation_calls.WaitBegun(session.id, bad)
    with pytest.raises(InvalidError, match=r"wait\.anchor"):
        client._perform(
            automation_calls.wait_for(begun, ["text=x"], all=False, timeout_s=1, since=None, stream="stdout")
        )


def test_stderr_is_anchored_where_stderr_stood(client: Client) -> None:
    script = "printf '%05000d' 0; while read x; do echo $x >&2; done"
    session = client.spawn(["sh", "-c", script], pipe=True)
    session.wait_for("text=000")
    session.send(b"one\n")
    assert session.wait_for("text=one", stream="stderr", timeout_s=20).matched[0]["offset"] < 5000
    session.close_stdin()


def test_lines_that_readline_changes_are_found_as_they_stand(client: Client) -> None:
    environment = {"PS1": "$ ", "INPUTRC": os.devnull, "HISTFILE": os.devnull, "TERM": "xterm-256color"}
    session = client.spawn(["bash", "--norc", "--noprofile"], env=environment)
    session.wait_for("text=$ ")
    session.keys(text="echo helxx")
    session.wait_for("text=echo helxx")
    session.keys("BSpace", "BSpace", "l", "o")
    assert session.wait_for("text=$ echo hello").matched[0]["line"] == "$ echo hello"
    session.keys("Left", "Left", "X")
    assert session.wait_for("regex=(?m)^.*helXlo$").matched[0]["line"] == "$ echo helXlo"
    sent = session.keys("Enter")
    assert session.wait_for("regex=(?m)^helXlo$", "text=$ ", all=True, since=sent.offset).matched
    session.keys("Up")
    session.wait_for("text=echo helXlo", timeout_s=20)
    session.terminate(grace_s=0)
