"""What sessions leave in files: tees and recordings."""

from __future__ import annotations

from dataclasses import dataclass

from roost.model.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class TeeInfo(Record):
    """A copy of a session's stream in a file. Bytes are those of the stream; markers are not counted.

    state: "open", "closed" (the stream has ended and is in the file) or "disconnected" (error says why: what follows is
    missed). uncertain: a daemon was killed with input on its way into the file, or somebody else changed the file while
    no daemon ran.
    """

    session_id: str
    name: str
    handle: int
    stream: str
    path: str
    state: str
    error: str = ""
    written_bytes: int = 0
    missed_bytes: int = 0
    uncertain: bool = False
    append: bool = True
    block: bool = False
    markers: bool = True
    rotate_bytes: int = 0
    keep: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingInfo(Record):
    """A recording of a session in a file. Bytes and offsets are those of the stream.

    state: "recording", "failing" (the file cannot be written at the moment; it is tried again), "failed" (for good) or
    "closed"; error says why. offset: up to there everything is in the file but the missed bytes. dropped_events: input
    and markers that are not in it. rules: how many, the built-in ones (redact_common) not counted. uncertain: a daemon
    was killed that may have taken input with it.
    """

    session_id: str
    name: str
    handle: int
    path: str
    state: str
    stream: str = "stdout"
    error: str = ""
    begin_offset: int = 0
    offset: int = 0
    missed_bytes: int = 0
    dropped_events: int = 0
    input: bool = False
    hold: bool = False
    rules: int = 0
    redact_common: bool = False
    events: tuple[str, ...] = ()
    uncertain: bool = False

    @property
    def recorded_bytes(self) -> int:
        """Bytes of the stream that are in the file."""
        return self.offset - self.begin_offset - self.missed_bytes
