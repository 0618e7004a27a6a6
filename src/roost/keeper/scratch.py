"""The memory that one draining thread reads into, and the ways in which a turn reads: what the kernel gives, no more.

Owns the buffers and when reading again is worth it. What was read is the caller's to store before the next read: it
exists nowhere else. Must not know: streams, rings, epoll.

A terminal gives at most 4,095 bytes a read. Reading one again at once means, more often than not, to wait for the
kernel's worker that brings the next bytes: two switches of the processor for 4 KiB. Where many terminals flood, they
are therefore read in rounds, one read each in turn; until a terminal is come to again its worker has been there. And
all rounds are one system call where the kernel has such a thing (`roost.platform.aio`).
"""

from __future__ import annotations

import errno
import mmap
import os

from roost.ring.layout import GUARD_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from roost.platform.aio import ReadBatch

PTY_READ_BYTES = 4095
#: Terminals read together in rounds, and how many reads each has in them at most.
TOGETHER = 8
_READS_TOGETHER = 8
#: What one of them may have read then.
SLOT_BYTES = _READS_TOGETHER * PTY_READ_BYTES
_ALL_FULL = [PTY_READ_BYTES] * _READS_TOGETHER


class Scratch:
    """The buffers of one draining thread."""

    def __init__(self) -> None:
        self._slots: list[memoryview] = []
        self._batch: ReadBatch | None = None
        self._use(mmap.mmap(-1, GUARD_BYTES))  # pages that only what is read touches

    def _use(self, buffer: mmap.mmap) -> None:
        """Make of a buffer what single terminals and pipes are read into."""
        self._all = memoryview(buffer)[:GUARD_BYTES]
        self._whole = (self._all,)
        # One buffer list a read, made once: between two reads every microsecond is another thread's.
        starts = range(0, GUARD_BYTES - PTY_READ_BYTES, PTY_READ_BYTES)
        self._parts = [(self._all[start : start + PTY_READ_BYTES],) for start in starts]
        self._first_part = self._parts[0]

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
            total = os.readv(fd, self._first_part)
            if total < PTY_READ_BYTES:  # that was everything, and the next byte makes an edge
                return total, False
            for part in self._parts[1:most_reads]:
                got = os.readv(fd, part)
                total += got
                if got < PTY_READ_BYTES:
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

    def in_rounds(self, fds: list[int]) -> list[tuple[memoryview, bool]]:
        """Read up to TOGETHER terminals in rounds; for each what there was, and whether there may be more."""
        if not self._slots:
            self._make_slots()
        batch = self._batch
        results = self._one_by_one(fds) if batch is None or not batch.is_open else batch.read(fds)
        return [self._gathered(slot, result) for slot, result in zip(self._slots, results, strict=False)]

    def _one_by_one(self, fds: list[int]) -> list[list[int]]:
        results: list[list[int]] = [[] for _ in fds]
        for turn in range(_READS_TOGETHER):
            start = turn * PTY_READ_BYTES
            for fd, slot, result in zip(fds, self._slots, results, strict=False):
                if turn and result[-1] != PTY_READ_BYTES:
                    continue
                try:
                    result.append(os.readv(fd, (slot[start : start + PTY_READ_BYTES],)))
                except OSError as error:
                    result.append(-(error.errno or errno.EIO))
        return results

    @staticmethod
    def _gathered(slot: memoryview, results: list[int]) -> tuple[memoryview, bool]:
        """What the reads of one terminal have left in its slot, side by side."""
        if results == _ALL_FULL:
            return slot, True
        total = 0
        for turn, got in enumerate(results):
            if got > 0:
                start = turn * PTY_READ_BYTES
                if start != total:  # the read before was short, and then there was more
                    slot[total : total + got] = slot[start : start + got]
                total += got
        last = results[-1]
        # An error that is none of these two shows what it is in a turn of its own.
        return slot[:total], last == PTY_READ_BYTES or (last < 0 and -last not in (errno.EAGAIN, errno.EIO))

    def _make_slots(self) -> None:
        """Only where it comes to that: most keepers never have so many floods at once."""
        buffer = mmap.mmap(-1, TOGETHER * SLOT_BYTES)  # given back to the kernel whole, which an allocator need not do
        self._use(buffer)  # nobody has anything in both at once
        together = memoryview(buffer)
        self._slots = [together[at : at + SLOT_BYTES] for at in range(0, len(together), SLOT_BYTES)]
        try:
            from roost.platform.aio import ReadBatch

            self._batch = ReadBatch(buffer, PTY_READ_BYTES, _READS_TOGETHER, TOGETHER)
        except (ImportError, OSError):  # then one by one
            self._batch = None

    @property
    def is_large(self) -> bool:
        """Whether it has what reading many terminals together takes."""
        return bool(self._slots)

    def shrink(self) -> None:
        """Give that back until it is needed again."""
        self.close()
        self._batch = None
        self._slots = []
        self._use(mmap.mmap(-1, GUARD_BYTES))

    def close(self) -> None:
        """Give back what the kernel has of it. Read nothing any more."""
        if self._batch is not None:
            self._batch.close()


def _may_have_more(error: OSError, total: int) -> bool:
    """After a read that failed. EIO: the child has closed its terminal; it may open it again, which makes an edge.

    Anything else is raised, but not before what was read in the same turn has been stored.
    """
    if error.errno in (errno.EAGAIN, errno.EIO):
        return False
    if not total:
        raise error
    return True
