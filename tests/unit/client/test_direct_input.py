"""Input past the daemon, seen from the client: what is kept, and how the way is changed without loss or repetition."""

from __future__ import annotations

import random

from roost.client.direct_input import DirectInput
from roost.client.outbox import LIMIT_BYTES, Outbox
from roost.wire.frames import encode_detach, encode_input


class FakeWay:
    """Takes so many bytes more; the terminal has taken `taken` of what was typed."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.typed = bytearray()
        self.taken = 0
        self.over = False

    def type(self, data: bytes) -> int:
        if self.over:
            raise BrokenPipeError
        if not self.room:
            raise BlockingIOError
        count = min(self.room, len(data))
        self.room -= count
        self.typed += data[:count]
        return count


def frames_of(outbox: Outbox) -> bytes:
    seen = b""
    while outbox:
        head = bytes(outbox.head())
        seen += head
        outbox.sent(len(head))
    return seen


def test_what_the_terminal_has_not_taken_is_kept_and_nothing_else() -> None:
    way, chance, typed = FakeWay(0), random.Random(1), b""
    direct = DirectInput(way)
    for _ in range(300):
        data = chance.randbytes(chance.randrange(1, 50))
        typed += data
        direct.offer(data)
        way.room += chance.randrange(60)
        direct.send()
        way.taken += chance.randrange(len(way.typed) - way.taken + 1)
        assert b"".join(direct.rest()) == typed[way.taken :]
        assert direct.in_doubt_bytes == len(way.typed) - way.taken
        assert direct.unsent_bytes == len(typed) - len(way.typed)


def test_when_the_way_is_over_the_rest_goes_as_frames_before_what_follows() -> None:
    outbox, way = Outbox(), FakeWay(6)
    outbox.use(way)
    assert outbox.offer(memoryview(b"abcdefgh")) == 8 and outbox.awaits_terminal and not outbox
    assert outbox.direct is not None and outbox.direct.send()
    way.taken = 4
    assert (outbox.in_doubt_bytes, outbox.unsent_bytes) == (2, 2)
    outbox.use(None)
    outbox.offer(memoryview(b"ij"))
    assert (outbox.in_doubt_bytes, outbox.unsent_bytes) == (0, 6)
    assert frames_of(outbox) == b"".join(map(encode_input, (b"ef", b"gh", b"ij")))
    assert outbox.in_doubt_bytes == 6


def test_another_way_takes_over_the_rest_and_the_frames_that_wait() -> None:
    outbox, first, second = Outbox(), FakeWay(100), FakeWay(100)
    outbox.use(first)
    outbox.offer(memoryview(b"one two"))
    assert outbox.direct is not None
    outbox.direct.send()
    first.taken = 4
    outbox.use(second)
    outbox.direct.send()
    assert second.typed == b"two"
    outbox.use(None)
    outbox.add_control(encode_detach())
    third = FakeWay(100)
    outbox.use(third)
    outbox.direct.send()
    assert third.typed == b"two" and frames_of(outbox) == encode_detach() and outbox.unsent_bytes == 0


def test_a_lost_connection_leaves_nothing_in_doubt_that_went_past_it() -> None:
    outbox, way = Outbox(), FakeWay(100)
    outbox.use(way)
    outbox.offer(memoryview(b"abc"))
    assert outbox.direct is not None and outbox.direct.send() and outbox.restart() == 0


def test_no_more_is_accepted_than_may_wait() -> None:
    outbox = Outbox()
    outbox.use(FakeWay(0))
    assert outbox.offer(memoryview(bytes(LIMIT_BYTES + 5))) == LIMIT_BYTES and outbox.room_bytes == 0


def test_at_the_end_the_counts_stay() -> None:
    outbox, way = Outbox(), FakeWay(3)
    outbox.use(way)
    outbox.offer(memoryview(b"abcde"))
    assert outbox.direct is not None and outbox.direct.send()
    way.taken = 1
    outbox.close()
    assert (outbox.in_doubt_bytes, outbox.unsent_bytes) == (2, 2)
