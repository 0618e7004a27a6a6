"""A stream's turn: what one look moves from a child's terminal or pipe into its ring, and where its output ends. The
hot path.

A turn is bounded: read into the thread's memory (`scratch`), append once, send a guest its echo, wake local readers and
the daemon if they sleep.

Kernel facts this rests on (each is tested):

- A read of a master returns at most 4,095 bytes; a shorter one took everything there was, and the next byte makes a new
  edge. Reading again to see EAGAIN would wait for a kernel worker.
- That same wait makes EAGAIN exact: it comes only after all that was written before has arrived. So the first EAGAIN
  after a child's exit is where its output ends.

Must not know: epoll, and whose turn it is. Those are the thread's (`drain`).
"""

from __future__ import annotations

import os
import time

from roost.keeper.readers import wake_sleepers
from roost.keeper.scratch import PTY_READ_BYTES
from roost.ring.layout import GUARD_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from roost.keeper.floods import Floods
    from roost.keeper.guests import Guests
    from roost.keeper.parking import Parking
    from roost.keeper.pump import Pump
    from roost.keeper.scratch import Scratch
    from roost.keeper.sessions import Stream

    Report = Callable[[str, "Stream | Callable[[], None]"], None]

EXIT_DRAIN_S = 0.25
#: Reads of a terminal in one turn, and while other streams wait for theirs.
_FULL_TURN_READS, _SHORT_TURN_READS = 16, 2

# What is reported of a stream.
MARKED = "marked"  # the exit offset is in the ring header
CLOSED = "closed"  # nothing will follow; no longer watched


class Turns:
    """The turns of one draining thread's streams."""

    def __init__(
        self,
        streams: Mapping[int, Stream],
        scratch: Scratch,
        floods: Floods,
        guests: Guests,
        parking: Parking,
        report: Report,
        unwatch: Callable[[Stream], None],
        pump: Pump | None = None,
    ) -> None:
        """`streams`: those of the thread, by descriptor. `unwatch`: it is none of them any more. `pump`: what serves
        plain ones in place of this."""
        self._streams = streams
        self._scratch = scratch
        self._floods = floods
        self._guests = guests
        self._parking = parking
        self._report = report
        self._unwatch = unwatch
        self._pump = pump

    def turn(self, stream: Stream) -> bool:
        """Move up to one scratch buffer of bytes. True when the stream may have more."""
        fd = stream.fd
        if fd is None or fd not in self._streams:
            return False
        limit = min(stream.writer.room(), GUARD_BYTES)
        if limit == 0:
            return not self._parking.stall(stream)
        if stream.finishing or stream.late:
            return self._after_exit(stream, fd, limit)
        more = ended = False
        if stream.is_pty:
            # Beside other floods a stream that just woke has a short turn; if it floods too it comes to them.
            reads = _SHORT_TURN_READS if self._floods.waiting else _FULL_TURN_READS
            total, more = self._scratch.from_terminal(fd, limit, reads)
            if stream.floods or total >= PTY_READ_BYTES:
                self._floods.note(stream, total)
        else:
            total, ended = self._scratch.from_pipe(fd, limit)
        if total and not self.store(stream, self._scratch.first(total)):
            return False
        if ended:
            self._close(stream)
        return more

    def _after_exit(self, stream: Stream, fd: int, limit: int) -> bool:
        """The same once the child has exited: a short read proves nothing now, only EAGAIN, EIO or the end do."""
        self._floods.note(stream, 0)
        total, more, ended = self._scratch.to_the_end(fd, limit)
        if total and not self.store(stream, self._scratch.first(total)):
            return False
        stream.exit_budget -= total
        if stream.finishing and (not more or stream.exit_budget <= 0 or time.monotonic() > stream.exit_deadline):
            stream.finishing = False
            self._mark_exit(stream)
        if ended:
            self._close(stream)
        return more

    def store(self, stream: Stream, piece: memoryview) -> bool:
        """Append what was read, and wake whoever waits for it; False when it has to be kept for later."""
        writer = stream.writer
        try:
            writer.append(piece)
        except OSError:
            # No memory for the ring. These bytes exist nowhere else: keep them, try again later.
            stream.pending = bytes(piece)
            self.rest(stream)
            return False
        stream.retry_delay_s = 0.0
        if stream.guest is not None:
            self._guests.send(stream.guest, piece)
        if stream.readers:
            wake_sleepers(stream.readers)
        if writer.take_waiting():
            os.eventfd_write(stream.event_fd, 1)
        return True

    # --- its end ---------------------------------------------------------------------------------------------------

    def begin_end(self, stream: Stream) -> bool:
        """The child has exited: what it left is drained, then the exit is marked. True when that takes turns."""
        if stream.writer.closed:
            self._mark_exit(stream)
            return False
        stream.finishing = True
        self.take_leave(stream)
        self.begin_deadline(stream)
        return not stream.is_parked

    def begin_deadline(self, stream: Stream) -> None:
        """From now on it has that long, and a ring's worth of bytes, to come to its end."""
        stream.exit_deadline = time.monotonic() + EXIT_DRAIN_S
        stream.exit_budget = stream.writer.capacity

    def _mark_exit(self, stream: Stream) -> None:
        stream.writer.mark_exit()
        stream.late = True
        os.eventfd_write(stream.event_fd, 1)
        self._report(MARKED, stream)

    def _close(self, stream: Stream) -> None:
        self._unwatch(stream)
        stream.writer.mark_closed()
        os.eventfd_write(stream.event_fd, 1)
        self._report(CLOSED, stream)

    # --- left alone, and to others -----------------------------------------------------------------------------------

    def rest(self, stream: Stream) -> None:
        """Leave a stream alone for a moment."""
        self.take_leave(stream)
        if not stream.is_parked and stream.fd in self._streams:
            self._parking.rest(stream)

    def take_leave(self, stream: Stream) -> None:
        """Leave the stream's guest to the daemon, and take the stream from the pump."""
        if stream.guest is not None:
            self._guests.give_back(stream.guest)
        if stream.is_pumped and self._pump is not None and stream.fd is not None:
            stream.is_pumped = False
            self._pump.leave(stream.fd)
