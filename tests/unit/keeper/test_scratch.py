"""Reading terminals and pipes into a draining thread's memory: everything, in order, whatever goes wrong in between."""

from __future__ import annotations

import errno
import os
import tty
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from roost.keeper.scratch import PTY_READ_BYTES, SLOT_BYTES, TOGETHER, Scratch
from roost.platform import aio
from roost.ring.layout import GUARD_BYTES


@pytest.fixture
def terminals() -> Iterator[list[tuple[int, int]]]:
    """Raw terminals: masters that do not block, and their slaves."""
    pairs = [os.openpty() for _ in range(TOGETHER)]
    for master, slave in pairs:
        os.set_blocking(master, False)
        tty.setraw(slave)
    yield pairs
    for pair in pairs:
        for fd in pair:
            os.close(fd)


def text(number: int, length: int) -> bytes:
    return bytes((number * 31 + at) % 251 for at in range(length))


def without_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine whose kernel has none."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSYS, "none")

    monkeypatch.setattr(aio, "ReadBatch", refuse)


@pytest.mark.parametrize("batches", [True, False])
def test_terminals_read_in_rounds_give_each_what_was_written_to_it(
    monkeypatch: pytest.MonkeyPatch, terminals: list[tuple[int, int]], batches: bool
) -> None:
    if not batches:
        without_batches(monkeypatch)
    scratch = Scratch()
    lengths = [0, 1, 100, 3000, 4000, 2, 0, 4095][:TOGETHER]
    for number, ((_, slave), length) in enumerate(zip(terminals, lengths, strict=True)):
        assert os.write(slave, text(number, length)) == length
    taken = [b""] * len(terminals)
    while any(len(have) < length for have, length in zip(taken, lengths, strict=True)):
        for at, (piece, _) in enumerate(scratch.in_rounds([master for master, _ in terminals])):
            taken[at] += bytes(piece)
    assert taken == [text(number, length) for number, length in enumerate(lengths)]
    assert [(len(piece), more) for piece, more in scratch.in_rounds([terminals[0][0]])] == [(0, False)]
    assert scratch.is_large
    scratch.shrink()
    assert not scratch.is_large
    os.write(terminals[1][1], b"later")
    assert [bytes(piece) for piece, _ in scratch.in_rounds([master for master, _ in terminals[:2]])] == [b"", b"later"]
    scratch.close()


class Kernel:
    """Gives what it was told to, read by read, for each descriptor."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, script: dict[int, Sequence[bytes | int]]) -> None:
        self.script = {fd: list(steps) for fd, steps in script.items()}
        self.order: list[int] = []
        monkeypatch.setattr(os, "readv", self.readv)
        without_batches(monkeypatch)

    def readv(self, fd: int, buffers: Sequence[Any]) -> int:
        self.order.append(fd)
        step = self.script[fd].pop(0) if self.script[fd] else errno.EAGAIN
        if isinstance(step, int):
            raise OSError(step, os.strerror(step))
        assert len(step) <= len(buffers[0])
        buffers[0][: len(step)] = step
        return len(step)


FULL = [text(number, PTY_READ_BYTES) for number in range(40)]


def test_in_rounds_each_has_one_read_before_any_has_its_next_and_none_more_than_its_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kernel = Kernel(monkeypatch, {3: FULL[:20], 4: [FULL[0], b"end"], 5: []})
    long, short, silent = Scratch().in_rounds([3, 4, 5])
    assert (bytes(long[0]), long[1]) == (b"".join(FULL[:8]), True) and len(long[0]) == SLOT_BYTES
    assert (bytes(short[0]), short[1]) == (FULL[0] + b"end", False)
    assert (bytes(silent[0]), silent[1]) == (b"", False)
    assert kernel.order == [3, 4, 5, 3, 4, *[3] * 6]


class Batch:
    """A kernel's batch that gives what it was told to, for each descriptor round by round."""

    is_open = True

    def __init__(self, script: dict[int, Sequence[bytes | int]]) -> None:
        self.script = script

    def __call__(self, buffer: bytearray, piece_bytes: int, rounds: int, _: int) -> Batch:
        self.buffer, self.piece_bytes, self.rounds = buffer, piece_bytes, rounds
        return self

    def read(self, fds: Sequence[int]) -> list[list[int]]:
        return [[self.step(which, fd, turn) for turn in range(self.rounds)] for which, fd in enumerate(fds)]

    def step(self, which: int, fd: int, turn: int) -> int:
        step = self.script[fd][turn] if turn < len(self.script[fd]) else -errno.EAGAIN
        if isinstance(step, int):
            return step
        start = (which * self.rounds + turn) * self.piece_bytes
        self.buffer[start : start + len(step)] = step
        return len(step)


def test_what_came_behind_a_short_read_of_a_batch_follows_it_without_a_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    script: dict[int, Sequence[bytes | int]] = {
        3: [FULL[0], b"short", FULL[1], -errno.EAGAIN, FULL[2], *FULL[:3]],
        4: FULL[:8],
        5: [b"x", b"yz"],
        6: [-errno.EIO] * 8,
        7: [FULL[0], *[-errno.EINTR] * 7],
    }
    monkeypatch.setattr(aio, "ReadBatch", Batch(script))
    pieces = [(bytes(piece), more) for piece, more in Scratch().in_rounds([3, 4, 5, 6, 7])]
    assert pieces == [
        (FULL[0] + b"short" + FULL[1] + FULL[2] + b"".join(FULL[:3]), True),
        (b"".join(FULL[:8]), True),
        (b"xyz", False),
        (b"", False),
        (FULL[0], True),
    ]


@pytest.mark.parametrize(("number", "more"), [(errno.EIO, False), (errno.EAGAIN, False), (errno.ENOMEM, True)])
def test_what_was_read_before_a_failure_is_not_lost_with_it(
    monkeypatch: pytest.MonkeyPatch, number: int, more: bool
) -> None:
    scratch = Scratch()
    Kernel(monkeypatch, {3: [FULL[0], FULL[1], number]})
    assert scratch.from_terminal(3, GUARD_BYTES, 16) == (2 * PTY_READ_BYTES, more)
    assert bytes(scratch.first(2 * PTY_READ_BYTES)) == FULL[0] + FULL[1]
    Kernel(monkeypatch, {3: [FULL[0], number]})
    ((piece, again),) = scratch.in_rounds([3])
    assert (bytes(piece), again) == (FULL[0], more)
    Kernel(monkeypatch, {3: [FULL[0], number]})
    total, goes_on, ended = scratch.to_the_end(3, GUARD_BYTES)
    assert (total, goes_on, ended) == (PTY_READ_BYTES, more, number == errno.EIO)


def test_a_failure_with_nothing_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    Kernel(monkeypatch, {3: [errno.ENOMEM]})
    with pytest.raises(OSError, match="memory"):
        Scratch().from_terminal(3, GUARD_BYTES, 16)
    Kernel(monkeypatch, {3: [errno.ENOMEM]})
    with pytest.raises(OSError, match="memory"):
        Scratch().to_the_end(3, GUARD_BYTES)


def test_a_short_read_ends_a_terminals_turn_and_a_limit_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(monkeypatch, {3: [FULL[0], b"x", FULL[1]], 4: FULL[:20], 5: [b"y" * 100]})
    assert Scratch().from_terminal(3, GUARD_BYTES, 16) == (PTY_READ_BYTES + 1, False)
    assert Scratch().from_terminal(4, GUARD_BYTES, 2) == (2 * PTY_READ_BYTES, True)
    assert Scratch().from_terminal(5, 100, 16) == (100, True)
    assert kernel.order == [3, 3, 4, 4, 5]
