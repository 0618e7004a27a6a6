"""Ending a session ends everything that its child ever started, however far it went; what is left is named."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.instance import Instance, alive, eventually

from roost.client import Client, Session
from roost.core.names import session_id
from roost.daemon import terminator
from roost.daemon.terminator import Terminator
from roost.platform.processes import Membership
from roost.platform.session_mark import Marking, mark_of, marked_session, session_of_mark

ROOST = f"{sys.executable} -m roost.cli"
#: Leaves no trace: two forks, two sessions of its own, no environment, no descriptor, and deaf to TERM.
ESCAPE = """
import os, sys
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.setsid()
os.closerange(0, 100)
os.chdir("/")
script = 'trap "" TERM HUP; echo $$ > "$0.part"; mv "$0.part" "$0"; exec sleep 600 >&- 2>&-'
os.execve("/bin/sh", ["sh", "-c", script, sys.argv[1]], {})
"""


def escape(client: Client, kind: str, note: Path, then: str) -> tuple[Session, int]:
    """A session whose child started such a process and went on with `then`; the handle and the process."""
    script = f'python3 -c "$0" "$1"; while ! test -e "$1"; do :; done; {then}'
    session = client.spawn(["sh", "-c", script, ESCAPE, str(note)], kind=kind)
    return session, int(eventually(lambda: note.exists() and note.read_text()))


@pytest.mark.parametrize("kind", ["pty", "pipe"])
def test_a_process_that_hid_from_everything_is_ended(client: Client, tmp_path: Path, kind: str) -> None:
    session, escaped = escape(client, kind, tmp_path / "pid", "exec sleep 600")
    other = client.spawn(["sleep", "600"])
    assert not Path(f"/proc/{escaped}/environ").read_bytes().count(b"ROOST")
    assert os.getsid(escaped) != os.getsid(session.pid)
    (result,) = client.terminate(session.id, grace_s=0.05)
    assert (result.survivors, result.outcome) == ((), "soft")
    assert not alive(escaped)
    assert alive(other.pid), "a session that was not meant is left alone"
    other.terminate(grace_s=0)


def test_it_is_found_after_the_exit_a_kill_of_the_daemon_and_an_upgrade_of_the_keeper(
    instance: Instance, tmp_path: Path
) -> None:
    with instance.client() as client:
        session, escaped = escape(client, "pty", tmp_path / "pid", "exit 3")
        session.wait(10)
        assert alive(escaped), "an exit by itself ends nobody else"
        client.upgrade_keeper()
    instance.kill_daemon()
    done = instance.roost("kill", session.id, "--grace", "0s")
    assert b"had ended by itself" in done.stdout
    assert not alive(escaped)


def test_a_session_started_from_inside_another_belongs_to_itself(client: Client) -> None:
    outer = client.spawn(["sh", "-c", f"{ROOST} run -d --name within -- sleep 600; exec sleep 600"])
    inner = eventually(lambda: next((s for s in client.list() if s.name == "within"), None))
    assert inner.pid is not None
    assert marked_session(inner.pid) == inner.id and marked_session(outer.pid) == outer.id
    client.terminate(outer.id, grace_s=0)
    assert alive(inner.pid)
    client.terminate(inner.id, grace_s=0)


def test_keeper_and_daemon_bear_no_mark_though_a_session_started_them(client: Client, tmp_path: Path) -> None:
    environment = [f"XDG_{name}_HOME={tmp_path}/{name}" for name in ("STATE", "CONFIG")]
    elsewhere = ["env", "-u", "ROOST_SOCKET", *environment, f"XDG_RUNTIME_DIR={tmp_path}/r"]
    command = " ".join([*elsewhere, ROOST, "daemon", "start"])
    session = client.spawn(["sh", "-c", f"{command}; exec sleep 600"])
    inside = Instance()
    inside.environ |= {"XDG_RUNTIME_DIR": f"{tmp_path}/r", "XDG_STATE_HOME": f"{tmp_path}/STATE"}
    inside.socket = f"{tmp_path}/r/roost/daemon.sock"
    try:
        status = eventually(inside.status_or_none)
        inside.note_pids()
        assert [marked_session(int(cast(int, status[key]))) for key in ("pid", "keeper_pid")] == [None, None]
        session.terminate(grace_s=0)
        assert alive(int(cast(int, status["pid"]))) and alive(int(cast(int, status["keeper_pid"])))
    finally:
        inside.end()


def test_marks_are_the_ids_and_ordinary_limits_are_none() -> None:
    ids = [session_id(os.urandom(8)) for _ in range(50)]
    marks = [mark_of(id) for id in ids]
    assert [session_of_mark(mark) for mark in marks if mark is not None] == ids
    assert all(mark is not None and 1 << 60 < mark < 1 << 63 for mark in marks)
    assert [session_of_mark(limit) for limit in (-1, 0, 1_000_000, 1 << 62, (1 << 63) - 1)] == [None] * 5
    assert mark_of("s-short") is None and mark_of("t-abcdefghij") is None and mark_of("s-ABCDEFGHIJ") is None
    assert mark_of("s-abcd_efghi") is None and mark_of("s- abcdefghi") is None and mark_of("s-abcde89fgh") is None


def test_where_the_limit_cannot_be_set_nothing_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_limit: int, _values: tuple[int, int]) -> None:
        raise PermissionError("not here")

    monkeypatch.setattr("roost.platform.session_mark.resource.setrlimit", refuse)
    with Marking(session_id(os.urandom(8))):
        assert marked_session(os.getpid()) is None


async def test_what_cannot_be_ended_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminator, "HARD_S", 0.05)
    monkeypatch.setattr(terminator, "send_signal", lambda _process, _number: False)
    id = session_id(os.urandom(8))
    with Marking(id):
        stubborn = subprocess.Popen(["sleep", "600"])
    try:
        session = _ended_session(id)
        async with asyncio.TaskGroup() as tasks:
            ending = Terminator(tasks, pin=_no_pin, save=lambda _: None, exclude=set)
            ending.begin(session, 0.0)
            await ending.finished(session)
        assert session.survivors == [(stubborn.pid, "sleep")]
    finally:
        stubborn.kill()
        stubborn.wait()


async def _no_pin(_session: Any, _on: bool) -> None: ...


def _ended_session(id: str) -> Any:
    """What the terminator needs of a session that has exited and held nothing open."""
    return SimpleNamespace(
        id=id,
        live=False,
        pinned=False,
        survivors=[],
        record=SimpleNamespace(terminate_at=None, terminate_grace_s=0.0, terminate_hard=False),
        membership=lambda: Membership(session_id=id, leader_pid=None, tty_nr=None),
        holding_terminal=contextlib.nullcontext,
    )
