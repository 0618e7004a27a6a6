"""Events through the clients and `roost watch`: resumption over killed daemons, ends, lines."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
import threading

import pytest
from support.instance import Instance, eventually

from roost import AsyncClient
from roost.core.events import Event
from roost.errors import InvalidError, WaitTimeoutError


def test_a_stream_goes_on_over_killed_daemons_without_hole_or_repeat(instance: Instance) -> None:
    seen: list[Event] = []

    def read() -> None:
        with instance.client() as client, client.events(since="0.0") as events:
            for event in events:
                seen.append(event)
                if event.type == "exited" and event.session_name == "last":
                    return

    reader = threading.Thread(target=read)
    reader.start()
    with instance.client() as client:
        for n in range(3):
            client.spawn(["true"], name=f"one-{n}").wait()
            instance.kill_daemon()
        client.spawn(["true"], name="last").wait()
        reader.join(30)
        assert not reader.is_alive()
        stored = client.read_events(limit=1000)
    assert seen == stored[: len(seen)] and seen[-1].session_name == "last"


def test_the_events_of_a_session_end_with_it_for_both_clients(instance: Instance) -> None:
    with instance.client() as client:
        session = client.spawn(["sh", "-c", "exit 5"])
        assert [event.type for event in session.events(since="0.0")] == ["spawned", "started", "exited"]
        session.purge()
        again = [event.type for event in client.events(session.id, since="0.0")]
        assert again == ["spawned", "started", "exited"], "also when it was purged"

    async def main() -> list[str]:
        async with AsyncClient(instance.socket, autostart=False) as client:
            session = await client.spawn(["sh", "-c", "exit 5"])
            return [event.type async for event in session.events(since="0.0")]

    assert asyncio.run(main()) == ["spawned", "started", "exited"]


def test_waiting_for_an_event_has_a_deadline_and_bad_wishes_are_refused(shared: Instance) -> None:
    with shared.client() as client:
        with client.events(categories=["agent"]) as events, pytest.raises(WaitTimeoutError):
            events.recv(0.05)
        for wish in ({"categories": ["weather"]}, {"capacity": -1}, {"capacity": 10**9}, {"policy": "hope"}):
            with pytest.raises(InvalidError):
                client.events(**wish)
        for since in ("tomorrow", "99999.1", "1.-1"):
            with pytest.raises(InvalidError):
                client.events(since=since)


def test_watch_prints_json_lines_and_ends_cleanly_at_an_interrupt(shared: Instance) -> None:
    command = [sys.executable, "-m", "roost.cli", "watch", "--all", "--since", "0.0"]
    with subprocess.Popen(command, env=shared.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watch:
        assert watch.stdout is not None and watch.stderr is not None
        with shared.client() as client:
            session = client.spawn(["true"])
        for line in watch.stdout:
            event = json.loads(line)
            if (event["type"], event["session_id"]) == ("exited", session.id):
                break
        watch.send_signal(signal.SIGINT)
        assert (watch.wait(20), watch.stderr.read()) == (0, b"")


def test_watch_shows_people_lines_until_the_exit(shared: Instance) -> None:
    with shared.client() as client:
        session = client.spawn(["sh", "-c", "exit 3"], name="short")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "roost.cli", "watch", "--to", session.id, "--since", "0.0"]
    environ = {**shared.environ, "TERM": "xterm", "NO_COLOR": "1"}
    with subprocess.Popen(command, env=environ, stdout=theirs, stdin=theirs, stderr=theirs) as watch:
        assert watch.wait(30) == 0
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:
        pass
    os.close(ours)
    assert b"lifecycle.exited" in shown and b"code=3" in shown and b"\x1b" not in shown


def test_history_lists_what_ran(shared: Instance) -> None:
    with shared.client() as client:
        client.spawn(["sh", "-c", "exit 9"], name="nine").wait()
        client.purge()
    eventually(lambda: any(e["exit_code"] == 9 for e in shared.json("history", "nine", "--failed")))
    assert b"nine" in shared.roost("history").stdout
    assert shared.json("history", "nine", "--running") == [], "known, but none of what was asked for"
    unknown = shared.roost("history", "nope", check=False)
    assert (unknown.returncode, unknown.stdout) == (3, b"") and b"'nope'" in unknown.stderr
    assert shared.roost("watch", "--category", "weather", check=False).returncode != 0
