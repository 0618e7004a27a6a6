"""Looks for text in a session's output as it comes, from an offset on.

Owns a tap and the text window. Some output before the offset is read first, in which nothing is found: it tells whether
the offset stands in the middle of an escape sequence, or of what is typed at a prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from roost.core.patterns import Found, TextWindow
from roost.core.plain_text import PlainText
from roost.core.wait_conditions import Condition
from roost.daemon.stream import Stream
from roost.daemon.tap import Slices, Tap

#: How much is read before the offset.
LEAD_IN_BYTES = 64 * 1024


class OutputWatch:
    """The text conditions of one wait, on one stream. `on_output` is told of every piece, with its end."""

    def __init__(
        self,
        stream: Stream,
        since: int,
        conditions: Iterable[Condition],
        on_found: Callable[[Condition, Found], None],
        on_output: Callable[[int], None],
        call_later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self._conditions = list(conditions)
        self._on_found = on_found
        self._on_output = on_output
        self._since = since
        self._window = TextWindow()
        #: Bytes from the offset on that had left the ring before they were looked at.
        self.missed = 0
        # Without texts to look for the tap is there to have the stream look at its output at once, for its marks.
        start = stream.ring.end if not self._conditions else max(stream.ring.start, since - LEAD_IN_BYTES)
        self._text = PlainText(start)
        # Lines that a program goes back into are read a hundred times slower than others.
        self._tap = Tap(stream, start, self._on_data, self._on_gap, slices=Slices(call_later))
        if self._conditions and since < start:
            self.missed = start - since

    def start(self) -> None:
        """Look at what there is, then at what comes."""
        self._tap.open()

    def stop(self) -> None:
        """Look no more."""
        self._tap.close()

    @property
    def offset(self) -> int:
        """Up to where the output was looked at."""
        return self._tap.offset

    def _on_data(self, offset: int, data: bytes) -> None:
        if self._conditions:
            if offset < self._since:
                lead, data = data[: self._since - offset], data[self._since - offset :]
                self._text.feed(lead)
            if data:
                self._look(data)
        self._on_output(self._tap.offset)

    def _look(self, data: bytes) -> None:
        self._window.add(self._text.feed(data))
        for condition in tuple(self._conditions):
            assert condition.pattern is not None
            found = self._window.find(condition.pattern)
            if found is not None:
                self._conditions.remove(condition)
                self._on_found(condition, found)

    def _on_gap(self, start: int, end: int) -> None:
        self.missed += max(0, end - max(start, self._since))
        self._text.lapped(end)
        self._window.cut()
        self._on_output(end)
