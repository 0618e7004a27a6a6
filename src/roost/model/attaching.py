"""The events of an attachment: what comes of a session while one is attached to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes of the child; `offset` is that of the first one, absolute."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """The bytes [start, end) had left the ring before this client took them."""

    start: int
    end: int

    @property
    def missed_bytes(self) -> int:
        """How many bytes that is."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Resized:
    """The terminal of the session has a new size."""

    rows: int
    cols: int


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The daemon was away and the attachment goes on where it was; so many typed bytes may not have arrived."""

    input_bytes_in_doubt: int


@dataclass(frozen=True, slots=True)
class Exited:
    """The child ended; the last event. code: None when unknown or ended by a signal. at: Unix seconds, None unknown."""

    code: int | None
    signal: int | None
    outcome: str
    at: float | None


@dataclass(frozen=True, slots=True)
class Detached:
    """The session runs on without this client; the last event."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stolen:
    """Another client, named by its label, took the session over; the last event."""

    by: str


AttachmentEvent: TypeAlias = Output | Gap | Resized | Reconnected | Exited | Detached | Stolen
