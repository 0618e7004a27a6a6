"""Tees of output on a real ring and real files: the copy is the stream, and what is not in it is counted exactly."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from support.tees import HandWrittenStream, check_copy, lines, rotated, until

from roost.daemon import tee_file
from roost.daemon.output_tee import OutputTee, TeeShell
from roost.daemon.tee import TeeSpec, record_of
from roost.daemon.tee_file import open_tee_file
from roost.daemon.writer_pool import WriterPool

CAPACITY = 1 << 16


class Bench:
    """A stream and its tees; the keeper takes every record at once."""

    def __init__(self) -> None:
        self.source = HandWrittenStream(CAPACITY)
        self.pool = WriterPool(asyncio.get_running_loop())
        self.tees: list[OutputTee] = []

    def tee(self, path: Path, **options: object) -> OutputTee:
        spec = TeeSpec("stdout", os.fsencode(path), **options)  # type: ignore[arg-type]
        record = record_of(spec, len(self.tees) + 1)
        record.offset = self.source.stream.ring.end
        file = open_tee_file(spec.absolute_path, append=spec.append)
        record.size, record.device, record.inode = file.size, file.identity.device, file.identity.inode
        loop = asyncio.get_running_loop()
        shell = TeeShell(self.pool, lambda: None, lambda done: loop.call_soon(done) and None)
        tee = OutputTee(self.source.stream, record, shell)
        tee.start(file)
        self.tees.append(tee)
        return tee

    async def ended(self, tee: OutputTee) -> None:
        await until(lambda: tee.status().closed, what="the tee closes")

    async def close(self) -> None:
        for tee in self.tees:
            tee.close()
        await until(lambda: not any(t._busy or t._file for t in self.tees), what="files are closed")
        self.source.close()
        self.pool.close()
        await until(lambda: self.pool.threads == 0, what="threads end")


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    one = Bench()
    try:
        yield one
    finally:
        await one.close()


async def test_a_copy_begins_with_the_next_byte_and_closes_with_the_stream(bench: Bench, tmp_path: Path) -> None:
    bench.source.write(b"before\n")
    tee = bench.tee(tmp_path / "copy")
    bench.source.write(b"after\n")
    bench.source.end()
    await bench.ended(tee)
    assert (tmp_path / "copy").read_bytes() == b"after\n"
    status = tee.status()
    assert (status.written_bytes, status.missed_bytes, status.disconnected) == (6, 0, False)


@pytest.mark.parametrize(("append", "expected"), [(True, b"old\nnew\n"), (False, b"new\n")])
async def test_a_file_is_appended_to_or_emptied(bench: Bench, tmp_path: Path, append: bool, expected: bytes) -> None:
    path = tmp_path / "copy"
    path.write_bytes(b"old\n")
    tee = bench.tee(path, append=append)
    bench.source.write(b"new\n")
    bench.source.end()
    await bench.ended(tee)
    assert path.read_bytes() == expected


async def test_several_tees_of_a_stream_have_it_all(bench: Bench, tmp_path: Path) -> None:
    tees = [bench.tee(tmp_path / name) for name in "abc"]
    written = lines(0, 2000)
    bench.source.write(written)
    bench.source.end()
    for tee in tees:
        await bench.ended(tee)
    assert [(tmp_path / name).read_bytes() for name in "abc"] == [written] * 3


async def test_what_a_slow_file_misses_is_the_oldest_and_is_marked_where_it_is_missing(
    bench: Bench, tmp_path: Path
) -> None:
    tee, reader = stuck_tee(bench, tmp_path)
    stream = lines(0, 20_000)
    bench.source.write(stream[:100_000])
    await until(lambda: tee._busy, what="the tee is stuck in its first write")
    bench.source.write(stream[100_000:])
    await until(lambda: tee.status().missed_bytes > 0, what="the loss counts while the file hangs")
    bench.source.end()
    copy = await drain(reader, tee)
    assert check_copy(copy, stream) == tee.status().missed_bytes > 0
    assert copy.endswith(stream[-CAPACITY // 2 :]), "the newest bytes are the ones that were kept"


async def test_without_markers_the_loss_is_only_counted(bench: Bench, tmp_path: Path) -> None:
    tee, reader = stuck_tee(bench, tmp_path, markers=False)
    stream = lines(0, 20_000)
    bench.source.write(stream)
    bench.source.end()
    copy = await drain(reader, tee)
    assert b"missed" not in copy and len(copy) + tee.status().missed_bytes == len(stream)


async def test_a_blocking_tee_holds_the_stream_and_misses_nothing(bench: Bench, tmp_path: Path) -> None:
    tee, reader = stuck_tee(bench, tmp_path, block=True)
    stream = lines(0, 20_000)
    at = 0

    async def write() -> None:
        nonlocal at
        while at < len(stream):
            at += bench.source.write_what_fits(stream[at:])
            await asyncio.sleep(0.001)

    writing = asyncio.ensure_future(write())  # noqa: TID251
    await until(lambda: bench.source.writer.room() == 0, what="the writer has to wait")
    assert at < len(stream)
    reading = asyncio.ensure_future(drain(reader, tee))  # noqa: TID251
    await writing
    bench.source.end()
    assert await reading == stream
    assert tee.status().missed_bytes == 0


async def test_a_blocking_tee_that_is_given_up_lets_the_stream_go_on(bench: Bench, tmp_path: Path) -> None:
    tee, reader = stuck_tee(bench, tmp_path, block=True)

    loop = asyncio.get_running_loop()
    moved_at = loop.time()

    def stands_still() -> bool:
        nonlocal moved_at
        if bench.source.write_what_fits(lines(0, 20_000)):
            moved_at = loop.time()
        return loop.time() - moved_at > 0.2

    await until(stands_still, what="the writer has to wait")
    tee.give_up()
    assert bench.source.writer.room() > CAPACITY
    os.close(reader)


async def test_a_write_error_disconnects_and_the_rest_is_missed(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Shim(limit=100)
    monkeypatch.setattr(tee_file, "os", full)
    tee = bench.tee(tmp_path / "copy", block=True)
    bench.source.write(b"x" * 250)
    await until(lambda: tee.status().disconnected, what="the tee gives up")
    bench.source.write(b"x" * 50)
    status = tee.status()
    assert (status.written_bytes, status.missed_bytes, status.closed) == (100, 200, True)
    assert status.error == os.strerror(errno.ENOSPC)
    assert bench.source.stream.ring.hold is None, "a dead tee holds nothing"


async def test_a_removed_tee_has_everything_up_to_its_removal(bench: Bench, tmp_path: Path) -> None:
    tee = bench.tee(tmp_path / "copy")
    bench.source.write(b"one\n")
    removed = asyncio.Event()
    tee.finish(removed.set)
    bench.source.write(b"two\n")
    await removed.wait()
    assert (tmp_path / "copy").read_bytes() == b"one\n"


async def test_a_file_that_somebody_else_cuts_goes_on_at_its_new_end(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "copy"
    tee = bench.tee(path)
    bench.source.write(b"one\n")
    await until(lambda: tee.status().written_bytes == 4)
    os.truncate(path, 0)
    bench.source.write(b"two\n")
    bench.source.end()
    await bench.ended(tee)
    assert path.read_bytes() == b"two\n"


async def test_files_rotate_behind_whole_lines_and_the_oldest_goes(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "log"
    tee = bench.tee(path, rotate_bytes=5000, keep=3)
    stream = lines(0, 3000)  # 60,000 bytes
    for start in range(0, len(stream), 7000):
        bench.source.write(stream[start : start + 7000])
        await until(lambda at=start: tee.status().written_bytes >= min(at + 7000, len(stream)))  # type: ignore[misc]
    bench.source.end()
    await bench.ended(tee)
    files = rotated(path)
    assert [file.name for file in files] == ["log.3", "log.2", "log.1", "log"]
    pieces = [file.read_bytes() for file in files]
    assert all(piece.endswith(b"\n") and 0 < len(piece) <= 5000 for piece in pieces)
    assert stream.endswith(b"".join(pieces))


async def test_a_tee_on_a_fifo_without_a_reader_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError):
        open_tee_file(os.fsencode(tmp_path / "fifo"), append=True)


async def test_a_hanging_file_keeps_only_its_own_tee(bench: Bench, tmp_path: Path) -> None:
    _, reader = stuck_tee(bench, tmp_path)
    other = bench.tee(tmp_path / "other")
    stream = lines(0, 20_000)
    for start in range(0, len(stream), 40_000):
        bench.source.write(stream[start : start + 40_000])
        await until(lambda at=start: other.status().written_bytes >= min(at + 40_000, len(stream)))  # type: ignore[misc]
    assert (tmp_path / "other").read_bytes() == stream
    os.close(reader)


# --- a file that hangs: a FIFO that is not read -----------------------------------------------------------------------


def stuck_tee(bench: Bench, tmp_path: Path, **options: object) -> tuple[OutputTee, int]:
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    return bench.tee(tmp_path / "fifo", **options), reader


async def drain(reader: int, tee: OutputTee) -> bytes:
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


class Shim:
    """The os module with a disk that is full after some bytes."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def __getattr__(self, name: str) -> Callable[..., object]:
        return getattr(os, name)  # type: ignore[no-any-return]

    def write(self, fd: int, data: memoryview) -> int:
        if not self._left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = os.write(fd, data[: self._left])
        self._left -= written
        return written
