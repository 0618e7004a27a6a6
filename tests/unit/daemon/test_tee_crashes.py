"""A tee whose daemon is killed at any instruction that touches the file or the record: the copy stays exact.

Each run kills at random system calls, half-way through writes and between renames, before and after the keeper has the
record; every time a new tee starts from what the keeper was told.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from support.tees import HandWrittenStream, check_copy, lines, rotated, until

from roost.daemon import tee_file
from roost.daemon.output_tee import OutputTee, TeeShell
from roost.daemon.record import TeeRecord
from roost.daemon.tee import TeeSpec, record_of
from roost.daemon.tee_file import open_tee_file

CAPACITY = 1 << 16


class Killed(BaseException):
    """The daemon dies here."""


class MortalOs:
    """The os module, with death at random calls that change something."""

    def __init__(self, chance: random.Random, rate: float) -> None:
        self._chance = chance
        self._rate = rate

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def _dies(self) -> bool:
        return self._chance.random() < self._rate

    def write(self, fd: int, data: memoryview) -> int:
        if self._dies():
            count = self._chance.randrange(len(data) + 1)
            if count:
                os.write(fd, data[:count])
            raise Killed
        return os.write(fd, data)

    def rename(self, old: bytes, new: bytes) -> None:
        if self._dies():
            raise Killed
        os.rename(old, new)
        if self._dies():
            raise Killed

    def open(self, path: bytes, flags: int, mode: int) -> int:
        fd = os.open(path, flags, mode)
        if self._dies():
            os.close(fd)
            raise Killed
        return fd


class MortalDaemon:
    """Performs file operations in the loop, keeps what the keeper was told, and dies once."""

    def __init__(self, chance: random.Random, rate: float, kept: dict[str, Any]) -> None:
        self._chance = chance
        self._rate = rate
        self.kept = kept
        self.dead = False
        self.record = TeeRecord.of(kept)
        self.shell = TeeShell(self, self.save, self.save_then)  # type: ignore[arg-type]

    def submit(self, job: Callable[[], Any], done: Callable[[Any], None]) -> None:
        if self.dead:
            return
        try:
            result = job()
        except Killed:
            self.dead = True
            return
        asyncio.get_running_loop().call_later(self._chance.choice((0, 0.0005)), self._call, done, result)

    def _call(self, done: Callable[..., None], *results: object) -> None:
        if not self.dead:
            done(*results)

    def save(self) -> None:
        if not self.dead:
            self.kept = asdict(self.record)

    def save_then(self, done: Callable[[], None]) -> None:
        for _ in range(2):  # before or after the keeper has it
            if self._chance.random() < self._rate:
                self.dead = True
            self.save()
        asyncio.get_running_loop().call_soon(self._call, done)


@pytest.mark.parametrize(
    ("block", "markers", "rotate_bytes"),
    [(False, True, 0), (False, False, 0), (True, True, 0), (False, True, 9000), (True, True, 9000)],
)
@pytest.mark.parametrize("seed", range(8))
async def test_the_copy_stays_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, block: bool, markers: bool, rotate_bytes: int
) -> None:
    chance = random.Random(f"{seed} {block} {markers} {rotate_bytes}")
    source = HandWrittenStream(CAPACITY)
    spec = TeeSpec(
        "stdout", os.fsencode(tmp_path / "copy"), block=block, markers=markers, rotate_bytes=rotate_bytes, keep=10_000
    )
    file = open_tee_file(spec.absolute_path, append=True)
    record = record_of(spec, 1)
    record.device, record.inode = file.identity.device, file.identity.inode
    daemon = MortalDaemon(chance, 0.2, asdict(record))
    monkeypatch.setattr(tee_file, "os", MortalOs(chance, 0.2))
    tee = OutputTee(source.stream, daemon.record, daemon.shell)
    tee.start(file)
    stream = lines(0, 25_000)
    at = deaths = 0
    while not tee.status().closed:
        if at < len(stream):
            burst = stream[at : at + chance.choice((10, 3000, 30_000, 100_000))]
            at += source.write_what_fits(burst)
        elif not source.stream.ring.closed:
            source.end()
        await asyncio.sleep(chance.choice((0, 0.001)))
        if daemon.dead:
            deaths += 1
            source.stream.remove(tee)
            if tee._file is not None:
                tee._file.close()
            daemon = MortalDaemon(chance, 0.2 if deaths < 40 else 0, daemon.kept)
            monkeypatch.setattr(tee_file, "os", MortalOs(chance, 0.2 if deaths < 40 else 0))
            tee = OutputTee(source.stream, daemon.record, daemon.shell)
            tee.start_again()
    await until(lambda: tee._file is None)
    source.close()
    copy = b"".join(file.read_bytes() for file in rotated(tmp_path / "copy"))
    status = tee.status()
    assert deaths > 0 and not status.uncertain and not status.disconnected
    assert status.written_bytes + status.missed_bytes == len(stream)
    if markers:
        assert check_copy(copy, stream) == status.missed_bytes
    assert len(copy) >= status.written_bytes and (not block or copy == stream)
    if not markers:
        assert len(copy) == status.written_bytes


async def test_a_file_that_changed_while_no_daemon_looked_is_gone_on_with_and_said_to_be_uncertain(
    tmp_path: Path,
) -> None:
    source = HandWrittenStream(CAPACITY)
    path = tmp_path / "copy"
    path.write_bytes(b"other")
    record = record_of(TeeSpec("stdout", os.fsencode(path)), 1)
    record.size, record.offset = 100, 4
    source.write(b"0123456789")
    source.end()
    daemon = MortalDaemon(random.Random(0), 0, asdict(record))
    tee = OutputTee(source.stream, daemon.record, daemon.shell)
    tee.start_again()
    await until(lambda: tee.status().closed)
    source.close()
    assert path.read_bytes() == b"other456789"
    assert tee.status().uncertain


async def test_a_file_that_was_renamed_is_found_and_a_new_one_goes_on(tmp_path: Path) -> None:
    source = HandWrittenStream(CAPACITY)
    path = tmp_path / "copy"
    path.write_bytes(b"0123")
    facts = path.stat()
    path.rename(tmp_path / "copy.old")
    record = record_of(TeeSpec("stdout", os.fsencode(path)), 1)
    record.device, record.inode = facts.st_dev, facts.st_ino
    source.write(b"0123456789")
    source.end()
    daemon = MortalDaemon(random.Random(0), 0, asdict(record))
    tee = OutputTee(source.stream, daemon.record, daemon.shell)
    tee.start_again()
    await until(lambda: tee.status().closed)
    source.close()
    assert path.read_bytes() == b"456789"
    assert not tee.status().uncertain and tee.status().written_bytes == 10
