"""What goes into one batch of a recording: a piece of the ring, and what happened beside it.

Owns the cut: where reading goes on when the writer has overtaken the recording, how much belongs to it at its end, and
what a line that began before the recording looks like to redaction. Knows neither files nor when a batch is due.
"""

from __future__ import annotations

from roost.core.cast import EXIT, MARKER
from roost.core.recording import Aside, Batch, Checkpoint
from roost.core.redaction import LOOK_BACK_BYTES
from roost.daemon.moments import Moments
from roost.ring.reader import RingReader

#: What is copied out of the ring for one batch.
PIECE_BYTES = 256 * 1024


def next_batch(
    start: Checkpoint,
    ring: RingReader,
    moments: Moments,
    *,
    limit: int,
    until: int | None,
    begin: int | None,
    returns: bool,
) -> Batch:
    """What follows a checkpoint, up to the offset `limit`; `until` is where the recording ends, if that is known.

    begin: where the recording began, if lines are to be redacted. returns: line feeds get carriage returns.
    """
    read_from = start.offset
    data = ring.read(read_from, PIECE_BYTES)
    while data is None:  # the writer is fast: leave it some room
        read_from = min(ring.start + ring.capacity // 8, limit)
        data = ring.read(read_from, PIECE_BYTES)
    data = data[: max(0, limit - read_from)]
    final = until is not None and read_from + len(data) >= until
    context = b""
    if begin is not None and 0 < start.offset == begin == read_from:
        before = max(start.offset - LOOK_BACK_BYTES, ring.start)
        context = (ring.read(before, start.offset - before) or b"").rpartition(b"\n")[2]
    return Batch(
        start=start,
        read_from=read_from,
        data=data,
        marks=moments.marks,
        asides=moments.asides,
        context=context,
        final=final,
        ended=final,
        returns=returns,
    )


def exit_asides(offset: int, at_us: int, code: int | None, signal_number: int | None) -> list[Aside]:
    """What a recording says of the exit. Shells call signal n 128 + n."""
    if signal_number is not None:
        return [
            Aside(offset, at_us, MARKER, f"ended by signal {signal_number}"),
            Aside(offset, at_us, EXIT, str(128 + signal_number)),
        ]
    if code is not None:
        return [Aside(offset, at_us, EXIT, str(code))]
    return [Aside(offset, at_us, MARKER, "exit code unknown")]
