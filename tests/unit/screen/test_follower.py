"""A ring is shown whole, and when it is written faster than it can be shown, its newest part is."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from roost.ring.reader import RingReader
from roost.ring.writer import RingWriter, create_ring_file
from roost.screen.follower import SLICE_BYTES, Beginning, Follower
from roost.screen.page import Page

CAPACITY = 4 * SLICE_BYTES
START = Beginning(offset=0, exact=True, alternate=False, sizes=[(0, 5, 20)])


class Ring:
    """A ring that is written by the test."""

    def __init__(self) -> None:
        self.fd = create_ring_file("test", CAPACITY)
        self._writer = RingWriter(self.fd)

    def write(self, data: bytes) -> None:
        for start in range(0, len(data), 4096):
            self._writer.append(memoryview(data[start : start + 4096]))

    def flood(self) -> None:
        """As much as makes everything before it unreadable."""
        self.write(b"flood\r\n" * (CAPACITY // 7 + 10000))

    def close(self) -> None:
        self._writer.release()
        os.close(self.fd)


@pytest.fixture
def ring() -> Iterator[Ring]:
    ring = Ring()
    yield ring
    ring.close()


@pytest.fixture
def follower(ring: Ring) -> Iterator[Follower]:
    follower = Follower(RingReader(ring.fd, writable=False), START)
    yield follower
    follower.close()


def show(follower: Follower, until: int | None = None) -> list[str]:
    while follower.step(until):
        pass
    return follower.emulator.text()


def test_what_was_secured_is_shown_although_it_was_overwritten(ring: Ring, follower: Follower) -> None:
    ring.write(b"x\r\n" * SLICE_BYTES + b"the end")
    until = follower.end
    follower.secure(until)
    ring.flood()
    assert show(follower, until)[-1] == "the end" and follower.offset == until
    assert show(follower)[-1] == "the end" and follower.lapped


def test_a_ring_that_was_overtaken_is_begun_anew_in_its_newest_output(ring: Ring, follower: Follower) -> None:
    ring.flood()
    follower.secure(follower.end)
    assert not follower.step() and follower.lapped
    ring.write(b"half a line\r\nnewest")
    offset, until = follower.secure_newest()
    ring.flood()
    follower.begin(replace(START, offset=offset, exact=False, sizes=[(offset, 5, 20)]))
    assert show(follower, until)[-2:] == ["half a line", "newest"] and follower.offset == until
    assert not follower.snapshot().approximate, "more lines scrolled than the screen has"


def test_the_newest_output_is_kept_until_it_is_begun_with(ring: Ring, follower: Follower) -> None:
    ring.flood()
    assert not follower.step()
    offset, until = follower.secure_newest()
    ring.flood()
    follower.secure(follower.end)
    follower.begin(replace(START, offset=offset, exact=False, sizes=[(offset, 5, 20)]))
    show(follower, until)
    assert follower.offset == until


def test_a_beginning_in_the_newest_output_cuts_no_sequence(ring: Ring, follower: Follower) -> None:
    ring.write(b"\x1b[31mred\x1b[0m" * (CAPACITY // 12 + 5000))
    offset, until = follower.secure_newest()
    follower.begin(replace(START, offset=offset, exact=False, sizes=[(offset, 5, 20)]))
    assert set("".join(show(follower, until))) == set("red")


def test_output_that_may_be_for_a_size_to_come_waits_for_it(ring: Ring) -> None:
    fd = os.memfd_create("test")
    os.ftruncate(fd, mmap.PAGESIZE)
    page = Page(fd)
    os.close(fd)
    follower = Follower(RingReader(ring.fd, writable=False), START, lambda: page.awaits_size)
    ring.write(b"old")
    show(follower)
    number = page.announce()
    ring.write(b"\x1b[H\x1b[2J" + b"\r\n".join(b"row %d" % n for n in range(8)))
    assert show(follower)[0] == "old" and follower.held_back
    follower.size(3, 8, 20)
    page.told(number)
    assert show(follower) == [f"row {n}" for n in range(8)] and not follower.held_back
    page.announce()
    page.give_up()
    ring.write(b"!")
    assert show(follower)[-1] == "row 7!"
    follower.close()
    page.close()
