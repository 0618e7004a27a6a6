"""Input on its way to the terminal past the daemon: what waits, what was sent, and how much of that has arrived.

Owns the count that makes a change of ways exact: what was sent is kept until the terminal is known to have taken it, so
that the rest can go another way, neither lost nor repeated, once this one has ended. Knows no descriptors.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol


class Way(Protocol):
    """What is asked of the way; `roost.ring.local.LocalReader` is one."""

    @property
    def taken(self) -> int:
        """How many bytes of what was typed the terminal has taken; final once `type` fails."""

    def type(self, data: bytes) -> int:
        """Send input; how much was sent. Raises BlockingIOError when it must wait, another OSError when it is over."""


class DirectInput:
    """Everything typed through one such way."""

    __slots__ = ("_kept", "_kept_bytes", "_sent", "_waiting", "_way", "unsent_bytes")

    def __init__(self, way: Way) -> None:
        self._way = way
        self._waiting: deque[bytes] = deque()
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0
        self._sent = 0
        #: Input that was offered and not sent.
        self.unsent_bytes = 0

    @property
    def in_doubt_bytes(self) -> int:
        """Input sent that the terminal has not taken."""
        return max(0, self._sent - self._way.taken)

    def offer(self, data: bytes) -> None:
        """Have that sent."""
        if data:
            self._waiting.append(data)
            self.unsent_bytes += len(data)

    def send(self) -> bool:
        """Send what can be sent now; True if that was anything. Raises OSError when this way is over."""
        moved = False
        while self._waiting:
            data = self._waiting[0]
            try:
                count = self._way.type(data)
            except BlockingIOError:
                break
            moved = True
            self._note_sent(data, count)
        return moved

    def _note_sent(self, data: bytes, count: int) -> None:
        if count == len(data):
            self._waiting.popleft()
        else:
            self._waiting[0], data = data[count:], data[:count]
        self.unsent_bytes -= count
        self._sent += count
        self._kept.append(data)
        self._kept_bytes += count
        self._let_go()

    def _let_go(self) -> None:
        """Keep no more than what the terminal has not taken."""
        excess = self._kept_bytes - self.in_doubt_bytes
        while excess > 0:
            first = self._kept[0]
            if len(first) > excess:
                self._kept[0] = first[excess:]
                self._kept_bytes -= excess
                return
            self._kept.popleft()
            self._kept_bytes -= len(first)
            excess -= len(first)

    def waiting(self) -> list[bytes]:
        """What was not sent."""
        return list(self._waiting)

    def rest(self) -> list[bytes]:
        """What the terminal has not taken and will not take any more, in order; this way is over."""
        self._let_go()
        return [*self._kept, *self._waiting]
