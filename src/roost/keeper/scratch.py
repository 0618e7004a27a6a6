"""The memory that one draining thread reads into, and the ways in which a turn reads: what the kernel gives, no more.

Owns the buffers and when reading again is worth it. What was read is the caller's to store before the next read: it
exists nowhere else. Must not know: streams, rings, epoll.

A terminal gives at most 4,095 bytes a read. Reading one again at once means, more often than not, to wait for the
kernel's worker that brings the next bytes: two switches of the processor for 4 KiB. Where many terminals flood, they
are therefore read in rounds, one read each in turn; until a terminal is come to again its worker has been there.
"""

from __future__ import annotations

import errno
import os

from roost.ring.layout import GUARD_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PTY_READ_BYTES = 4095
#: Terminals read together in rounds, and how many reads each has in them at most.
TOGETHER = 8
_READS_TOGETHER = 4
#: What one of them may have read then.
SLOT_BYTES = _READS_TOGETHER * PTY_READ_BYTES


class Scratch:
    """The buffers of one draining thread."""

    def __init__(self) -> None:
        self._all = memoryview(bytearray(GUARD_BYTES))
        self._whole = (self._all,)
        # One buffer list a read, made once: between two reads every microsecond is another thread's.
        starts = range(0, GUARD_BYTES - PTY_READ_BYTES, PTY_READ_BYTES)
        self._parts = [(self._all[start : start + PTY_READ_BYTES],) for start in starts]
        self._slots: list[memoryview] = []
        self._slot_parts: list[list[tuple[memoryview]]] = []

    def first(self, length: int) -> memoryview:
        """The bytes that the last read put there, valid until the next one."""
        return self._all[:length]

    def from_terminal(self, fd: int, limit: int, most_reads: int) -> tuple[int, bool]:
        """Read a terminal; how much there was, and whether there may be more."""
        total = 0
        try:
            if limit < GUARD_BYTES:
                total = os.readv(fd, (self._all[:limit],))
                return total, total == min(limit, PTY_READ_BYTES)
            for part in self._parts[:most_reads]:
                got = os.readv(fd, part)
                total += got
                if got < PTY_READ_BYTES:  # that was everything, and the next byte makes an edge
                    return total, False
        except OSError as error:
            return total, _may_have_more(error, total)
        return total, True

    def from_pipe(self, fd: int, limit: int) -> tuple[int, bool]:
        """Read a pipe once; how much there was, and whether that was its end."""
        try:
            total = os.readv(fd, self._whole if limit == GUARD_BYTES else (self._all[:limit],))
        except BlockingIOError:
            return 0, False
        return total, total == 0

    def to_the_end(self, fd: int, limit: int) -> tuple[int, bool, bool]:
        """Read until there is nothing, whatever short reads seem to say; how much, whether more may come, whether that
        was the end."""
        total = 0
        try:
            while total < limit:
                got = os.readv(fd, (self._all[total:limit],))
                if got == 0:
                    return total, False, True
                total += got
        except BlockingIOError:
            return total, False, False
        except OSError as error:
            if error.errno == errno.EIO:
                return total, False, True
            if not total:
                raise
        return total, True, False

    def in_rounds(self, fds: Sequence[int]) -> list[tuple[memoryview, bool]]:
        """Read up to TOGETHER terminals in rounds; for each what there was, and whether there may be more."""
        if not self._slots:
            self._make_slots()
        totals, more = [0] * len(fds), [False] * len(fds)
        parts, readv = self._slot_parts, os.readv
        left = list(range(len(fds)))
        for turn in range(_READS_TOGETHER):
            going_on = []
            for at in left:
                try:
                    got = readv(fds[at], parts[at][turn])
                except OSError as error:
                    more[at] = error.errno not in (errno.EAGAIN, errno.EIO)  # its own turn will show what it is
                    continue
                totals[at] += got
                if got == PTY_READ_BYTES:
                    going_on.append(at)
            left = going_on
        for at in left:
            more[at] = True
        return [(slot[:total], again) for slot, total, again in zip(self._slots, totals, more, strict=False)]

    def _make_slots(self) -> None:
        """Only where it comes to that: most keepers never have so many floods at once."""
        together = memoryview(bytearray(TOGETHER * SLOT_BYTES))
        self._slots = [together[at : at + SLOT_BYTES] for at in range(0, len(together), SLOT_BYTES)]
        starts = range(0, SLOT_BYTES, PTY_READ_BYTES)
        self._slot_parts = [[(slot[at : at + PTY_READ_BYTES],) for at in starts] for slot in self._slots]


def _may_have_more(error: OSError, total: int) -> bool:
    """After a read that failed. EIO: the child has closed its terminal; it may open it again, which makes an edge.

    Anything else is raised, but not before what was read in the same turn has been stored.
    """
    if error.errno in (errno.EAGAIN, errno.EIO):
        return False
    if not total:
        raise error
    return True
