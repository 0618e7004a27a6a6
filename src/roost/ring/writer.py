"""The writing end of a ring: append bytes, then move `end`. Owned by the keeper alone.

Only the header page is mapped, so that the writer's resident memory stays small however full the rings are; the data
goes through `pwrite`.
"""

from __future__ import annotations

import mmap
import os
import struct

from roost.platform import full_fence, sealed_memory_file
from roost.ring.layout import (
    GUARD_BYTES,
    HEADER_BYTES,
    HEADER_WORDS,
    LAYOUT_VERSION,
    MAGIC,
    NONE,
    W_CAPACITY,
    W_CLOSED,
    W_END,
    W_EXIT_OFFSET,
    W_HOLD,
    W_INPUT_AT,
    W_INPUT_FROM,
    W_INPUT_WATCHED,
    W_MAGIC,
    W_STALLED,
    W_VERSION,
    W_WAITING,
    file_bytes,
)

#: Words that a new ring's header has written; the others are 0.
_CREATED_WORDS = W_HOLD + 1


def create_ring_file(name: str, capacity: int) -> int:
    """A new ring file, sealed against resizing, pages allocated as they are touched. Returns its descriptor."""
    words = [0] * _CREATED_WORDS
    words[W_MAGIC] = MAGIC
    words[W_VERSION] = LAYOUT_VERSION
    words[W_CAPACITY] = capacity
    words[W_EXIT_OFFSET] = NONE
    words[W_HOLD] = NONE
    fd = sealed_memory_file(name, file_bytes(capacity))
    try:
        os.pwrite(fd, struct.pack(f"={_CREATED_WORDS}Q", *words), 0)
    except BaseException:
        os.close(fd)
        raise
    return fd


class RingWriter:
    """Appends to one ring. Not thread-safe: a stream belongs to one draining thread."""

    __slots__ = ("_data_bytes", "_fd", "_map", "_words", "capacity")

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._map = mmap.mmap(fd, HEADER_BYTES)
        self._words = memoryview(self._map)[: HEADER_WORDS * 8].cast("Q")
        self.capacity: int = self._words[W_CAPACITY]
        self._data_bytes = self.capacity + GUARD_BYTES

    @property
    def end(self) -> int:
        """Bytes ever written."""
        return self._words[W_END]

    @property
    def header(self) -> memoryview[int]:
        """The header's words, for whoever appends in place of this, from the same thread (`roost.keeper.pump`)."""
        return self._words

    def append(self, data: memoryview) -> None:
        """Write at most GUARD bytes behind `end`, then store `end`.

        Raises OSError (ENOSPC, ENOMEM) with `end` unmoved: the same data can be appended again later.
        """
        length = len(data)
        end = self.end
        at = end % self._data_bytes
        room = self._data_bytes - at
        if length <= room:
            if os.pwrite(self._fd, data, HEADER_BYTES + at) < length:
                self._write(data, at)
        else:
            self._write(data[:room], at)
            self._write(data[room:], 0)
        # One aligned 8-byte store: a reader sees the old end or the new one, and the bytes are there before it.
        self._words[W_END] = end + length

    def _write(self, data: memoryview, at: int) -> None:
        written = os.pwrite(self._fd, data, HEADER_BYTES + at)
        while written < len(data):
            written += os.pwrite(self._fd, data[written:], HEADER_BYTES + at + written)

    def take_waiting(self) -> bool:
        """Whether the reader sleeps and must be woken; asked after an append, answered with True once a sleep."""
        full_fence()
        if self._words[W_WAITING]:
            self._words[W_WAITING] = 0
            return True
        return False

    def note_input(self, at_ns: int) -> None:
        """Input is about to be written: what it causes is found from here on."""
        self._words[W_INPUT_FROM] = self.end + 1
        self._words[W_INPUT_AT] = at_ns

    def take_input_watched(self) -> bool:
        """Whether the daemon wants to hear of input; asked after it was written, answered with True once."""
        full_fence()
        if self._words[W_INPUT_WATCHED]:
            self._words[W_INPUT_WATCHED] = 0
            return True
        return False

    def room(self) -> int:
        """Bytes that may be appended before a lossless reader would lose one; a large number without a hold."""
        hold = self._words[W_HOLD]
        if hold == NONE:
            return 1 << 62
        return max(0, int(hold) + self.capacity - self.end)

    @property
    def stalled(self) -> bool:
        """Whether the stream waits for the hold to move."""
        return bool(self._words[W_STALLED])

    def set_stalled(self, stalled: bool) -> None:
        """Tell the reader that the stream waits for its hold (it wakes the keeper), or no longer does.

        Look at `room()` again after setting it: the hold may have moved in between.
        """
        self._words[W_STALLED] = 1 if stalled else 0
        full_fence()

    @property
    def is_held(self) -> bool:
        """Whether a lossless reader has set a hold."""
        return bool(self._words[W_HOLD] != NONE)

    def hold_from_start(self) -> None:
        """Keep the first byte for a lossless reader that does not exist yet. Before the first append."""
        self._words[W_HOLD] = 0

    def release_hold(self) -> None:
        """Let the writer pass a lossless reader that did not come back; that reader will see an exact gap."""
        self._words[W_HOLD] = NONE

    def mark_exit(self) -> None:
        """Record the present `end` as the exit offset, once; later calls change nothing."""
        if self._words[W_EXIT_OFFSET] == NONE:
            self._words[W_EXIT_OFFSET] = self.end

    @property
    def exit_offset(self) -> int | None:
        """The recorded exit offset, or None."""
        offset = self._words[W_EXIT_OFFSET]
        return None if offset == NONE else int(offset)

    def mark_closed(self) -> None:
        """Record that nothing will ever follow."""
        self._words[W_CLOSED] = 1

    @property
    def closed(self) -> bool:
        """Whether `mark_closed` was called, in this process or an earlier image of it."""
        return bool(self._words[W_CLOSED])

    def release(self) -> None:
        """Unmap the header. The descriptor stays open: it belongs to the caller."""
        self._words.release()
        self._map.close()
