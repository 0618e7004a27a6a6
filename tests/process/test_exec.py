"""Commands in a session's shell, and `expect`, through a real daemon."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest
from support.instance import Instance

from roost.client import EOF, TIMEOUT, AsyncClient, Client, Session
from roost.errors import InvalidError, WaitTimeoutError, WrongStateError


def shell(client: Client, home: Path, *argv: str, marked: bool = True, **options: object) -> Session:
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PS1": "$ "}
    areas = {"shell": {"integration": True}} if marked else {}
    session = client.spawn(argv or ("bash",), cwd=home, env=env, options=areas, **options)  # type: ignore[arg-type]
    if marked:
        session.wait_for("prompt", timeout_s=30)
    return session


@pytest.mark.parametrize("argv", ["bash", "zsh", "fish"])
def test_a_command_gives_its_output_and_its_exit_code(client: Client, tmp_path: Path, argv: str) -> None:
    if shutil.which(argv) is None:
        pytest.skip(f"{argv} is not installed")
    session = shell(client, tmp_path, argv)
    done = session.exec("echo one; echo two >&2; sh -c 'exit 3'", timeout_s=30)
    assert (done.text, done.exit_code, done.reason) == ("one\ntwo\n", 3, "")
    quiet = session.exec(["printf", "%s", "a b; c"], timeout_s=30)
    assert (quiet.text, quiet.exit_code) == ("a b; c", 0)
    assert quiet.duration_s is not None
    assert session.exec("true", timeout_s=30).text == ""


def test_long_output_has_a_beginning_and_an_end(client: Client, tmp_path: Path) -> None:
    session = shell(client, tmp_path, ring_bytes=1 << 16)
    done = session.exec("seq 100000", timeout_s=60, limit_bytes=10_000)
    assert done.output.startswith(b"1\r\n2\r\n") and done.output.endswith(b"99999\r\n100000\r\n")
    whole = sum(len(str(n)) + 2 for n in range(1, 100_001))
    assert len(done.output) + done.omitted_bytes == whole
    assert done.exit_code == 0


def test_what_was_begun_at_the_prompt_is_no_part_of_the_command(client: Client, tmp_path: Path) -> None:
    session = shell(client, tmp_path)
    session.send("rm -rf ")
    session.expect("rm -rf ")
    assert session.exec("echo safe", timeout_s=30).text == "safe\n"


def test_a_shell_that_still_starts_is_waited_for(client: Client, shared: Instance, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    (tmp_path / ".bashrc").write_text(f"echo reading; read -r go < {gate}\n")
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PS1": "$ "}
    session = client.spawn(["bash"], cwd=tmp_path, env=env, options={"shell": {"integration": True}})
    session.expect("reading")
    early = session.exec("echo no", timeout_s=0.1)
    assert (early.exit_code, early.reason, early.output) == (None, "starting", b"")
    assert shared.roost("exec", session.name, "--timeout", "100ms", "--", "true", check=False).returncode == 11
    opened = threading.Thread(target=gate.write_text, args=("go\n",))
    opened.start()
    done = session.exec("echo one; sh -c 'exit 3'", timeout_s=30)
    opened.join(30)
    assert (done.text, done.exit_code, done.reason) == ("one\n", 3, "")
    assert b"echo no" not in session.backlog().data, "nothing was typed too early"
    ends = client.spawn(["bash"], env={**env, "HOME": str(tmp_path / "ends")}, options={"shell": {"integration": True}})
    assert ends.exec("echo at once", timeout_s=30).text == "at once\n"


def test_where_it_cannot_know_it_says_so(client: Client, tmp_path: Path) -> None:
    session = shell(client, tmp_path)
    late = session.exec("echo begun; read x; echo got $x", timeout_s=0.3)
    assert (late.exit_code, late.reason, late.text) == (None, "timeout", "begun\n")
    busy = session.exec("echo no", timeout_s=5)
    assert (busy.exit_code, busy.reason, busy.output) == (None, "busy", b"")
    session.send("x", enter=True)
    session.wait_for("command-done", timeout_s=30)
    assert b"echo no" not in session.backlog().data, "nothing was typed"
    wrong = session.exec("echo 'unfinished' )", timeout_s=30)
    assert (wrong.exit_code, wrong.reason) == (None, "not_started")
    assert "syntax error" in wrong.text
    open_quote = session.exec("echo 'what", timeout_s=30)
    assert (open_quote.exit_code, open_quote.reason) == (None, "incomplete")
    assert session.exec("echo next", timeout_s=30).text == "next\n", "the shell is at its prompt again"
    ended = session.exec("echo bye; exit 4", timeout_s=30)
    assert (ended.exit_code, ended.reason) == (None, "exited")
    assert "bye" in ended.text
    with pytest.raises(WrongStateError, match="has exited"):
        session.exec("true")


def test_a_shell_without_marks_gives_output_without_a_code(client: Client, tmp_path: Path) -> None:
    session = shell(client, tmp_path, "sh", marked=False)
    session.expect(r"[$#] ")
    done = session.exec("echo hello", timeout_s=30)
    assert (done.exit_code, done.reason, done.text.count("hello")) == (None, "no_marks", 1), "without its echo"
    other = client.spawn([sys.executable, "-c", "input()"])
    assert other.exec("true").reason == "not_a_shell"
    pipe = client.spawn(["cat"], pipe=True)
    with pytest.raises(InvalidError, match="no terminal"):
        pipe.exec("true")
    pipe.close_stdin()


def test_the_command_line_exits_with_the_commands_code(client: Client, shared: Instance, tmp_path: Path) -> None:
    session = shell(client, tmp_path)
    done = shared.roost("exec", session.name, "--", "echo hi; sh -c 'exit 5'", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (5, b"hi\n", b"")
    words = shared.roost("exec", session.name, "--timeout", "20s", "--", "echo", "a  b", "--", "-x")
    assert words.stdout == b"a  b -- -x\n"
    told = json.loads(shared.roost("exec", "--json", session.name, "--", "false", check=False).stdout)
    assert (told["exit_code"], told["output"]) == (1, "")
    late = shared.roost("exec", session.name, "--timeout", "100ms", "--", "read x", check=False)
    assert (late.returncode, b"(timeout)" in late.stderr) == (11, True)
    assert shared.roost("exec", session.name, "--", "true", check=False).returncode == 4
    assert shared.roost("exec", session.name, "true", check=False).returncode == 2


# --- expect -----------------------------------------------------------------------------------------------------------

LOGIN = """
import sys
name = input("login: ")
print("\\x1b[32mwelcome\\x1b[0m", name)
for line in sys.stdin:
    print("did", line.strip() + "!")
"""


def test_a_conversation_is_held_without_losing_a_byte(client: Client) -> None:
    session = client.spawn([sys.executable, "-u", "-c", LOGIN])
    parts = []
    parts.append(session.expect("login: "))
    session.send("ann", enter=True)
    parts.append(session.expect(["denied", r"welcome\x1b\[0m (\w+)"]))
    assert (parts[-1].index, parts[-1].groups) == (1, (b"ann",))
    for word in ("a", "b", "c"):
        session.send(word, enter=True)
    parts += [session.expect(f"did {word}!") for word in ("a", "b", "c")]
    seen = b"".join(part.before + part.after for part in parts)
    assert session.backlog().data.startswith(seen)
    assert session.cursor.offset == len(seen)
    with pytest.raises(WaitTimeoutError, match="'never' did not come in time"):
        session.expect("never", timeout_s=0.05)
    assert session.expect(TIMEOUT, timeout_s=0.01).pattern is TIMEOUT
    session.keys("C-d")
    assert session.expect(["never", EOF], timeout_s=20).index == 1
    with pytest.raises(WrongStateError, match="exited with code 0 before"):
        session.expect("never")
    session.cursor.move(0)
    assert session.expect("welcome ann", on="text", exact=True).end == parts[1].end


def test_output_that_comes_later_is_seen_at_once_and_an_async_session_can_do_the_same(shared: Instance) -> None:
    async def converse() -> None:
        async with AsyncClient(shared.socket, autostart=False) as client:
            one = await client.spawn([sys.executable, "-u", "-c", LOGIN])
            two = await client.spawn([sys.executable, "-u", "-c", LOGIN])
            await asyncio.gather(one.expect("login: "), two.expect("login: "))
            await one.send("one", enter=True)
            match, _ = await asyncio.gather(two.expect(r"welcome \w+", on="text"), two.send("two", enter=True))
            assert match.text == "welcome two"
            assert (await one.expect("one", on="text")).start < (await one.expect("welcome one", on="text")).start

    asyncio.run(converse())


def test_a_restart_of_the_daemon_is_not_noticed(instance: Instance) -> None:
    with instance.client() as client:
        session = client.spawn(["sh", "-c", "read x; echo before; read x; echo after"])
        session.send("1", enter=True)
        session.expect("before")
        found: list[object] = []

        def look() -> None:
            with instance.client() as other:
                handle = other.session(session.id)
                handle.cursor.move(session.cursor.offset)
                found.append(handle.expect("after"))

        thread = threading.Thread(target=look)
        thread.start()
        instance.kill_daemon()
        session.send("2", enter=True)
        thread.join(30)
        assert found
