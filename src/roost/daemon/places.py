"""Places kept for clients of a daemon that died: exclusive slot and hold, until they come back or time is up.

Owns who may come back and for how long. Knows streams only to move their reserved hold. A client that is still awaited
when this daemon dies too is awaited by the next one: its ticket stays in the record until its place is given up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from roost.daemon.record import Ticket
from roost.daemon.stream import Stream

#: How long a place is kept.
RESUME_S = 10.0


@dataclass(slots=True)
class _Place:
    ticket: Ticket
    hold: int | None
    timer: asyncio.TimerHandle


class Places:
    """The kept places of one session."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        streams: Mapping[str, Stream],
        *,
        on_given_up: Callable[[str], None],
    ) -> None:
        """`on_given_up`: told the token of a place that nobody may come back to any more."""
        self._loop = loop
        self._streams = streams
        self._on_given_up = on_given_up
        self._places: dict[str, _Place] = {}

    def keep(self, tickets: list[Ticket]) -> None:
        """Keep a place for each ticket (once, at adoption). A lossless one keeps the hold that the ring has now."""
        for ticket in tickets:
            stream = self._streams.get(ticket.stream)
            if stream is not None:
                hold = stream.ring.hold if ticket.lossless else None
                timer = self._loop.call_later(RESUME_S, self.release, ticket.token)
                self._places[ticket.token] = _Place(ticket, hold, timer)
        for name in self._streams:
            self._set_hold(name)

    def claim(self, token: str) -> bool:
        """A client came back: its place is its own again. Its hold stands until its attachment takes it over."""
        place = self._places.pop(token, None)
        if place is None:
            return False
        place.timer.cancel()
        self._streams[place.ticket.stream].reserved_hold = self._least_hold(place.ticket.stream)
        return True

    def release(self, token: str) -> None:
        """Give a place up: time is up, or somebody stole it."""
        place = self._places.pop(token, None)
        if place is not None:
            place.timer.cancel()
            self._set_hold(place.ticket.stream)
            self._on_given_up(token)

    def release_all(self) -> None:
        """Give every place up: no daemon follows that could be come back to."""
        for token in tuple(self._places):
            self.release(token)

    def rivals(self, stream: str, mode: str) -> list[str]:
        """Tokens of kept places that a client of that mode may not join."""
        return [
            token
            for token, place in self._places.items()
            if place.ticket.stream == stream
            and place.ticket.mode != "view"
            and "exclusive" in (mode, place.ticket.mode)
        ]

    def _least_hold(self, stream: str) -> int | None:
        holds = [p.hold for p in self._places.values() if p.ticket.stream == stream and p.hold is not None]
        return min(holds, default=None)

    def _set_hold(self, name: str) -> None:
        stream = self._streams[name]
        stream.reserved_hold = self._least_hold(name)
        stream.update_hold()

    def close(self) -> None:
        """Stop the clocks; the holds stay as they are in the rings, for the next daemon."""
        for place in self._places.values():
            place.timer.cancel()
        self._places.clear()
