"""Connections that are lent to the keeper in quiet moments, seen from the daemon: the page, the words, the messages.

Owns how a connection is made known to the keeper and dropped, how it is lent and recalled, and what comes back. Who may
be a guest and when a loan is worth it is the attachment's business (`guest_attachment`); what a loan is stands in
`roost.keeper.guest_page`.
"""

from __future__ import annotations

import logging
import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass

from roost.daemon.keeper_link import Answer, Fields, KeeperLink
from roost.daemon.session import Session
from roost.keeper import messages as m
from roost.keeper.guest_page import (
    G_BACK,
    G_FROM,
    G_LOAN,
    G_READ,
    G_REST,
    G_SENT,
    G_TAKEN,
    PAGE_BYTES,
    PAGE_WORDS,
    READ_AT,
    READ_MOST,
    REST_AT,
    REST_MOST,
)
from roost.platform import full_fence

log = logging.getLogger(__name__)

FEATURE = "guests"
#: Of a keeper that serves guests in floods, their own and those of others.
FLOODS_FEATURE = "pump"


@dataclass(frozen=True, slots=True)
class Returned:
    """How the keeper has left a connection."""

    offset: int  # the client has been sent everything up to there, but for `rest`
    rest: bytes  # of a frame that the client has not taken whole
    read: bytes  # of the client, to be taken before what its socket holds


class Guest:
    """One connection that the keeper knows. It is the daemon's unless `is_lent`."""

    def __init__(self, page_fd: int, *, wake: Callable[[], None], drop: Callable[[Callable[[], None]], None]) -> None:
        """Map the page; the descriptor stays the caller's. `wake`: have the keeper's draining thread look; `drop`: have
        the keeper forget the connection and call back. Raises OSError."""
        self._map = mmap.mmap(page_fd, PAGE_BYTES)
        self._words = memoryview(self._map)[: PAGE_WORDS * 8].cast("Q")
        self._wake = wake
        self._drop = drop
        self._loan = 0
        self._seen_taken = 0
        self._taken_before = 0
        self.is_lent = False

    def lend(self, offset: int) -> None:
        """From now on the connection is the keeper's; its client has been sent everything up to `offset`."""
        self._loan += 2 if self._loan else 1
        self._taken_before = int(self._words[G_TAKEN])
        self._words[G_FROM] = offset
        full_fence()
        self._words[G_LOAN] = self._loan
        self.is_lent = True
        self._wake()

    def recall(self) -> None:
        """Ask for it back: `look` will show it, and the stream's eventfd tells when."""
        if self.is_lent and self._words[G_LOAN] == self._loan:
            self._words[G_LOAN] = self._loan + 1
            self._wake()

    def look(self, *, keeper_lost: bool = False) -> Returned | None:
        """What has come back, once, when the loan is over: then the connection is the daemon's again."""
        words = self._words
        if not self.is_lent or (words[G_BACK] != self._loan and not keeper_lost):
            return None
        self.is_lent = False
        full_fence()
        if words[G_BACK] != self._loan:
            return Returned(self.offset, b"", b"")
        rest, read = min(words[G_REST], REST_MOST), min(words[G_READ], READ_MOST)
        return Returned(self.offset, self._map[REST_AT : REST_AT + rest], self._map[READ_AT : READ_AT + read])

    @property
    def offset(self) -> int:
        """Up to where the client has been sent everything, in a loan."""
        return max(int(self._words[G_FROM]), int(self._words[G_SENT]))

    @property
    def taken_in_loan(self) -> int:
        """How many bytes of its input the terminal has taken since it was lent last."""
        return int(self._words[G_TAKEN]) - self._taken_before

    def newly_taken(self) -> int:
        """How many bytes of its input the terminal has taken in loans since the last call."""
        taken = int(self._words[G_TAKEN])
        newly, self._seen_taken = taken - self._seen_taken, taken
        return newly

    def drop(self, then: Callable[[], None]) -> None:
        """Have the keeper forget it; `then` is called when nothing of it can be typed any more. `release` follows."""
        self._drop(then)

    def release(self) -> None:
        """Unmap the page."""
        self._words.release()
        self._map.close()


class Lender:
    """Makes guests of connections, where the keeper knows what that is."""

    def __init__(self, link: KeeperLink, watched: Callable[[Session], bool]) -> None:
        """`watched`: whether somebody has to see a session's input, so that none may come past the daemon."""
        self._link = link
        self._watched = watched
        self._paused = False
        self.round = 0  # guests of an earlier one are not known to the keeper any more

    @property
    def is_able(self) -> bool:
        """Whether there can be guests at all."""
        return FEATURE in self._link.features

    @property
    def takes_floods(self) -> bool:
        """Whether a loan is worth it also for a client that only watches."""
        return FLOODS_FEATURE in self._link.features

    @property
    def keeper_lost(self) -> bool:
        """Whether nobody will give anything back any more."""
        return self._link.lost

    def may_lend(self, session: Session) -> bool:
        """Whether connections of that session may be lent now."""
        return (
            session.live
            and not session.forgotten
            and session.input is not None
            and not session.input.queued
            and not session.typing.direct
            and not self._watched(session)
            and not self._paused
            and not self._link.lost
        )

    def begin(self, session: Session, fd: int, then: Callable[[Guest | None], None]) -> None:
        """Make the connection known to the keeper; `then` is told what it is there, or that it cannot be."""
        subject: list[tuple[int, str | int]] = [(m.T_ID, session.id), (m.T_STREAM, "stdout")]
        wake = session.streams["stdout"].wake_keeper
        try:
            copy = os.dup(fd)  # the connection may be closed before the message has gone
        except OSError:
            then(None)
            return

        def answered(answer: Answer | None) -> None:
            os.close(copy)
            then(None if answer is None else _guest(self._link, subject, answer, wake))

        self._link.ask_then(m.ADD_GUEST, subject, (copy,), then=answered)

    def pause(self) -> None:
        """Lend nothing: the keeper's threads are about to end. What is lent comes back by itself."""
        self._paused = True

    def resume(self) -> None:
        """Other threads run, which know no guest."""
        self._paused = False
        self.round += 1


def _guest(link: KeeperLink, subject: list[tuple[int, str | int]], answer: Answer, wake: Callable[[], None]) -> Guest:
    message, fds = answer
    named: Fields = [*subject, (m.T_GUEST, message.u64(m.T_GUEST))]

    def drop(then: Callable[[], None]) -> None:
        """Also where nobody answers any more, or the keeper knows no such guest."""
        link.ask_then(m.DROP_GUEST, named, (), then=lambda _: then())

    try:
        return Guest(fds[0], wake=wake, drop=drop)
    finally:
        for fd in fds:
            os.close(fd)
