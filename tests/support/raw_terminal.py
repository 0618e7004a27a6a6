"""A raw terminal with the stream that a keeper would drain, without the keeper."""

from __future__ import annotations

import os
import tty

from roost.keeper.sessions import Stream
from roost.ring.writer import RingWriter, create_ring_file


class RawTerminal:
    """Both ends of a terminal that changes nothing, neither of which blocks, and a ring for what is written into it."""

    def __init__(self, id: str = "s", *, capacity: int = 1 << 16) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        os.set_blocking(self.slave, False)
        self.ring = create_ring_file("test", capacity)
        self.event = os.eventfd(0, os.EFD_NONBLOCK)
        self.stream = Stream(id, "stdout", self.master, self.ring, self.event, RingWriter(self.ring), is_pty=True)

    def close(self) -> None:
        self.stream.writer.release()
        for fd in (self.master, self.slave, self.ring, self.event):
            os.close(fd)
