"""What tests of tees share: reading a copy with its markers, and a stream that is written by hand."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path

from roost.daemon.stream import Stream
from roost.ring.reader import RingReader
from roost.ring.writer import RingWriter, create_ring_file

MARKER = re.compile(rb"\n\[running-process tee missed (\d+) bytes\]\n")


def rotated(path: Path) -> list[Path]:
    """The files of a tee that rotates, oldest first."""
    old = sorted(path.parent.glob(path.name + ".*"), key=lambda p: -int(p.suffix[1:]))
    return [*old, *([path] if path.exists() else [])]


def check_copy(copy: bytes, stream: bytes) -> int:
    """Assert that a copy is the stream without exactly what its markers count; how much that is."""
    missed, offset, at = 0, 0, 0
    for found in [*MARKER.finditer(copy), None]:
        piece = copy[at : found.start() if found else len(copy)]
        assert piece == stream[offset : offset + len(piece)], f"the copy differs behind offset {offset} of the stream"
        offset += len(piece)
        if found:
            missed += int(found[1])
            offset += int(found[1])
            at = found.end()
    assert offset == len(stream), f"the copy ends at {offset} of {len(stream)}"
    return missed


def lines(start: int, stop: int) -> bytes:
    """Numbered lines of 20 bytes."""
    return b"".join(b"line %014d\n" % n for n in range(start, stop))


class HandWrittenStream:
    """A ring, its stream, and a hand that writes like the keeper."""

    def __init__(self, capacity: int) -> None:
        self.fd = create_ring_file("test", capacity)
        self.writer = RingWriter(self.fd)
        self.event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.room = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.stream = Stream(
            asyncio.get_running_loop(),
            RingReader(self.fd),
            os.dup(self.event),
            os.dup(self.room),
            scans=False,
            on_output=lambda _at: None,
        )

    def write(self, data: bytes) -> None:
        for start in range(0, len(data), 4095):
            self.writer.append(memoryview(data[start : start + 4095]))
        self._wake()

    def write_what_fits(self, data: bytes) -> int:
        """Write as much as the hold allows."""
        count = min(len(data), self.writer.room())
        self.write(data[:count])
        return count

    def end(self) -> None:
        self.writer.mark_exit()
        self.writer.mark_closed()
        self.stream.turn_soon()

    def _wake(self) -> None:
        if self.writer.take_waiting():
            os.eventfd_write(self.event, 1)

    def close(self) -> None:
        self.stream.close()
        self.writer.release()
        for fd in (self.fd, self.event, self.room):
            os.close(fd)


async def until(look: Callable[[], object], *, what: str = "", timeout_s: float = 10.0) -> None:
    """Let the loop run until `look` is true."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while not look():
        assert loop.time() < deadline, f"did not come true: {what}"
        await asyncio.sleep(0.001)
