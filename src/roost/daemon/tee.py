"""What a tee is, for everybody who asks for one: a copy of a stream in a file, from the next byte on.

Owns the words of an order (`TeeSpec`) and of an answer (`TeeStatus`), and what all tees have in common. How bytes get
from a ring into a file is the business of `output_tee`, how input gets there that of `input_tee`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from roost.daemon.record import TeeRecord
from roost.errors import InvalidError

STREAMS = ("stdout", "stderr", "stdin")
#: A tee may fall behind by at least this much before it loses anything, whatever was asked for.
MIN_CAPACITY_BYTES = 64 * 1024
#: What a stdin tee keeps in memory at most.
MAX_INPUT_CAPACITY_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class TeeSpec:
    """A tee as somebody asks for it.

    `capacity_bytes`: how far it may fall behind (0: as far as the ring reaches); an output tee needs no memory for it,
    the ring is its queue, so more than the ring's capacity has no effect. `block`: nothing is lost, the child waits
    instead. `rotate_bytes`: start a new file at about that size and keep `keep` old ones (at least one), 0 for never.
    """

    stream: str  # stdout (a terminal's output too), stderr, stdin
    path: bytes  # relative to the daemon's directory
    append: bool = True
    capacity_bytes: int = 0
    markers: bool = True
    block: bool = False
    rotate_bytes: int = 0
    keep: int = 0

    def check(self) -> None:
        """Raise InvalidError for what no tee can be."""
        if self.stream not in STREAMS:
            raise InvalidError(f"no stream {self.stream!r}; a tee copies stdout, stderr or stdin")
        if not self.path:
            raise InvalidError("a tee needs the path of a file")
        if b"\0" in self.path:
            raise InvalidError("a NUL byte in the path of a tee: no file can be called that")
        if min(self.capacity_bytes, self.rotate_bytes, self.keep) < 0:
            raise InvalidError("capacity, rotation size and number of kept files of a tee are 0 or more")

    @property
    def absolute_path(self) -> bytes:
        """The path, independent of the directory of the process."""
        return os.path.join(os.getcwdb(), self.path)


@dataclass(frozen=True, slots=True)
class TeeStatus:
    """How a tee is doing. Bytes are those of the stream; markers are not counted."""

    handle: int
    stream: str
    path: bytes
    missed_bytes: int
    disconnected: bool
    written_bytes: int
    closed: bool  # nothing will follow: the stream has ended or writing failed
    error: str = ""  # why it is disconnected
    append: bool = True
    block: bool = False
    markers: bool = True
    rotate_bytes: int = 0
    keep: int = 0
    uncertain: bool = False  # stdin only: a killed daemon may have taken input with it that was not in the file yet


class Tee(Protocol):
    """A tee at work."""

    record: TeeRecord

    def status(self) -> TeeStatus:
        """How it is doing; answers until the session is forgotten."""

    def finish(self, then: Callable[[], None]) -> None:
        """Write what there is up to now, close the file, then call back."""

    def release(self) -> None:
        """Block nobody from now on; what that costs is missed."""

    def give_up(self) -> None:
        """Stop without the rest, which counts as missed; whoever was held is released."""

    def quiesce(self, then: Callable[[], None]) -> None:
        """The daemon leaves: start nothing that the next one could do, call back when nothing is under way."""

    def close(self) -> None:
        """The session goes away: stop now; the file is closed when the write under way is done."""


def record_of(spec: TeeSpec, handle: int) -> TeeRecord:
    """What is kept of an order."""
    return TeeRecord(
        handle=handle,
        stream=spec.stream,
        path=os.fsdecode(spec.absolute_path),
        append=spec.append,
        capacity_bytes=spec.capacity_bytes,
        markers=spec.markers,
        block=spec.block,
        rotate_bytes=spec.rotate_bytes,
        keep=spec.keep,
    )


def spec_again(record: TeeRecord) -> TeeSpec:
    """The order for the same tee of a session's next run; what is in the file stays there."""
    return TeeSpec(
        stream=record.stream,
        path=record.path_bytes,
        append=True,
        capacity_bytes=record.capacity_bytes,
        markers=record.markers,
        block=record.block,
        rotate_bytes=record.rotate_bytes,
        keep=record.keep,
    )


def status_of(record: TeeRecord, missed_bytes: int) -> TeeStatus:
    """The status that a record and the present count of missed bytes make."""
    return TeeStatus(
        handle=record.handle,
        stream=record.stream,
        path=record.path_bytes,
        missed_bytes=missed_bytes,
        disconnected=bool(record.error),
        written_bytes=record.written,
        closed=record.ended,
        error=record.error,
        append=record.append,
        block=record.block,
        markers=record.markers,
        rotate_bytes=record.rotate_bytes,
        keep=record.keep,
        uncertain=record.uncertain,
    )
