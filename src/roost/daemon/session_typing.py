"""What is typed into one session, through the daemon and past it.

Owns who is held back while the child takes nothing, when something was typed last, the inputs that the keeper reads
itself, and how a program is interrupted. Knows nothing of who may attach: it carries out what an attachment that may
type has sent.
"""

from __future__ import annotations

import asyncio
import errno
import signal
import termios
import time
from typing import TYPE_CHECKING

from roost.daemon.attachment import Attachment
from roost.daemon.direct_input import DirectInputs, all_ended
from roost.daemon.session_hooks import SessionHooks
from roost.platform import interrupt_foreground

if TYPE_CHECKING:
    from roost.daemon.session import Session

#: The kernel keeps this much of a line in canonical mode; the rest of a longer one would be discarded silently.
CANONICAL_LINE_BYTES = 4095
#: Input up to this is taken for typing, whose echo is waited for.
KEYSTROKE_BYTES = 32
#: How often what is typed without the daemon is looked at, at most.
LOOK_S = 0.1


class SessionTyping:
    """The input of one session."""

    def __init__(self, loop: asyncio.AbstractEventLoop, session: Session, hooks: SessionHooks) -> None:
        self._loop = loop
        self._session = session
        self._hooks = hooks
        self._held_back: set[Attachment] = set()
        self._look_timer: asyncio.TimerHandle | None = None
        self._lent: dict[Attachment, asyncio.Event] = {}  # who is served by the keeper; set when no more
        self.direct = DirectInputs(lambda reader, all, then: hooks.drop_direct(session, reader, all, then))

    def close(self) -> None:
        """The session is forgotten, or the daemon stops."""
        if self._look_timer is not None:
            self._look_timer.cancel()

    # --- through the daemon ---------------------------------------------------------------------------------------

    def type(self, attachment: Attachment, data: bytes) -> None:
        """Give the child what a client typed; a client that types faster than the child reads is held back."""
        session, child = self._session, self._session.input
        if child is None:
            return
        self.mark()
        if session.is_pty:
            session.window.typed(attachment.traits.id)

        def on_written(count: int, error: OSError | None) -> None:
            if error is None:
                attachment.input_was_written(count)
            elif error.errno not in (errno.EIO, errno.EPIPE):
                self._loop.call_exception_handler({"message": f"input to {session.id} failed", "exception": error})

        child.write(data, attachment, on_written)
        # The child is at work by now: what is noted in memory only costs nobody's time any more.
        self._hooks.typed(session, attachment.traits.asker, "input", data, 0)
        if session.is_pty and len(data) <= KEYSTROKE_BYTES and not attachment.reads_locally:
            session.streams["stdout"].expect_echo()
        if session.input is not None and session.input.full:
            attachment.hold_back()
            self._held_back.add(attachment)

    def has_room(self) -> None:
        """The child has read: whoever was held back may go on."""
        held, self._held_back = self._held_back, set()
        for attachment in held:
            attachment.resume_reading()

    def interrupt(self, asker: str) -> None:
        """SIGINT to the foreground process group of the terminal, whatever its mode; of a pipe session, to the child's.

        Only where a terminal has no foreground group, its interrupt character is typed instead.
        """
        session = self._session
        self._hooks.typed(session, asker, "interrupt", b"", 0)
        if not session.is_pty:
            if session.live:
                self._hooks.signal_group(session, signal.SIGINT)
            return
        if not session.has_terminal:
            return
        try:
            interrupt_foreground(session.terminal, signal.SIGINT)
        except OSError:
            if session.input is not None:
                session.input.write(b"\x03", self, lambda _count, _error: None)

    def canonical(self) -> bool:
        """Whether the terminal collects lines at the moment."""
        try:
            return bool(termios.tcgetattr(self._session.terminal)[3] & termios.ICANON)
        except termios.error:
            return False

    @property
    def watched(self) -> bool:
        """Whether somebody is shown what is typed, so that it has to come through the daemon."""
        return self._session.input is None or self._session.input.watched

    # --- when it was ----------------------------------------------------------------------------------------------

    def mark(self) -> None:
        """Input is about to be written: what it causes is found from here on."""
        now_ns = time.time_ns()
        for stream in self._session.streams.values():
            stream.ring.note_typed(now_ns)

    @property
    def input_from(self) -> int | None:
        """Where the output stood before the newest input, None when there was none."""
        return self._session.streams["stdout"].ring.input_from

    @property
    def last_input_at(self) -> float | None:
        """When the newest input was written, by the wall clock."""
        return self._session.streams["stdout"].ring.input_at

    # --- past the daemon ------------------------------------------------------------------------------------------

    def joined(self, attachment: Attachment) -> None:
        """A client is attached; if it types past the daemon, look out for that."""
        if attachment.types_directly:
            self.direct.begin(attachment.reader, attachment.traits.token.hex())
            self._session.streams["stdout"].on_woken = self._woken
            self._watch()

    def left(self, attachment: Attachment) -> None:
        """A client has gone: what it typed counts, what was not written yet is withdrawn."""
        self._note(attachment, attachment.newly_typed())
        self._held_back.discard(attachment)
        if self._session.input is not None:
            self._session.input.purge(attachment)

    async def end_direct(self) -> None:
        """Have everybody type through the daemon; when this returns nothing comes past it any more."""
        while self.past_daemon:
            await all_ended([*self.direct.end(self.direct.tokens(), discarding=False), *self.recall()])
        for attachment in self._session.clients.attachments:
            attachment.input_ended()

    @property
    def past_daemon(self) -> bool:
        """Whether anybody types without it."""
        return bool(self.direct or self._lent)

    def lent(self, attachment: Attachment) -> None:
        """The keeper is about to serve that client's connection."""
        self._lent[attachment] = asyncio.Event()
        self._session.streams["stdout"].on_woken = self._woken
        if self._look_timer is None:
            self._watch()

    def came_back(self, attachment: Attachment, typed_bytes: int) -> None:
        """It does so no more; so much was typed meanwhile."""
        if not self._session.forgotten:
            self._note(attachment, typed_bytes)
        ended = self._lent.pop(attachment, None)
        if ended is not None:
            ended.set()

    def recall(self) -> list[asyncio.Event]:
        """Have the connections back that the keeper serves; what has to be waited for, if it matters when."""
        ending = list(self._lent.values())
        for attachment in tuple(self._lent):
            attachment.recall()
        return ending

    def found_direct(self, readers: list[int]) -> None:
        """The keeper reads those inputs (once, at adoption)."""
        owners = {ticket.reader: ticket.token for ticket in self._session.record.tickets}
        for reader in readers:
            self.direct.begin(reader, owners.get(reader, ""))

    def give_up_nobodys(self) -> None:
        """Drop inputs that belong to no client any more (once, at adoption)."""
        if "" in self.direct.tokens():
            self._loop.call_soon(lambda: self.direct.end([""], discarding=True))

    def _woken(self) -> None:
        """The keeper has told of something, perhaps of input, perhaps of a connection that it has given back."""
        for attachment in tuple(self._lent):
            attachment.look()
        if self._look_timer is not None:
            return
        newly = [self._note(attachment, attachment.newly_typed()) for attachment in self._session.clients.attachments]
        if any(newly):
            self._look_timer = self._loop.call_later(LOOK_S, self._watch)

    def _watch(self) -> None:
        """Have the keeper tell of the next input, and take note of what has come before that."""
        self._look_timer = None
        if not self._session.forgotten and self.past_daemon:
            self._session.streams["stdout"].ring.watch_input()
            self._woken()

    def _note(self, attachment: Attachment, count: int) -> bool:
        """Take note of how much a client typed past the daemon; whether it was anything."""
        if count:
            self._hooks.typed(self._session, attachment.traits.asker, "input", b"", count)
            if attachment in self._session.clients.attachments:
                self._session.window.typed(attachment.traits.id)
        return count > 0
