"""The sink `command`: what a command is given, and that one that misbehaves is bounded, counted and reported."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.hooks import Hub, event, hub, soon
from support.instance import alive

from roost.core.config_sinks import Command, SinkConfig
from roost.core.on_event import read_on_event, session_sinks
from roost.errors import InvalidError
from roost.hooks.command import event_environment
from roost.hooks.feedback import MOST, PAUSE_S, QUIET_S, Feedback


def command(text: str, **options: Any) -> SinkConfig:
    return SinkConfig("c", "command", Command(text, **options))


async def fails_until(it: Hub, look: Callable[[], bool]) -> None:
    """Have a command that is killed after its time run again until it got far enough in it: processors may be busy."""
    for failures in range(1, 50):
        it.emit()
        await soon(lambda failures=failures: it.status("c")["failed"] == failures)
        if look():
            return
    raise AssertionError("it never got far enough")


async def test_a_command_has_the_event_on_stdin_and_in_its_environment(tmp_path: Path) -> None:
    text = f'cat > {tmp_path}/in; echo "$ROOST_EVENT $ROOST_SESSION_NAME $ROOST_EXIT_CODE" > {tmp_path}/env'
    async with hub(tmp_path, command(text)) as it:
        it.emit(data={"code": 3, "signal": None})
        await soon(lambda: it.status("c")["delivered"] == 1)
    assert json.loads((tmp_path / "in").read_bytes())["event"]["data"]["code"] == 3
    assert (tmp_path / "env").read_text() == "exited build 3\n"


async def test_nothing_in_an_event_becomes_a_part_of_the_command(tmp_path: Path) -> None:
    nasty = f"$(touch {tmp_path}/bad); `touch {tmp_path}/bad` ' \" \n; touch {tmp_path}/bad"
    async with hub(tmp_path, command(f'echo "$ROOST_SESSION_NAME" > {tmp_path}/out')) as it:
        it.emit(session_name=nasty, data={"x": nasty})
        await soon(lambda: it.status("c")["delivered"] == 1)
    assert (tmp_path / "out").read_text() == nasty + "\n"
    assert not (tmp_path / "bad").exists()


def test_the_environment_has_plain_values_only_and_no_huge_ones() -> None:
    made = event_environment(event(1, data={"a-b": True, "n": None, "l": [1], "big": "x" * 5000, "z": "a\0b"}))
    assert made[b"ROOST_DATA_A_B"] == b"true"
    assert made[b"ROOST_DATA_Z"] == b"ab"
    assert made[b"ROOST_EXIT_CODE"] == b""
    assert {b"ROOST_DATA_N", b"ROOST_DATA_L", b"ROOST_DATA_BIG"}.isdisjoint(made)


async def test_a_failed_command_is_counted_and_what_it_printed_is_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with hub(tmp_path, command("echo so sorry >&2; exit 7")) as it:
        it.emit()
        await soon(lambda: it.status("c")["failed"] == 1)
        assert it.status("c")["last_error"] == "it exited with 7: so sorry"
        assert it.kinds() == ["sink_failing"]
    assert "it printed: so sorry" in caplog.text


async def test_a_command_that_never_ends_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    async with hub(tmp_path, command(f"sleep 60 & echo $! >> {pids}; wait", timeout_s=0.3)) as it:
        await fails_until(it, lambda: pids.exists() and bool(pids.read_text()))
        assert it.status("c")["last_error"].startswith("it took too long")
        await soon(lambda: not any(alive(int(pid)) for pid in pids.read_text().split()))


async def test_a_command_that_prints_without_end_is_kept_to_its_last_four_kib(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def longest() -> int:
        return max((len(r.message) for r in caplog.records if "it printed" in r.message), default=0)

    async with hub(tmp_path, command("yes 0123456789", timeout_s=0.3)) as it:
        await fails_until(it, lambda: longest() > 4000)
    assert longest() < 4400


async def test_a_command_that_leaves_something_behind_does_not_hold_anything_up(tmp_path: Path) -> None:
    async with hub(tmp_path, command(f"sleep 60 & echo $! > {tmp_path}/pid")) as it:
        it.emit()
        await soon(lambda: it.status("c")["delivered"] == 1)
    os.kill(int((tmp_path / "pid").read_text()), 9)


async def test_so_many_commands_at_a_time_and_the_rest_waits_within_its_bound(tmp_path: Path) -> None:
    waiting = f"[ ! -e {tmp_path}/go ] && kill -0 $PPID"  # without the test it ends, however that one ended
    text = f"echo x >> {tmp_path}/begun; while {waiting}; do sleep 0.01; done; true"
    config = SinkConfig("c", "command", Command(text, max_concurrent=2), queue=5)
    async with hub(tmp_path, config) as it:
        it.emit()
        await soon(lambda: it.status("c")["running"] == 1)
        for _ in range(20):
            it.emit()
        await soon(lambda: it.status("c")["running"] == 2)
        begun = tmp_path / "begun"
        await soon(lambda: begun.exists() and begun.read_text().count("x") == 2)
        assert it.status("c")["dropped"] >= 13
        (tmp_path / "go").touch()
        await soon(lambda: it.status("c")["queued"] == 0 and it.status("c")["running"] == 0)
        status = it.status("c")
        assert status["delivered"] + status["dropped"] == 21


async def test_a_command_that_cannot_be_started_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from roost.hooks.command import Place

    monkeypatch.setattr("support.hooks.PLACE", Place("/no/such/shell", "/tmp", {}))
    async with hub(tmp_path, command("true")) as it:
        it.emit()
        await soon(lambda: it.status("c")["failed"] == 1)
        assert "/no/such/shell" in it.status("c")["last_error"]


async def test_gathered_events_of_a_session_make_one_run(tmp_path: Path) -> None:
    async with hub(tmp_path, command(f"wc -l >> {tmp_path}/out")) as it:
        for _ in range(20):
            it.emit("response_delta", category="agent")
        it.emit("response_end", category="agent")
        await soon(lambda: it.status("c")["delivered"] == 2)
    assert sorted((tmp_path / "out").read_text().split()) == ["1", "20"]


async def test_the_last_event_gets_its_command_at_the_end(tmp_path: Path) -> None:
    async with hub(tmp_path, command(f"sleep 0.2; echo done >> {tmp_path}/out")) as it:
        it.emit()
    assert (tmp_path / "out").read_text() == "done\n"


# --- TYPE=COMMAND -----------------------------------------------------------------------------------------------------


def test_a_session_brings_commands_for_its_own_events() -> None:
    one, two, three = session_sinks("s-9", ["exited=a=b", "exited=c", "*=d"])
    assert (one.name, one.events, one.options) == ("s-9:exited", ("exited",), Command("a=b"))
    assert (two.name, three.name) == ("s-9:exited#2", "s-9:*")
    assert one.sessions == {"id": ("s-9",)}


@pytest.mark.parametrize("given", ["exited=x", [1], ["exited"], ["=x"], ["exited="], ["exitd=x"], ["exited=x"] * 33])
def test_what_is_no_command_for_an_event_is_refused(given: Any) -> None:
    with pytest.raises(InvalidError):
        read_on_event(given)


# --- commands that cause their own events -----------------------------------------------------------------------------


def change(path: str, **data: Any) -> Any:
    return event(1, "modified", category="file", data={"path": path, **data})


def test_a_directory_whose_changes_never_pause_is_left_out_until_it_is_quiet() -> None:
    brake = Feedback()
    told = [brake.passes(change(f"/w/{n}"), n * 0.5) for n in range(MOST + 20)]
    assert told == [True] * MOST + [False] * 20, "names do not matter, the directory does"
    assert brake.held == 20
    assert brake.passes(change("/elsewhere/x"), 60.0), "others go on"
    assert brake.passes(change("/w/x", pid=7), 60.0), "where it is known who wrote, hooks are left out already"
    assert brake.passes(event(1, "exited"), 60.0)
    assert not brake.passes(change("/w/x"), (MOST + 20) * 0.5 + 5)
    assert brake.passes(change("/w/x"), (MOST + 20) * 0.5 + 5 + QUIET_S + 1)


def test_changes_with_pauses_are_told_for_ever() -> None:
    brake = Feedback()
    assert all(brake.passes(change("/w/x"), n * (PAUSE_S + 0.1)) for n in range(MOST * 3))


async def test_a_command_that_runs_for_what_it_writes_is_stopped_counted_and_told(tmp_path: Path) -> None:
    async with hub(tmp_path, command("true", max_concurrent=50)) as it:
        for _ in range(MOST + 5):
            it.emit("modified", category="file", data={"path": "/w/x"})
        await soon(lambda: it.status("c")["dropped"] == 5)
        assert "seems to cause its own events: changes in /w" in it.status("c")["last_error"]
        it.emit()
        await soon(lambda: it.status("c")["delivered"] == MOST + 1)
    assert it.kinds() == ["sink_failing", "sink_recovered"]
