"""A bounded buffer between what is emitted and one observer of it, in which every loss is counted.

Owns the rule of overflow; pure. At every moment: delivered + missed + buffered = emitted. Buffered is what waits and
what was handed out without having been confirmed; what is confirmed is delivered. What was handed out and not confirmed
when the observer went away waits again, in its old order. Where items were missed, whoever takes is told so at exactly
that place, how many, and again until it has confirmed that.
"""

from __future__ import annotations

from bisect import bisect
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

from roost.errors import InvalidError

Key: TypeAlias = tuple[int, int]

DEFAULT_CAPACITY = 1024
MAX_CAPACITY = 1_000_000


class Keyed(Protocol):
    """What can be buffered: something in an order."""

    @property
    def key(self) -> Key: ...

    @property
    def line(self) -> bytes: ...


T = TypeVar("T", bound=Keyed)


@dataclass(frozen=True, slots=True, order=True)
class Missed:
    """Items that went for want of room: `count` of those from `first` through `last`, and none of them is buffered."""

    first: Key
    last: Key
    count: int

    @property
    def key(self) -> Key:
        """Whoever has got as far as this misses nothing more of it."""
        return self.last


def check_capacity(capacity: int) -> int:
    """A capacity that makes sense, 0 for the default. Raises InvalidError."""
    if not 0 <= capacity <= MAX_CAPACITY:
        raise InvalidError(f"a buffer of {capacity} events: give 1 to {MAX_CAPACITY}, or 0 for {DEFAULT_CAPACITY}")
    return capacity or DEFAULT_CAPACITY


@dataclass(frozen=True, slots=True)
class BufferState:
    """What of a buffer has to be kept to build it anew from the events behind `cursor`.

    handed_out: up to where events may have arrived already. gone: what was missed and counted, and whoever reads has
    not confirmed yet to know.
    """

    delivered: int = 0
    missed: int = 0
    cursor: Key = (0, 0)
    handed_out: Key = (0, 0)
    gone: tuple[Missed, ...] = ()


class EventBuffer(Generic[T]):
    """Up to `capacity` waiting items, and those handed out that nobody has confirmed yet."""

    def __init__(self, capacity: int, state: BufferState | None = None) -> None:
        state = state or BufferState()
        self.capacity = capacity
        self.delivered = state.delivered
        self.missed = state.missed
        self._cursor = state.cursor  # everything up to it was delivered or missed
        self._waiting: deque[T] = deque()
        self._handed_out: deque[T] = deque()
        self._gone: list[Missed] = list(state.gone)  # in order, each with no buffered item inside
        self._told: Key = (0, 0)  # up to where whoever takes now knows what it has missed

    @property
    def buffered(self) -> int:
        """How many are neither delivered nor missed."""
        return len(self._waiting) + len(self._handed_out)

    @property
    def waiting(self) -> int:
        """How many can be taken."""
        return len(self._waiting)

    @property
    def emitted(self) -> int:
        """How many there were altogether."""
        return self.delivered + self.missed + self.buffered

    def state(self) -> BufferState:
        """What to keep."""
        last = self._handed_out[-1].key if self._handed_out else self._cursor
        return BufferState(self.delivered, self.missed, self._cursor, last, tuple(self._gone))

    def offer(self, item: T) -> int:
        """Take an item in; the oldest waiting one goes when there is no room. How many went."""
        self._waiting.append(item)
        return self._trim()

    def restore(self, items: Iterable[T], handed_out: Key) -> None:
        """Fill a buffer that was made from a state with what came after its cursor, oldest first, in any portions."""
        gone = tuple(self._gone)
        for item in items:
            if any(one.first <= item.key <= one.last for one in gone):
                continue
            if item.key <= handed_out and not self._waiting:
                self._handed_out.append(item)
            else:
                self.offer(item)

    def take(self, limit: int, limit_bytes: int = 1 << 62) -> list[T | Missed]:
        """Hand out the oldest waiting items, at least one if there is any; `limit_bytes` bounds their lines. Before an
        item stands what was missed in front of it."""
        taken: list[T | Missed] = []
        count = size = 0
        while self._waiting and count < limit:
            size += len(self._waiting[0].line)
            if count and size > limit_bytes:
                break
            item = self._waiting.popleft()
            taken += self._untold_before(item.key)
            taken.append(item)
            self._handed_out.append(item)
            self._told = item.key
            count += 1
        return taken

    def _untold_before(self, key: Key) -> list[Missed]:
        if not self._gone or self._gone[-1].last < self._told:
            return []
        return [one for one in self._gone if self._told < one.last < key]

    def confirm(self, through: Key) -> int:
        """Items up to that key have arrived, handed out or not; how many that were."""
        count = 0
        for part in (self._handed_out, self._waiting):
            while part and part[0].key <= through:
                self._cursor = max(self._cursor, part.popleft().key)
                count += 1
        self.delivered += count
        while self._gone and self._gone[0].last <= through:
            self._cursor = max(self._cursor, self._gone.pop(0).last)
        self._settle()
        return count

    def hand_out_again(self) -> int:
        """Whoever had the rest is gone: what was not confirmed waits again. How many the bound cost."""
        self._waiting.extendleft(reversed(self._handed_out))
        self._handed_out.clear()
        self._told = (0, 0)
        return self._trim()

    def clear(self) -> None:
        """Forget what is buffered, as if it had never been emitted."""
        self._waiting.clear()
        self._handed_out.clear()

    def _trim(self) -> int:
        gone = 0
        while len(self._waiting) > self.capacity:
            self._note_gone(self._waiting.popleft().key)
            gone += 1
        self.missed += gone
        if gone:
            self._settle()
        return gone

    def _note_gone(self, key: Key) -> None:
        """Count a key in, joined with what was missed before and behind it where no buffered item is in between."""
        at = bisect(self._gone, Missed(key, key, 0))
        first, last, count = key, key, 1
        if at < len(self._gone) and not (self._waiting and self._waiting[0].key < self._gone[at].first):
            later = self._gone.pop(at)
            last, count = later.last, count + later.count
        if at and not (self._handed_out and self._handed_out[-1].key > self._gone[at - 1].last):
            earlier = self._gone.pop(at - 1)
            at, first, count = at - 1, earlier.first, count + earlier.count
        self._gone.insert(at, Missed(first, last, count))

    def _settle(self) -> None:
        """Move the cursor over what is missed and has nothing buffered before it: it need not be read again."""
        oldest = self._handed_out or self._waiting
        for one in self._gone:
            if oldest and oldest[0].key < one.first:
                break
            self._cursor = max(self._cursor, one.last)
