"""What a sink is to the dispatcher: something that takes batches of events, and fails in one of two ways.

Owns the base class of roost's own sinks and the errors. Knows nothing of queues: those are the lane's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from roost.core.event_formats import cloud_event, envelope
from roost.core.events import Event

_encode = msgspec.json.Encoder(enc_hook=str).encode


class SinkError(Exception):
    """The sink cannot take the batch now; it is offered again later. `done`: how many of it were taken."""

    def __init__(self, message: str, *, done: int = 0) -> None:
        super().__init__(message)
        self.done = done


class RefusedError(Exception):
    """The sink will never take this batch: it is counted as dropped, and the next one is offered."""


class Outgoing:
    """An event on its way to sinks, encoded once for all of them."""

    __slots__ = ("_cloud", "_line", "event", "origin")

    def __init__(self, event: Event, origin: str = "") -> None:
        self.event = event
        self.origin = origin
        self._line: bytes | None = None
        self._cloud: bytes | None = None

    def line(self, format: str = "envelope") -> bytes:
        """One line of JSON with its newline, in that format."""
        if format == "cloudevents":
            if self._cloud is None:
                self._cloud = _line(cloud_event(self.event, self.origin))
            return self._cloud
        if self._line is None:
            self._line = _line(envelope(self.event))
        return self._line


def _line(shown: dict[str, Any]) -> bytes:
    """One line of JSON. Text that no UTF-8 can carry (names of files) has a question mark there."""
    try:
        return _encode(shown) + b"\n"
    except (UnicodeEncodeError, TypeError, ValueError):
        text = json.dumps(shown, separators=(",", ":"), ensure_ascii=False, default=str)
        return text.encode("utf-8", "replace") + b"\n"


def _nothing(*_args: object) -> None:
    pass


class Sink:
    """One place where events go. What is called on the loop must not block it."""

    #: Whether a lane may take up from the journal where it left off, see `reached`.
    durable = False
    #: How long events are gathered before a delivery: for sinks that are not looked at as it happens, seconds.
    gather_s: float = 0.0
    #: Whether `send_now` may be asked. Not for durable sinks: what those have is known by what `deliver` took.
    prompt: bool = False
    #: Whether it could pass on nothing at present anyway: then much is gathered, which costs the others less.
    held: bool = False

    def __init__(self) -> None:
        #: Whether anybody is there; without, nothing is queued and no source runs for it.
        self.listening = True
        self.on_listening: Callable[[], None] = _nothing
        #: Tells a failure that no `deliver` can tell, None for its end.
        self.report: Callable[[str | None], None] = _nothing

    async def open(self) -> None:
        """Get ready; tried again when it raises SinkError."""

    async def reached(self) -> tuple[int, int] | None:
        """Of durable sinks: the key of the last event that it has for good, None when it never had any."""
        return None

    async def begin_at(self, key: tuple[int, int]) -> None:
        """Of durable sinks: nothing up to here is missing; whoever is killed before the first event resumes here."""

    def send_now(self, outgoing: Outgoing) -> bool:
        """Send one event if that takes no waiting and nothing fails; else False, and `deliver` gets it.

        Called only while no `deliver` is under way.
        """
        return False

    async def deliver(self, batch: Sequence[Outgoing]) -> None:
        """Take all of the batch, or raise SinkError or RefusedError."""
        raise NotImplementedError

    async def retry(self) -> int:
        """Try again now what was given up; how many events that are."""
        return 0

    def listen_again(self) -> None:
        """See to it that a socket file of its own is there; directories may be removed under a daemon."""

    async def close(self, grace_s: float) -> None:
        """Finish what was taken within that time, and let go of everything."""

    def facts(self) -> dict[str, Any]:
        """What its status says besides the lane's own counters, which it may overrule."""
        return {}
