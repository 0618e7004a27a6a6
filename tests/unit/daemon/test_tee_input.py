"""Tees of stdin: what the child was given, through a bounded queue that drops its oldest or holds the sender back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.tees import check_copy, lines, until

from roost.daemon.child_input import ChildInput
from roost.daemon.input_tee import InputTee
from roost.daemon.output_tee import TeeShell
from roost.daemon.record import SessionRecord, TeeRecord
from roost.daemon.tee import MIN_CAPACITY_BYTES, TeeSpec, record_of
from roost.daemon.tee_file import open_tee_file
from roost.daemon.writer_pool import WriterPool


class Bench:
    """A child's stdin whose other end the test reads."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.theirs, self._ours = os.pipe()
        os.set_blocking(self._ours, False)
        os.set_blocking(self.theirs, False)
        self.child = ChildInput(self.loop, self._ours, on_room=lambda: None)
        self.pool = WriterPool(self.loop)
        self.shell = TeeShell(self.pool, lambda: None, lambda done: self.loop.call_soon(done) and None)
        self.written = 0
        self.given = bytearray()

    def tee(self, path: Path, **options: object) -> InputTee:
        spec = TeeSpec("stdin", os.fsencode(path), **options)  # type: ignore[arg-type]
        tee = InputTee(self.child, record_of(spec, 1), self.shell)
        tee.start(open_tee_file(spec.absolute_path, append=spec.append))
        return tee

    def send(self, data: bytes) -> None:
        def on_written(count: int, error: OSError | None) -> None:
            assert error is None
            self.written += count

        self.child.write(data, self, on_written)

    def read(self) -> bytes:
        try:
            self.given += os.read(self.theirs, 1 << 20)
        except BlockingIOError:
            pass
        return bytes(self.given)

    async def close(self) -> None:
        self.child.close()
        os.close(self._ours)
        os.close(self.theirs)
        self.pool.close()
        await until(lambda: self.pool.threads == 0)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    one = Bench()
    try:
        yield one
    finally:
        await one.close()


async def test_only_what_the_child_was_given_is_in_the_file(bench: Bench, tmp_path: Path) -> None:
    tee = bench.tee(tmp_path / "in")
    stream = lines(0, 10_000)
    bench.send(stream)
    await until(lambda: tee.status().written_bytes == bench.written > 0)
    assert bench.written < len(stream), "the pipe is full"
    assert (tmp_path / "in").read_bytes() == stream[: bench.written]
    await until(lambda: bench.read() == stream)
    bench.child.close()
    await until(lambda: tee.status().closed)
    assert (tmp_path / "in").read_bytes() == stream
    assert tee.status().missed_bytes == 0


def hanging(tmp_path: Path) -> tuple[Path, int]:
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo", os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)


async def read_all(reader: int, tee: InputTee) -> bytes:
    copy = bytearray()

    def read() -> bool:
        try:
            data = os.read(reader, 1 << 16)
        except BlockingIOError:
            return False
        copy.extend(data)
        return tee.status().closed and not data

    await until(read, what="everything is read")
    os.close(reader)
    return bytes(copy)


async def test_a_slow_file_misses_the_oldest_and_the_child_does_not_wait(bench: Bench, tmp_path: Path) -> None:
    path, reader = hanging(tmp_path)
    tee = bench.tee(path, capacity_bytes=1)
    stream = lines(0, 40_000)
    bench.send(stream)
    await until(lambda: bench.read() == stream, what="the child gets everything")
    assert tee.status().missed_bytes > 0
    bench.child.close()
    copy = await read_all(reader, tee)
    assert check_copy(copy, stream) == tee.status().missed_bytes
    assert copy.endswith(stream[-MIN_CAPACITY_BYTES // 2 :])


async def test_a_blocking_tee_holds_the_input_back_and_misses_nothing(bench: Bench, tmp_path: Path) -> None:
    path, reader = hanging(tmp_path)
    tee = bench.tee(path, capacity_bytes=1, block=True)
    stream = lines(0, 40_000)
    bench.send(stream)
    before = -1
    while before != len(bench.read()):
        before = len(bench.given)
        await asyncio.sleep(0.05)
    assert len(bench.given) < len(stream), "the child waits for the file"
    copy = bytearray()

    def all_through() -> bool:
        bench.read()
        try:
            copy.extend(os.read(reader, 1 << 16))
        except BlockingIOError:
            pass
        return bytes(bench.given) == stream

    await until(all_through, what="the child gets the rest once the file moves")
    bench.child.close()
    copy += await read_all(reader, tee)
    assert bytes(copy) == stream and tee.status().missed_bytes == 0


async def test_a_blocking_tee_that_is_given_up_lets_the_input_go_on(bench: Bench, tmp_path: Path) -> None:
    path, reader = hanging(tmp_path)
    tee = bench.tee(path, block=True, capacity_bytes=1)
    stream = lines(0, 40_000)
    bench.send(stream)
    await until(lambda: bench.read() and tee.full)
    tee.give_up()
    await until(lambda: bench.read() == stream)
    assert tee.status().missed_bytes > 0
    os.close(reader)


async def test_a_dead_file_counts_what_follows(bench: Bench, tmp_path: Path) -> None:
    path, reader = hanging(tmp_path)
    tee = bench.tee(path, block=True)
    os.close(reader)
    bench.send(b"one\n")
    await until(lambda: tee.status().disconnected)
    bench.send(b"two\n")
    status = tee.status()
    assert (status.written_bytes, status.missed_bytes, status.error) == (0, 8, "Broken pipe")
    assert bench.written == 8


async def test_files_of_input_rotate_too(bench: Bench, tmp_path: Path) -> None:
    tee = bench.tee(tmp_path / "in", rotate_bytes=100, keep=2)
    for number in range(12):
        bench.send(lines(number, number + 1))
        await until(lambda n=number: tee.status().written_bytes == 20 * (n + 1))  # type: ignore[misc]
    names = ("in.2", "in.1", "in")
    assert b"".join((tmp_path / name).read_bytes() for name in names) == lines(0, 12)
    bench.child.close()
    await until(lambda: tee.status().closed)


async def test_a_tee_of_an_input_that_is_closed_closes_at_once(bench: Bench, tmp_path: Path) -> None:
    record = record_of(TeeSpec("stdin", os.fsencode(tmp_path / "in")), 1)
    tee = InputTee(None, record, bench.shell)
    tee.start(open_tee_file(record.path_bytes, append=True))
    await until(lambda: tee.status().closed)


async def test_leaving_in_order_writes_what_was_taken_and_the_next_daemon_is_certain(
    bench: Bench, tmp_path: Path
) -> None:
    tee = bench.tee(tmp_path / "in")
    bench.send(b"one\n")
    quiet = asyncio.Event()
    tee.quiesce(quiet.set)
    await quiet.wait()
    kept = SessionRecord("n", "pipe", "c", "/", "o", [], tees=[tee.record]).encode()
    tee.close()
    (record,) = SessionRecord.decode(kept).tees
    again = InputTee(bench.child, record, bench.shell)
    again.start_again()
    bench.send(b"two\n")
    await until(lambda: (tmp_path / "in").read_bytes() == b"one\ntwo\n")
    assert not again.status().uncertain


def test_a_record_keeps_tees_with_any_path_and_ignores_what_a_newer_daemon_added() -> None:
    tee = TeeRecord(handle=7, stream="stderr", path=os.fsdecode(b"/tmp/\xff\xfe"), gap_to=12, block=True)
    blob = SessionRecord("n", "pipe", "c", "/", "o", [], tees=[tee], next_tee=8).encode()
    newer = blob.replace(b'"handle":7', b'"handle":7,"colour":"red"')
    record = SessionRecord.decode(newer)
    assert record.tees == [tee] and record.next_tee == 8
    assert record.tees[0].path_bytes == b"/tmp/\xff\xfe"
