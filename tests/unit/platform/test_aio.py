"""Batches of reads: results as single reads would give them, for as long as the kernel carries them out."""

from __future__ import annotations

import errno
import os
import tty
from collections.abc import Iterator

import pytest

from roost.platform.aio import ReadBatch

PIECE, ROUNDS, MOST = 4095, 3, 4


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A raw terminal: a master that does not block, and its slave."""
    master, slave = os.openpty()
    os.set_blocking(master, False)
    tty.setraw(slave)
    yield master, slave
    os.close(master)
    os.close(slave)


@pytest.fixture
def batch() -> Iterator[tuple[ReadBatch, bytearray]]:
    """A batch and its buffer."""
    buffer = bytearray(MOST * ROUNDS * PIECE)
    try:
        made = ReadBatch(buffer, PIECE, ROUNDS, MOST)
    except OSError as error:
        pytest.skip(f"no batches here: {error}")
    yield made, buffer
    made.close()
    made.close()


def test_each_round_of_a_terminal_comes_to_its_own_place_and_nothing_is_eagain(
    batch: tuple[ReadBatch, bytearray], terminal: tuple[int, int]
) -> None:
    reads, buffer = batch
    (silent, held), (master, slave) = os.openpty(), terminal
    os.set_blocking(silent, False)
    data = bytes(at % 251 for at in range(4000))
    assert os.write(slave, data) == len(data)
    assert reads.read([silent, master]) == [[-errno.EAGAIN] * ROUNDS, [len(data), *[-errno.EAGAIN] * (ROUNDS - 1)]]
    assert buffer[ROUNDS * PIECE : ROUNDS * PIECE + len(data)] == data
    assert reads.read([master]) == [[-errno.EAGAIN] * ROUNDS]
    os.close(held)
    assert reads.read([silent]) == [[-errno.EIO] * ROUNDS]
    os.close(silent)


def test_results_are_right_however_often_the_kernels_ring_of_them_has_been_round(
    batch: tuple[ReadBatch, bytearray], terminal: tuple[int, int]
) -> None:
    reads, buffer = batch
    master, slave = terminal
    for turn in range(400):
        os.write(slave, data := b"%d" % turn)
        assert reads.read([master] * (1 + turn % MOST))[0] == [len(data), *[-errno.EAGAIN] * (ROUNDS - 1)]
        assert buffer[: len(data)] == data


def test_a_batch_that_the_kernel_breaks_off_says_so_and_loses_nothing(
    batch: tuple[ReadBatch, bytearray], terminal: tuple[int, int]
) -> None:
    reads, buffer = batch
    master, slave = terminal
    closed = os.dup(master)
    os.close(closed)
    os.write(slave, b"before")
    assert reads.read([master, closed]) == [[6, -errno.EINTR, -errno.EINTR], [-errno.EINTR] * ROUNDS]
    assert buffer[:6] == b"before"
    assert not reads.is_open
