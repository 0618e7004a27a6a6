"""The buffer of an observer: every event is delivered, missed or buffered, whatever happens, also over a new daemon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.core.event_buffer import DEFAULT_CAPACITY, EventBuffer, Missed, check_capacity
from roost.errors import InvalidError


@dataclass(frozen=True)
class Item:
    key: tuple[int, int]
    line: bytes = b"0123456789"


class Model:
    """An observer and its reader, next to the buffer: which events arrived, and where some are known to be gone."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.buffer: EventBuffer[Item] = EventBuffer(capacity)
        self.journal: list[Item] = []
        self.received: list[Item | Missed] = []
        self.confirmed = 0

    def emit(self, count: int) -> None:
        for _ in range(count):
            item = Item((1, len(self.journal) + 1))
            self.journal.append(item)
            self.buffer.offer(item)

    def take(self, count: int) -> None:
        self.received += self.buffer.take(count)

    def confirm(self, back: int) -> None:
        """The reader confirms what it has received, but for the last few."""
        upto = len(self.received) - back
        if upto > self.confirmed:
            self.confirmed = upto
            self.buffer.confirm(self.received[upto - 1].key)

    def reconnect(self, knows: bool) -> None:
        """The reader comes back, and says what it has received or does not: then it gets that again."""
        if knows and self.received:
            self.buffer.confirm(self.received[-1].key)
            self.confirmed = len(self.received)
        else:
            del self.received[self.confirmed :]
        self.buffer.hand_out_again()

    def new_daemon(self, how: tuple[int, bool]) -> None:
        """The buffer is built anew from the stored state and the journal, and the reader comes back."""
        portion, knows = how
        state = self.buffer.state()
        before = (self.buffer.delivered, self.buffer.missed, self.buffer.buffered, self.buffer.waiting)
        fresh: EventBuffer[Item] = EventBuffer(self.capacity, state)
        rest = [item for item in self.journal if item.key > state.cursor]
        for start in range(0, len(rest), portion):
            fresh.restore(rest[start : start + portion], state.handed_out)
        assert (fresh.delivered, fresh.missed, fresh.buffered, fresh.waiting) == before
        self.buffer = fresh
        self.reconnect(knows)

    def check(self) -> None:
        buffer = self.buffer
        assert buffer.delivered + buffer.missed + buffer.buffered == len(self.journal) == buffer.emitted
        assert buffer.waiting <= self.capacity
        assert buffer.delivered == sum(isinstance(one, Item) for one in self.received[: self.confirmed])
        at = 0
        for one in self.received:
            first = one.first[1] if isinstance(one, Missed) else one.key[1]
            assert first == at + 1, "in order, none twice, and none left out in silence"
            at = one.key[1]
            assert not isinstance(one, Missed) or one.count == at - first + 1, "exactly so many"


ACTIONS: list[tuple[str, st.SearchStrategy[Any]]] = [
    ("emit", st.integers(1, 12)),
    ("take", st.integers(1, 9)),
    ("confirm", st.integers(0, 3)),
    ("reconnect", st.booleans()),
    ("new_daemon", st.tuples(st.integers(1, 7), st.booleans())),
]
STEPS = st.one_of(*[st.tuples(st.just(name), argument) for name, argument in ACTIONS])


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 8), st.lists(STEPS, max_size=40))
def test_delivered_and_missed_and_buffered_are_all_there_is(capacity: int, steps: list[tuple[str, Any]]) -> None:
    model = Model(capacity)
    for name, argument in steps:
        act: Callable[[Any], None] = getattr(model, name)
        act(argument)
        model.check()


def test_the_oldest_goes_first_and_is_counted() -> None:
    buffer: EventBuffer[Item] = EventBuffer(3)
    gone = [buffer.offer(Item((1, n))) for n in range(1, 6)]
    assert gone == [0, 0, 0, 1, 1] and buffer.missed == 2
    gap, *rest = buffer.take(10)
    assert gap == Missed((1, 1), (1, 2), 2)
    assert [item.key[1] for item in rest] == [3, 4, 5]
    assert buffer.hand_out_again() == 0
    assert buffer.take(1)[0] == gap, "told again, until it is confirmed"
    buffer.confirm((1, 3))
    assert buffer.hand_out_again() == 0
    assert [item.key[1] for item in buffer.take(10)] == [4, 5]


def test_a_portion_is_bounded_in_bytes_but_never_empty() -> None:
    buffer: EventBuffer[Item] = EventBuffer(9)
    for n in range(1, 6):
        buffer.offer(Item((1, n)))
    assert [len(buffer.take(9, 25)), len(buffer.take(9, 1)), len(buffer.take(9, 100))] == [2, 1, 2]


@pytest.mark.parametrize("capacity", [-1, 1_000_001, 2**32])
def test_absurd_capacities_are_refused(capacity: int) -> None:
    assert check_capacity(0) == DEFAULT_CAPACITY
    with pytest.raises(InvalidError):
        check_capacity(capacity)
