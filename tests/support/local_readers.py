"""Programs to read locally, and what tests ask of those that read them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from roost.client import Attachment
from roost.errors import WaitTimeoutError
from roost.model import AttachmentEvent, Detached, Exited, Gap, Output, Stolen

#: Writes numbered lines as fast as the terminal takes them, once it was given a byte.
COUNTER = """
import os, sys, termios, tty
tty.setraw(1, termios.TCSANOW)
n, total = 0, int(sys.argv[1])
os.write(1, b"ready\\n")
os.read(0, 1)
while n < total:
    block = b"".join(b"%09d\\n" % i for i in range(n, min(n + 400, total)))
    n = min(n + 400, total)
    while block:
        block = block[os.write(1, block):]
"""
#: Says what it reads from a fifo, so that a test can make it write without the daemon.
PARROT = """stty raw -echo; echo ready
while :; do read line < {fifo} || continue; echo $line; [ $line = end ] && exit 7; done"""


def expected(total: int) -> bytes:
    return b"ready\n" + b"".join(b"%09d\n" % i for i in range(total))


def ring_of(attachment: Attachment):  # type: ignore[no-untyped-def]
    ring = attachment._state.ring
    assert ring is not None, "it is not read locally"
    return ring


def read_until(attachment: Attachment, wanted: bytes) -> bytes:
    """The output up to and with those bytes; fails after a while."""
    seen = bytearray()
    while wanted not in seen:
        event = attachment.recv(20)
        assert not isinstance(event, (Gap, Exited, Detached, Stolen)), event
        if isinstance(event, Output):
            seen += event.data
    return bytes(seen)


def rest_of(attachment: Attachment) -> tuple[bytes, list[Gap], AttachmentEvent]:
    """All that still comes: the output, the gaps, the last event. Offsets are checked."""
    seen, gaps, last = bytearray(), [], None
    offset = attachment.offset
    for event in attachment:
        last = event
        if isinstance(event, Output):
            assert event.offset == offset, "a repeat or a hole"
            seen += event.data
            offset += len(event.data)
        elif isinstance(event, Gap):
            assert event.start == offset
            offset = event.end
            gaps.append(event)
    assert last is not None
    return bytes(seen), gaps, last


def say(fifo: Path, word: str) -> None:
    with fifo.open("w") as into:
        into.write(f"{word}\n")


def connected(attachment: Attachment) -> bool:
    with contextlib.suppress(WaitTimeoutError):
        attachment.recv(0)
    return attachment.connected


def descriptors_of(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
