"""Where a wait begins, as something that its caller can keep: so that it can be asked again of the next daemon.

Owns what an anchor says. A caller gets one first (`wait.anchor`) and gives it back unread with the wait itself; what
happened between the two moments, under whichever daemon, counts as having come.
"""

from __future__ import annotations

import time

import msgspec

from roost.core.events import parse_event_id
from roost.daemon.bus import EventBus
from roost.daemon.session import Session
from roost.errors import InvalidError


class Anchor(msgspec.Struct, frozen=True):
    """A moment of a session.

    since: where its output stood before the newest input, by stream; None without any. end: where its terminal's output
    stood at that moment. event: the id of the last event then. at: seconds of the machine's clock that never jumps.
    """

    since: dict[str, int | None]
    end: int
    event: str
    at: float

    @property
    def event_key(self) -> tuple[int, int]:
        """The last event's key. Raises InvalidError."""
        return parse_event_id(self.event)

    def left_of(self, timeout_s: float | None) -> float | None:
        """What is left of a time that began then."""
        return None if timeout_s is None else max(0.0, min(timeout_s, timeout_s - (time.monotonic() - self.at)))


def anchor_of(session: Session, bus: EventBus) -> Anchor:
    """This moment of a session."""
    since = {name: stream.ring.input_from for name, stream in session.streams.items()}
    return Anchor(since, session.streams["stdout"].ring.end, f"{bus.epoch}.{bus.seq}", time.monotonic())


def check_anchor(anchor: Anchor | None) -> None:
    """Raises InvalidError for one that was not given out."""
    if anchor is not None:
        _ = anchor.event_key
        if anchor.end < 0 or any(at is not None and at < 0 for at in anchor.since.values()):
            raise InvalidError("an anchor is what wait.anchor has answered")
