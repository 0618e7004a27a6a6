"""Output events out of a ring that is only pretended: turns, limits, gaps, floods."""

from __future__ import annotations

from roost.client.ring_output import FLOOD_BYTES, PIECE_BYTES, TURN_BYTES, RingOutput
from roost.model import Gap, Output

CAPACITY = 1 << 20


class FakeRing:
    """As much output as one says, all of it zeros."""

    capacity = CAPACITY
    wake_fd = -1

    def __init__(self, end: int) -> None:
        self.end = end

    @property
    def start(self) -> int:
        return max(0, self.end - CAPACITY)

    def read(self, offset: int, limit_bytes: int = PIECE_BYTES) -> bytes | None:
        return None if offset < self.start else bytes(min(limit_bytes, self.end - offset))

    def arm(self, offset: int) -> bool:
        return offset == self.end

    def calm(self) -> None: ...

    def close(self) -> None: ...


def test_a_turn_ends_so_that_the_connection_is_looked_at_in_a_flood() -> None:
    output = RingOutput(FakeRing(CAPACITY))
    first = output.read(0, None)
    assert isinstance(first, Output) and len(first.data) == TURN_BYTES
    assert output.read(TURN_BYTES, None) is None
    assert isinstance(output.read(TURN_BYTES, None), Output)


def test_the_last_stretch_is_read_without_a_pause_and_not_beyond_its_end() -> None:
    output, at = RingOutput(FakeRing(CAPACITY)), 0
    while at < 200_000:
        event = output.read(at, 200_000)
        assert isinstance(event, Output)
        at += len(event.data)
    assert at == 200_000


def test_a_gap_goes_to_the_oldest_byte_and_soon_after_to_near_the_end() -> None:
    ring = FakeRing(3 * CAPACITY)
    output = RingOutput(ring)
    assert output.read(0, None) == Gap(0, 2 * CAPACITY)
    ring.end += CAPACITY
    assert output.read(2 * CAPACITY, None) == Gap(2 * CAPACITY, 3 * CAPACITY + CAPACITY // 4 * 3)


def test_a_gap_does_not_go_beyond_where_the_output_ends() -> None:
    assert RingOutput(FakeRing(3 * CAPACITY)).read(0, 1000) == Gap(0, 1000)


def test_only_a_flood_that_the_ring_can_wait_for_is_collected() -> None:
    ring = FakeRing(FLOOD_BYTES)
    output = RingOutput(ring)
    assert not output.collects()
    output.read(0, None)
    assert output.collects() and not output.collects()
    ring.capacity = FLOOD_BYTES
    output.read(0, ring.end)
    assert not output.collects()
