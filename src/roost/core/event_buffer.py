"""A bounded buffer between what is emitted and one observer of it, in which every loss is counted.

Owns the rule of overflow; pure. At every moment: delivered + missed + buffered = emitted. Buffered is what waits and
what was handed out without having been confirmed; what is confirmed is delivered. What was handed out and not confirmed
when the observer went away waits again, in its old order.
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


def check_capacity(capacity: int) -> int:
    """A capacity that makes sense, 0 for the default. Raises InvalidError."""
    if not 0 <= capacity <= MAX_CAPACITY:
        raise InvalidError(f"a buffer of {capacity} events: give 1 to {MAX_CAPACITY}, or 0 for {DEFAULT_CAPACITY}")
    return capacity or DEFAULT_CAPACITY


@dataclass(frozen=True, slots=True)
class BufferState:
    """What of a buffer has to be kept to build it anew from the events behind `cursor`.

    handed_out: up to where events may have arrived already. gone: ranges of keys behind the cursor, ends included, that
    were missed and are counted.
    """

    delivered: int = 0
    missed: int = 0
    cursor: Key = (0, 0)
    handed_out: Key = (0, 0)
    gone: tuple[tuple[Key, Key], ...] = ()


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
        self._gone: list[tuple[Key, Key]] = list(state.gone)  # missed ones behind the cursor, in order

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
            if any(first <= item.key <= last for first, last in gone):
                continue
            if item.key <= handed_out and not self._waiting:
                self._handed_out.append(item)
            else:
                self.offer(item)

    def take(self, limit: int, limit_bytes: int = 1 << 62) -> list[T]:
        """Hand out the oldest waiting items, at least one if there is any; `limit_bytes` bounds their lines."""
        taken: list[T] = []
        size = 0
        while self._waiting and len(taken) < limit:
            size += len(self._waiting[0].line)
            if taken and size > limit_bytes:
                break
            taken.append(self._waiting.popleft())
        self._handed_out.extend(taken)
        return taken

    def confirm(self, through: Key) -> int:
        """Items up to that key have arrived, handed out or not; how many that were."""
        count = 0
        for part in (self._handed_out, self._waiting):
            while part and part[0].key <= through:
                self._cursor = max(self._cursor, part.popleft().key)
                count += 1
        self.delivered += count
        self._settle()
        return count

    def hand_out_again(self) -> int:
        """Whoever had the rest is gone: what was not confirmed waits again. How many the bound cost."""
        self._waiting.extendleft(reversed(self._handed_out))
        self._handed_out.clear()
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
        """Add a key to the ranges, joined with those from which no buffered item divides it."""
        at = bisect(self._gone, (key, key))
        first = last = key
        if at < len(self._gone) and not (self._waiting and self._waiting[0].key < self._gone[at][0]):
            last = self._gone.pop(at)[1]
        if at and not (self._handed_out and self._handed_out[-1].key > self._gone[at - 1][1]):
            at -= 1
            first = self._gone.pop(at)[0]
        self._gone.insert(at, (first, last))

    def _settle(self) -> None:
        """Move the cursor over what is missed and has nothing buffered before it."""
        oldest = self._handed_out or self._waiting
        while self._gone and not (oldest and oldest[0].key < self._gone[0][0]):
            self._cursor = max(self._cursor, self._gone.pop(0)[1])
