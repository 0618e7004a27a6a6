"""The sinks that write: whole lines whatever happens, privately, rotated, and honest about where they got to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from support.hooks import event, hub, outgoing, soon

from roost.core.config_sinks import Jsonl, SinkConfig
from roost.core.event_formats import cloud_event, envelope
from roost.hooks.jsonl import JsonlSink, LineFile
from roost.hooks.mark import Mark
from roost.hooks.sink import Outgoing, SinkError
from roost.hooks.stdout import StdoutSink


def file(path: Path | str, **options: Any) -> LineFile:
    return LineFile(Jsonl(str(path), **options))


def line(seq: int) -> bytes:
    return Outgoing(event(seq)).line()


# --- formats ----------------------------------------------------------------------------------------------------------


def test_the_envelope_has_the_time_and_the_event_with_its_type_first() -> None:
    shown = envelope(event(7, data={"code": 3}))
    assert list(shown) == ["at", "event"]
    assert (next(iter(shown["event"])), shown["event"]["id"], shown["event"]["data"]) == ("type", "1.7", {"code": 3})
    assert shown["at"] == "2023-11-14T22:13:27.000000Z"


def test_cloudevents_have_what_the_specification_requires() -> None:
    shown = cloud_event(event(7, data={"code": 3}), "roost://host/default")
    assert {key: shown[key] for key in ("specversion", "id", "source", "type", "subject", "time", "data")} == {
        "specversion": "1.0",
        "id": "1.7",
        "source": "roost://host/default",
        "type": "roost.lifecycle.exited",
        "subject": "s-1",
        "time": "2023-11-14T22:13:27.000000Z",
        "data": {"code": 3},
    }
    assert all(key.isalnum() and key.islower() for key in shown), "names of attributes are lower-case letters"


def test_what_json_cannot_carry_does_not_break_a_line() -> None:
    shown = Outgoing(event(1, data={"path": "a\udcff", "what": {1}, "n": float("nan"), "text": "a\nb"})).line()
    assert shown.count(b"\n") == 1
    assert json.loads(shown)["event"]["data"]["text"] == "a\nb"


# --- jsonl ------------------------------------------------------------------------------------------------------------


def test_the_file_and_its_directories_are_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.jsonl"
    old = os.umask(0)
    try:
        file(path).write(line(1))
    finally:
        os.umask(old)
    assert [stat.S_IMODE(p.stat().st_mode) for p in (path, path.parent)] == [0o600, 0o700]


def test_rotation_by_size_keeps_so_many_and_never_cuts_a_line(tmp_path: Path) -> None:
    path = tmp_path / "x"
    log = file(path, rotate_bytes=1000, keep=2)
    for seq in range(30):
        log.write(line(seq))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x", "x.1", "x.2"]
    kept = [json.loads(one) for name in ("x.2", "x.1", "x") for one in (tmp_path / name).read_bytes().splitlines()]
    ids = [one["event"]["id"] for one in kept]
    assert ids == [f"1.{seq}" for seq in range(30 - len(ids), 30)]
    assert all(p.stat().st_size <= 1000 for p in tmp_path.iterdir())


def test_rotation_by_age_counts_from_the_first_line_also_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(Outgoing(event(1)).line())  # from 2023
    log = file(path, rotate_age_s=3600.0)
    log.write(line(2))
    assert (tmp_path / "x.1").read_bytes() == line(1)
    log.write(line(3))
    assert path.read_bytes() == line(2) + line(3)


def test_a_file_that_logrotate_moved_away_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "x"
    log = file(path)
    log.write(line(1))
    path.rename(tmp_path / "moved")
    log.write(line(2))
    assert (path.read_bytes(), (tmp_path / "moved").read_bytes()) == (line(2), line(1))


def test_a_half_line_of_a_killed_daemon_is_cut_off_and_its_event_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(line(1) + line(2) + line(3)[:20])
    log = file(path)
    log.open()
    assert log.last_key() == (1, 2)
    log.write(line(3))
    assert path.read_bytes() == line(1) + line(2) + line(3)


def test_an_empty_file_goes_on_where_the_rotated_one_ended(tmp_path: Path) -> None:
    (tmp_path / "x.1").write_bytes(line(8))
    assert file(tmp_path / "x").last_key() == (1, 8)
    assert file(tmp_path / "y").last_key() is None


def test_cloudevents_say_where_they_got_to_as_well(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(outgoing(9)[0].line("cloudevents"))
    assert file(tmp_path / "x").last_key() == (1, 9)


@pytest.mark.parametrize(("target", "part"), [("/dev/full", "No space left"), ("/proc/x/y", "No such file")])
def test_a_full_disk_and_an_impossible_place_are_told_by_name(target: str, part: str) -> None:
    with pytest.raises(SinkError, match=part) as caught:
        file(target).write(line(1))
    assert target in str(caught.value)


def test_two_daemons_do_not_share_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have one config.toml; each would resume from the other's last line."""
    monkeypatch.setattr("roost.hooks.jsonl._LOCK_S", 0.05)
    first, second = file(tmp_path / "x"), file(tmp_path / "x")
    first.write(line(1))
    with pytest.raises(SinkError, match="another daemon"):
        second.write(line(2))
    first.close()
    second.write(line(2))
    assert (tmp_path / "x").read_bytes() == line(1) + line(2)


def test_a_fifo_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(SinkError):
        file(tmp_path / "fifo").write(line(1))


def test_what_fits_only_in_part_is_taken_back_to_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    log = file(path)
    log.write(line(1))
    real, room = os.write, [len(line(2)) + len(line(3)) + 10]

    def stingy(fd: int, data: Any) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        count = real(fd, bytes(data)[: room[0]])
        room[0] -= count
        return count

    monkeypatch.setattr("roost.hooks.jsonl.os.write", stingy)
    with pytest.raises(SinkError, match="No space") as failure:
        log.write(line(2) + line(3) + line(4) + line(5))
    assert failure.value.done == 2, "what fits gets on, so that a batch larger than the room is no end"
    with pytest.raises(SinkError, match="No space") as failure:
        log.write(line(4) + line(5))
    assert failure.value.done == 0
    monkeypatch.undo()
    assert path.read_bytes() == line(1) + line(2) + line(3)
    log.write(line(4))
    assert path.read_bytes().endswith(line(3) + line(4))


async def test_a_full_disk_is_filled_with_whole_lines_and_the_rest_comes_later_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roost.hooks.lane.FIRST_RETRY_S", 0.001)
    monkeypatch.setattr("roost.hooks.lane.MOST_RETRY_S", 0.01)
    path, real, room = tmp_path / "x", os.write, [5000]

    def stingy(fd: int, data: Any) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        count = real(fd, bytes(data)[: room[0]])
        room[0] -= count
        return count

    monkeypatch.setattr("roost.hooks.jsonl.os.write", stingy)
    async with hub(tmp_path, SinkConfig("f", "jsonl", Jsonl(str(path)))) as it:
        for _ in range(200):
            it.emit()
        await soon(lambda: it.status("f")["state"] == "failing")
        assert it.status("f")["delivered"] == len(path.read_bytes().splitlines()) > 1
        room[0] = 1 << 20
        await soon(lambda: it.status("f")["delivered"] == 200)
    told = [json.loads(one)["event"]["id"] for one in path.read_bytes().splitlines()]
    assert told == [f"1.{seq}" for seq in range(1, 201)]


async def test_a_sink_that_was_killed_before_its_first_line_resumes_where_it_began(tmp_path: Path) -> None:
    """Also when somebody else has rotated the file: the mark says how far it got."""
    sink = JsonlSink(Jsonl(str(tmp_path / "x")), "envelope", Mark(str(tmp_path / "state/mark")))
    assert await sink.reached() is None
    await sink.begin_at((3, 7))
    assert await sink.reached() == (3, 7)
    await sink.deliver(outgoing(9, epoch=3))
    await sink.close(1.0)
    (tmp_path / "x").rename(tmp_path / "x-20261121")
    again = JsonlSink(Jsonl(str(tmp_path / "x")), "envelope", Mark(str(tmp_path / "state/mark")))
    assert await again.reached() == (3, 9)
    await again.close(1.0)


async def test_a_place_that_becomes_writable_gets_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roost.hooks.lane.FIRST_RETRY_S", 0.001)
    monkeypatch.setattr("roost.hooks.lane.MOST_RETRY_S", 0.01)
    (tmp_path / "dir").write_bytes(b"in the way")
    async with hub(tmp_path, SinkConfig("f", "jsonl", Jsonl(str(tmp_path / "dir" / "x")))) as it:
        for _ in range(5):
            it.emit()
        await soon(lambda: it.status("f")["state"] == "failing")
        (tmp_path / "dir").unlink()
        await soon(lambda: it.status("f")["delivered"] == 5)
        assert it.kinds() == ["sink_failing", "sink_recovered"]


async def test_fsync_is_done_as_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr("roost.hooks.jsonl.os.fsync", synced.append)
    counts = {}
    for policy in ("never", "rotate", "always"):
        synced.clear()
        sink = JsonlSink(
            Jsonl(str(tmp_path / policy), fsync=policy, rotate_bytes=10), "envelope", Mark(str(tmp_path / "mark"))
        )
        for seq in range(3):
            await sink.deliver(outgoing(seq))
        await sink.close(1.0)
        counts[policy] = len(synced)
    assert counts == {"never": 0, "rotate": 3, "always": 6}


async def test_the_file_of_a_sink_is_no_event_of_files_for_any_sink(tmp_path: Path) -> None:
    """A line about the line before would be the next change, for ever."""
    (tmp_path / "link").symlink_to(tmp_path)
    async with hub(tmp_path, SinkConfig("f", "jsonl", Jsonl(str(tmp_path / "link/x")))) as it:
        for name in ("x", "x.1", "xy"):
            it.emit("modified", category="file", data={"path": str(tmp_path / name)})
        it.emit("purged")
        await soon(lambda: it.status("f")["delivered"] == 2)
    told = [json.loads(one)["event"] for one in (tmp_path / "x").read_bytes().splitlines()]
    assert [one["data"].get("path") for one in told] == [str(tmp_path / "xy"), None]


# --- stdout -----------------------------------------------------------------------------------------------------------


async def test_stdout_gets_whole_lines_also_after_nobody_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roost.hooks.stdout._PATIENCE_S", 0.05)
    reading, writing = os.pipe()
    sink = StdoutSink("envelope", foreground=True, fd=writing)
    batch = outgoing(*range(500))
    with pytest.raises(SinkError, match="not read") as caught:
        await sink.deliver(batch)
    left = batch[getattr(caught.value, "done", 0) :]
    got = b""
    os.set_blocking(reading, False)
    deadline = time.monotonic() + 20
    while left and time.monotonic() < deadline:
        got += os.read(reading, 1 << 20)
        try:
            await sink.deliver(left)
            left = []
        except SinkError as error:
            left = left[error.done :]
    got += os.read(reading, 1 << 20)
    assert got == b"".join(one.line() for one in batch)
    os.close(reading)
    with pytest.raises(SinkError, match="Broken pipe"):
        await sink.deliver(outgoing(1))
    await sink.close(1.0)
    os.close(writing)


@pytest.mark.parametrize("kind", ["pipe", "socket"])
async def test_a_pipe_that_has_room_is_written_to_without_a_thread_and_no_line_is_cut(kind: str) -> None:
    ours, theirs = socket.socketpair() if kind == "socket" else (None, None)
    reading, writing = (theirs.fileno(), ours.fileno()) if ours and theirs else os.pipe()
    sink = StdoutSink("envelope", foreground=True, fd=writing)
    threads = threading.active_count()
    all_of_them = [Outgoing(event(seq, data={"text": "x" * 9000})) for seq in range(200)]
    taken = 0
    while sink.send_now(all_of_them[taken]):
        taken += 1
    assert taken > 3
    assert threading.active_count() == threads
    assert not sink.send_now(all_of_them[taken]), "nothing comes between the two parts of a line"
    got = b""
    os.set_blocking(reading, False)
    async with asyncio.TaskGroup() as tasks:
        delivery = tasks.create_task(sink.deliver(all_of_them[taken:]))
        while not delivery.done():
            await asyncio.sleep(0)
            with contextlib.suppress(BlockingIOError):
                got += os.read(reading, 1 << 20)
    with contextlib.suppress(BlockingIOError):
        got += os.read(reading, 1 << 20)
    assert got == b"".join(one.line() for one in all_of_them)
    await sink.close(1.0)
    for fd in (reading, writing) if ours is None else ():
        os.close(fd)
    for end in (ours, theirs):
        if end is not None:
            end.close()


async def test_what_may_block_is_left_to_the_thread(tmp_path: Path) -> None:
    with open(tmp_path / "out", "ab", buffering=0) as out:
        sink = StdoutSink("envelope", foreground=True, fd=out.fileno())
        assert (sink.send_now(outgoing(1)[0]), sink.prompt) == (False, False)
        await sink.deliver(outgoing(1))
        await sink.close(1.0)
    assert (tmp_path / "out").read_bytes() == line(1)


async def test_a_daemon_in_the_background_has_no_stdout() -> None:
    sink = StdoutSink("envelope", foreground=False)
    assert not sink.listening
    assert "background" in str(sink.facts()["note"])
    await sink.close(0)
