"""Plays a recording: what is written when, and where keys lead.

Owns the playing's time. The clock, the terminal and the keys come from outside, so that tests need none of them. The
recording is read as it is played; going back means beginning anew and hurrying to the place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from roost.core.cast import MARKER, OUTPUT, Cast, CastEvent

SKIP_US = 5_000_000
_US = 1_000_000


class Keys(Protocol):
    """Where keys come from: names of `roost.cli.player_keys`."""

    def wait(self, timeout_s: float | None) -> list[str]:
        """The keys that were pressed, as soon as there are some or the time is over."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast. idle_limit_us: no pause is longer, None for as recorded. start_us: hurry to there first."""

    speed: float = 1.0
    idle_limit_us: int | None = None
    start_us: int = 0


class Player:
    """One playing of one recording. Times are those of the playing at speed 1, idle times cut."""

    def __init__(
        self,
        open_cast: Callable[[], Cast],
        write: Callable[[bytes], None],
        clear: Callable[[], None],
        keys: Keys,
        clock: Callable[[], float],
        pace: Pace,
    ) -> None:
        """`open_cast` reads the recording from its beginning, any number of times; `clear` empties the screen."""
        self._open_cast = open_cast
        self._write = write
        self._clear = clear
        self._keys = keys
        self._clock = clock
        self._pace = pace
        self._events: Iterator[tuple[int, CastEvent]] = iter(())
        self._next: tuple[int, CastEvent] | None = None
        self._shown_us = 0  # time of the last event written
        self._zero_s = 0.0  # when the playing's time 0 was, by the clock
        self._paused_at: int | None = None

    def run(self) -> bool:
        """Play to the end; False when somebody quit."""
        self._rewind()
        self._hurry(self._pace.start_us)
        self._go_on_from(max(self._pace.start_us, 0))
        while self._next is not None:
            at_us, event = self._next
            keys = self._keys.wait(self._wait_s(at_us))
            if keys:
                if not all(self._key(key) for key in keys):
                    return False
            elif self._paused_at is None and self._wait_s(at_us) == 0:
                self._show(at_us, event)
        return True

    # --- the recording --------------------------------------------------------------------------------------------

    def _rewind(self) -> None:
        self._events = self._timed()
        self._next = next(self._events, None)
        self._shown_us = 0

    def _timed(self) -> Iterator[tuple[int, CastEvent]]:
        limit = self._pace.idle_limit_us
        before = played = 0
        for event in self._open_cast().events:
            pause = event.at_us - before
            played += pause if limit is None else min(pause, limit)
            before = event.at_us
            yield played, event

    def _show(self, at_us: int, event: CastEvent) -> None:
        self._shown_us = at_us
        if event.code == OUTPUT:
            self._write(event.data.encode("utf-8", "replace"))
        self._next = next(self._events, None)

    def _hurry(self, to_us: int) -> None:
        """Show everything before a moment at once."""
        while self._next is not None and self._next[0] < to_us:
            self._show(*self._next)

    # --- time -----------------------------------------------------------------------------------------------------

    def _now_us(self) -> int:
        if self._paused_at is not None:
            return self._paused_at
        return int((self._clock() - self._zero_s) * self._pace.speed * _US)

    def _go_on_from(self, at_us: int) -> None:
        self._zero_s = self._clock() - at_us / _US / self._pace.speed
        if self._paused_at is not None:
            self._paused_at = at_us

    def _wait_s(self, at_us: int) -> float | None:
        if self._paused_at is not None:
            return None
        return max(0.0, (at_us - self._now_us()) / _US / self._pace.speed)

    # --- keys -----------------------------------------------------------------------------------------------------

    def _key(self, key: str) -> bool:
        """Do what a key says; False for quit."""
        if key == "quit":
            return False
        if key == "pause":
            if self._paused_at is None:
                self._paused_at = self._now_us()
            else:
                at, self._paused_at = self._paused_at, None
                self._go_on_from(at)
        elif key == "forward":
            self._move(self._now_us() + SKIP_US)
        elif key == "back":
            self._move(max(0, self._now_us() - SKIP_US))
        elif key == "step" and self._paused_at is not None and self._next is not None:
            at_us = self._next[0]
            self._show(*self._next)
            self._go_on_from(at_us)
        elif key == "marker":
            self._to_next_marker()
        return True

    def _move(self, to_us: int) -> None:
        if to_us < self._shown_us:
            self._clear()
            self._rewind()
        self._hurry(to_us)
        self._go_on_from(to_us)

    def _to_next_marker(self) -> None:
        while self._next is not None:
            at_us, event = self._next
            self._show(at_us, event)
            if event.code == MARKER:
                self._go_on_from(at_us)
                return
