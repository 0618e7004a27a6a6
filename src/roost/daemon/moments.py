"""What a recording keeps in memory until it is written: when the stream was how long, and what happened beside it.

Owns the bounds: moments are thinned out, so that times get coarser; what happened beside is dropped and counted.
"""

from __future__ import annotations

from collections import deque

from roost.core.recording import Aside, Encoded, Mark

MAX_MARKS = 4096
MAX_ASIDES = 4096


class Moments:
    """Marks and asides, oldest first."""

    def __init__(self) -> None:
        self._marks: deque[Mark] = deque()
        self._asides: deque[Aside] = deque()
        self.dropped = 0
        #: How many asides there ever were.
        self.count = 0

    def grown(self, offset: int, at_us: int, *, since: int) -> None:
        """The stream has bytes up to `offset` by now; `since`: what is written already."""
        if offset > (self._marks[-1].offset if self._marks else since):
            self._marks.append(Mark(offset, at_us))
            if len(self._marks) > MAX_MARKS:
                self._marks = deque(list(self._marks)[1::2])

    def add(self, aside: Aside) -> bool:
        """Keep what happened, behind everything before it; False if there is no room."""
        if len(self._asides) >= MAX_ASIDES:
            self.dropped += 1
            return False
        self.put(aside)
        return True

    def put(self, aside: Aside) -> None:
        """Keep it whatever room there is."""
        if self._asides and aside.offset < self._asides[-1].offset:
            aside = Aside(self._asides[-1].offset, aside.at_us, aside.code, aside.data)
        self._asides.append(aside)
        self.count += 1

    def written(self, encoded: Encoded) -> None:
        """Forget what is in the file now."""
        for _ in range(encoded.asides):
            self._asides.popleft()
        while self._marks and self._marks[0].offset <= encoded.checkpoint.offset:
            self._marks.popleft()

    def take_dropped(self) -> int:
        """How many asides were dropped, once there is room again to say so."""
        if not self.dropped or len(self._asides) > MAX_ASIDES // 2:
            return 0
        dropped, self.dropped = self.dropped, 0
        return dropped

    @property
    def marks(self) -> tuple[Mark, ...]:
        """For the next batch."""
        return tuple(self._marks)

    @property
    def asides(self) -> tuple[Aside, ...]:
        """For the next batch."""
        return tuple(self._asides)

    def __bool__(self) -> bool:
        """Whether something happened beside the stream that is not written."""
        return bool(self._asides)

    def clear(self) -> None:
        """Forget everything."""
        self._marks.clear()
        self._asides.clear()
