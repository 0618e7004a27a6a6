"""A client of plain v1 at a terminal, whose connection the keeper serves while it has nothing but keys and output.

Owns when the connection is lent, and that nobody touches it here while it is: whatever the daemon wants of it waits
until the keeper has given it back, and then goes on as if it had sent and read everything itself. Who may attach, type
and be sent away is decided as for any other client.

    here --(nothing is left to read or to send)--> lent --(the keeper gives back, recalled or not)--> here

It is lent after a keystroke, which has two hops fewer then, and, to a keeper that can take floods, whenever the client
has been sent everything. What comes back at once was not worth it: then more and more such moments pass without a loan.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import Any

from roost.daemon.attachment import Attachment
from roost.daemon.guests import Guest, Lender
from roost.daemon.session import Session

#: A loan in which less was typed, and less was sent, was not worth it.
WORTH_BYTES, WORTH_SENT_BYTES = 8, 256 * 1024
#: After such loans, up to so many moments pass without one.
SKIPS_MOST = 64
#: How long the daemon's last word to a client waits for the connection.
FAREWELL_S = 0.005


class GuestAttachment(Attachment):
    """Serves one client, together with the keeper."""

    def __init__(self, *args: Any, session: Session, lender: Lender, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._session = session
        self._lender = lender
        self._guest: Guest | None = None
        self._round = -1  # in which the keeper was asked to know this connection
        self._is_recalled = False
        self._skips = 0
        self._vain = 0

    @property
    def _is_lent(self) -> bool:
        return self._guest is not None and self._guest.is_lent

    @property
    def position(self) -> int:
        """Offset behind the last byte that the client was sent, by whomever."""
        guest = self._guest
        return guest.offset if guest is not None and guest.is_lent else self.offset

    def newly_typed(self) -> int:
        """How many bytes of its input the terminal has taken since the last call, without the daemon."""
        newly = self._guest.newly_taken() if self._guest is not None else 0
        self.input_written += newly
        return newly

    # --- lending --------------------------------------------------------------------------------------------------

    def pump(self) -> bool:
        """As for every client; behind everything that there was to send, the connection may be lent."""
        more = super().pump()
        if not more and self._lender.takes_floods and self._is_quiet():
            self._keystroke_done()
        return more

    def _keystroke_done(self) -> None:
        """Lend the connection if nothing else is to be done with it."""
        if self._skips:
            self._skips -= 1
            return
        lender = self._lender
        if not self._is_quiet() or not lender.may_lend(self._session):
            return
        if self._round != lender.round:
            self._round = lender.round
            self._forget_guest()
            lender.begin(self._session, self._sock.fileno(), self._begun)
        elif self._guest is not None:
            self._lend(self._guest)

    def _is_quiet(self) -> bool:
        """Whether everything that came was read, and everything there is was sent."""
        return (
            self._reading
            and not self._writing
            and self._rest is None
            and not self._notices
            and self._last is None
            and not self._conversation.buffered
            and self.offset == self.stream.ring.end
        )

    def _begun(self, guest: Guest | None) -> None:
        """The keeper knows the connection, or cannot: then it is not asked again."""
        if guest is not None:
            self._guest = guest
            if self.closed or self._round != self._lender.round:
                self._forget_guest()

    def _lend(self, guest: Guest) -> None:
        self.hold_back()
        self._leave()
        self._is_recalled = False
        self._session.typing.lent(self)
        guest.lend(self.offset)

    # --- having it back -------------------------------------------------------------------------------------------

    def recall(self) -> None:
        """Have the connection back; until then nothing is sent or read here."""
        self.look()  # perhaps it is here already
        if self._guest is not None and self._guest.is_lent and not self.closed:
            self._is_recalled = True
            self._guest.recall()

    def look(self) -> None:
        """Go on with the connection if the keeper has given it back."""
        guest = self._guest
        if guest is None or self.closed or (returned := guest.look(keeper_lost=self._lender.keeper_lost)) is None:
            return
        if guest.taken_in_loan >= WORTH_BYTES or returned.offset - self.offset >= WORTH_SENT_BYTES:
            self._vain = 0
        elif not self._is_recalled:
            self._vain = self._skips = min(self._vain * 2 + 1, SKIPS_MOST)
        self.offset = self._rest_at = returned.offset
        self._rest = memoryview(returned.rest) if returned.rest else None
        self._session.typing.came_back(self, self.newly_typed())
        self._take_part()
        if returned.read:
            self._conversation.feed(returned.read)
        self.resume_reading()

    def resume_reading(self) -> None:
        """Read the client's frames, unless the keeper does."""
        if not self._is_lent:
            super().resume_reading()

    # --- ending ---------------------------------------------------------------------------------------------------

    def finish(self, last: bytes, *, until: int | None = None) -> None:
        """Send `last` as the terminal frame once the connection is here."""
        super().finish(last, until=until)
        self.recall()

    def say_and_close(self, last: bytes) -> None:
        """Send `last` if that is possible now, and close: the daemon is leaving."""
        self.recall()
        deadline = time.monotonic() + FAREWELL_S
        while self._is_lent and time.monotonic() < deadline:
            os.sched_yield()
            self.look()
        if self._is_lent:
            self.close()
        else:
            super().say_and_close(last)

    def close(self) -> None:
        """End the attachment without another word, also where the keeper has the connection."""
        if self.closed:
            return
        if self._round >= 0:  # the keeper's copy of the connection may live on for a moment
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)
        self.offset = self.position
        super().close()
        self._forget_guest()

    def _forget_guest(self) -> None:
        """Have the keeper close its copy of the connection, from which something may still be typed until then."""
        guest, self._guest = self._guest, None
        if guest is None:
            return

        def dropped() -> None:
            self._session.typing.came_back(self, guest.newly_taken())
            guest.release()

        guest.drop(dropped)
