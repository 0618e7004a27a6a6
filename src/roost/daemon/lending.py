"""What is lent to a client that reads a ring itself: asked of the keeper, made read-only, handed over, taken back.

Owns the descriptors between the keeper's answer and the client's, and the client's page, in which it says how far it
has come. Whatever stands there is the client's word: good for lists, never to go by.
"""

from __future__ import annotations

import logging
import mmap
import os
from collections.abc import Callable

from roost.daemon.keeper_link import KeeperLink
from roost.errors import RoostError
from roost.keeper import messages as m
from roost.ring.local import LENT
from roost.ring.reader_page import PAGE_BYTES, R_LIMIT, R_OFFSET, R_TAKEN

log = logging.getLogger(__name__)

FEATURE = "readers"
INPUT_FEATURE = "inputs"


class Lent:
    """What one local reader was lent. `fds` are sent with the answer to its attach and closed then.

    `reader` is its number; `types`: it was lent an input, too, and that was not taken back.
    """

    def __init__(self, reader: int, fds: tuple[int, ...], page_fd: int, on_released: Callable[[], None]) -> None:
        """Take the descriptors over; `page_fd` is one of them. `on_released` is called once, at the end."""
        self.reader = reader
        self.fds = fds
        self.types = len(fds) > LENT
        self._seen_taken = 0
        self._page = mmap.mmap(page_fd, PAGE_BYTES)
        self._on_released: Callable[[], None] | None = on_released

    def offset(self, *, least: int, most: int) -> int:
        """How far the reader says it has come, within what is possible."""
        if self._page.closed:
            return most
        at = R_OFFSET * 8
        return min(max(int.from_bytes(self._page[at : at + 8], "little"), least), most)

    def newly_taken(self) -> int:
        """How many bytes of its input the terminal has taken since the last call."""
        if self._page.closed:
            return 0
        at = R_TAKEN * 8
        taken = int.from_bytes(self._page[at : at + 8], "little")
        newly, self._seen_taken = max(0, taken - self._seen_taken), taken
        return newly

    def without_input(self) -> None:
        """Keep the input back: it was not handed over yet."""
        self.types = False
        kept, self.fds = self.fds[LENT:], self.fds[:LENT]
        for fd in kept:
            os.close(fd)  # which ends it

    def limit(self, offset: int) -> None:
        """Have the reader stop there, whenever it hears why."""
        if not self._page.closed:
            with memoryview(self._page)[: (R_LIMIT + 1) * 8].cast("Q") as words:
                words[R_LIMIT] = offset + 1

    def handed_over(self) -> None:
        """The client has its own copies of the descriptors."""
        fds, self.fds = self.fds, ()
        for fd in fds:
            os.close(fd)

    def release(self) -> None:
        """The reader is not served any more."""
        self.handed_over()
        self._page.close()
        released, self._on_released = self._on_released, None
        if released is not None:
            released()


async def lend(link: KeeperLink, session_id: str, stream: str, *, types: bool = False) -> Lent | None:
    """Have the keeper serve one more reader of that stream; None where it cannot: the daemon sends the output then.

    With `types` it is lent an input besides, where the keeper can do that.
    """
    if FEATURE not in link.features:
        return None
    subject = [(m.T_ID, session_id), (m.T_STREAM, stream)]
    try:
        wish = [(m.T_INPUT, 1)] if types and INPUT_FEATURE in link.features else []
        answer, fds = await link.call(m.ADD_READER, [*subject, *wish])
    except RoostError as error:
        log.info("%s %s is not read locally: %s", session_id, stream, error.message)
        return None
    try:
        fds[0] = _read_only(fds[0])
        number = answer.u64(m.T_READER)
        reader = (m.T_READER, number)
        return Lent(number, tuple(fds), fds[1], lambda: link.tell(m.DROP_READER, [*subject, reader]))
    except OSError as error:
        for fd in fds:
            os.close(fd)
        log.warning("%s %s is not read locally: %s", session_id, stream, error)
        return None


def _read_only(ring_fd: int) -> int:
    """The same ring, in place of the descriptor that was given, such that it can only be read through it.

    The file's mode then keeps its owner from opening it for writing by way of /proc; keeper and daemon have it open.
    """
    os.fchmod(ring_fd, 0o400)
    readable = os.open(f"/proc/self/fd/{ring_fd}", os.O_RDONLY | os.O_CLOEXEC)
    os.close(ring_fd)
    return readable
