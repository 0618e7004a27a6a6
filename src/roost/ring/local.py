"""A ring as a local reader has it: read-only, with a page of its own to say that it sleeps and a pipe that wakes it;
perhaps with a socket to type into.

Owns the descriptors that were lent for it. Knows nothing of how they came or of what the bytes mean. The
writer is another process, which this one cannot disturb: the ring is mapped for reading only.
"""

from __future__ import annotations

import mmap
import os
import socket
from io import FileIO

from roost.platform import full_fence
from roost.ring.layout import GUARD_BYTES
from roost.ring.reader import RingReader
from roost.ring.reader_page import PAGE_BYTES, PAGE_WORDS, R_LIMIT, R_OFFSET, R_TAKEN, R_WAITING

#: How many descriptors are lent, in this order: ring, page, the reading end of the pipe.
LENT = 3
#: With a socket for input as the last.
LENT_WITH_INPUT = 4


class LocalReader:
    """Reads one ring that the keeper writes. All offsets are absolute, in bytes since the start of the stream."""

    __slots__ = ("_input", "_map", "_ring", "_wake", "_words", "wake_fd")

    def __init__(self, ring_fd: int, page_fd: int, wake_fd: int, input_fd: int = -1) -> None:
        """Take the descriptors over, also when this fails. Raises ValueError or OSError if they are no such things."""
        self.wake_fd = wake_fd
        self._input = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, input_fd) if input_fd >= 0 else None
        self._wake = FileIO(wake_fd)  # an object, so that a reader that was forgotten is closed as well
        try:
            self._ring = RingReader(ring_fd, writable=False)
            self._map = mmap.mmap(page_fd, PAGE_BYTES)
        except BaseException:
            self._wake.close()
            if self._input is not None:
                self._input.close()
            raise
        finally:
            os.close(ring_fd)
            os.close(page_fd)
        os.set_blocking(wake_fd, False)
        self._words = memoryview(self._map)[: PAGE_WORDS * 8].cast("Q")

    @property
    def end(self) -> int:
        """How far may be read: what was written, up to the child's end or to where this reader was sent away."""
        ring, limit = self._ring, self._words[R_LIMIT]
        end = ring.end
        exit_offset = ring.exit_offset
        if exit_offset is not None and exit_offset < end:
            end = exit_offset
        return end if not limit else min(end, limit - 1)

    @property
    def start(self) -> int:
        """Offset of the oldest retained byte."""
        return self._ring.start

    @property
    def capacity(self) -> int:
        """How many bytes are retained at most."""
        return self._ring.capacity

    def read(self, offset: int, limit_bytes: int = GUARD_BYTES) -> bytes | None:
        """Copy up to `limit_bytes` from `offset`; `b""` when nothing is there yet, None when they were overwritten."""
        length = self.end - offset
        data = self._ring.read(offset, min(length, limit_bytes)) if length > 0 else b""
        if data:
            self._words[R_OFFSET] = offset + len(data)
        return data

    def arm(self, offset: int) -> bool:
        """Ask to be woken by the pipe when `end` passes `offset`; False when it has already and nothing was asked."""
        words = self._words
        self.calm()  # before the flag is set: what is written for this sleep must stay
        words[R_WAITING] = 1
        full_fence()
        if self.end > offset:
            words[R_WAITING] = 0
            return False
        return True

    def calm(self) -> None:
        """Take what the pipe holds, so that it is readable only after the next wake-up."""
        self._wake.read(4096)

    # --- typing ----------------------------------------------------------------------------------------------------

    @property
    def input_fd(self) -> int:
        """What takes input for the terminal; -1 where it goes through the daemon."""
        return -1 if self._input is None else self._input.fileno()

    def type(self, data: bytes) -> int:
        """Send input; how much was sent. Raises BlockingIOError when it must wait, another OSError when it is over."""
        if self._input is None:
            raise BrokenPipeError("there is no way of its own to this terminal")
        return self._input.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    @property
    def taken(self) -> int:
        """How many bytes of what was typed the terminal has taken."""
        return int(self._words[R_TAKEN])

    def close(self) -> None:
        """Give the descriptors and maps back; the keeper sees that the pipe has no reader any more."""
        if self._wake.closed:
            return
        self._words.release()
        self._map.close()
        self._ring.release()
        self._wake.close()
        if self._input is not None:
            self._input.close()


def open_lent(fds: list[int]) -> LocalReader | None:
    """The reader of the descriptors that were lent, which it takes over; None where they are not what they should be.

    More than are known are closed: a newer daemon may lend more.
    """
    for fd in fds[LENT_WITH_INPUT:]:
        os.close(fd)
    fds = fds[:LENT_WITH_INPUT]
    if len(fds) < LENT:
        for fd in fds:
            os.close(fd)
        return None
    try:
        return LocalReader(*fds)
    except (OSError, ValueError):
        return None
