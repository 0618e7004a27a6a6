"""The attached terminal: keys to the session, output to the screen, until one of them ends it.

Owns the loop between a terminal and an attachment. Must not know how the attachment came about or what is said after
it. Output goes from the attachment to the terminal undecoded; keys wait here, bounded, while the session does not read,
so that the detach keys are seen even then.
"""

from __future__ import annotations

import os
import select
import time
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from roost.cli.detach_keys import DetachKeys
from roost.cli.terminal import EndedBySignal, Signals, Terminal
from roost.cli.wording import count
from roost.errors import RoostError, WaitTimeoutError, WrongStateError
from roost.model.attaching import Detached, Exited, Gap, Output, Reconnected, Stolen

if TYPE_CHECKING:
    from roost.client import Attachment
    from roost.model.attaching import AttachmentEvent

#: Typed bytes that wait for a session that does not read; a paste of this size still leaves the detach keys working.
PENDING_LIMIT_BYTES = 16 << 20
READ_BYTES = 64 * 1024
#: Output shown before the keys get their turn.
TURN_BYTES = 128 * 1024
#: How long what is under way is waited for after asking to be detached.
LEAVE_S = 2.0
#: An absence of the daemon that is shorter is not worth a word.
AWAY_NOTICE_AFTER_S = 2.5
_AWAY_POLL_MS = 20
_INTERRUPT = b"\x03"
_PUSH_TITLE, _POP_TITLE = b"\x1b[22;2t", b"\x1b[23;2t"


class Cause(Enum):
    """Why the relay ended."""

    EVENT = "event"
    LEFT = "left"
    SUSPENDED = "suspended"
    HUNG_UP = "hung up"
    SIGNAL = "signal"


class Ending(NamedTuple):
    """How a relay ended: the cause, the last event if there was one, the signal, and what was lost on the way."""

    cause: Cause
    event: Exited | Detached | Stolen | None = None
    signal: int = 0
    undelivered_bytes: int = 0
    doubtful_bytes: int = 0
    missed_bytes: int = 0


class Relay:
    """One attachment in one terminal. `repaint_after_s` sends the size once more after that time."""

    def __init__(
        self,
        attachment: Attachment,
        terminal: Terminal,
        signals: Signals,
        keys: DetachKeys,
        *,
        view: bool = False,
        repaint_after_s: float | None = None,
    ) -> None:
        self._attachment = attachment
        self._terminal = terminal
        self._signals = signals
        self._keys = keys
        self._view = view
        self._interrupt = DetachKeys((_INTERRUPT,))
        self._pending = bytearray()
        self._missed_bytes = 0
        self._undelivered_bytes = 0
        self._away_since: float | None = None
        self._away_told = False
        self._titled = False
        self._doubtful_bytes = 0
        self._resize_at = None if repaint_after_s is None else time.monotonic() + repaint_after_s
        self._poller = select.poll()
        self._polled: dict[int, int] = {}

    def run(self) -> Ending:
        """Moves bytes until the end. Raises RoostError when the attachment fails; the terminal is left raw."""
        try:
            self._terminal.write(self._attachment.restore)
            return self._loop()
        except EndedBySignal as ended:
            return self._leave(Cause.SIGNAL, ended.number)
        except OSError:  # the terminal is gone; the attachment reports its own losses as RoostErrors
            self._attachment.close()
            self._titled = False
            return self._ending(Cause.HUNG_UP)

    def _loop(self) -> Ending:
        while True:
            event, more = self._show_output()
            if event is not None:
                return self._ending(Cause.EVENT, event)
            if self._signals.suspend:
                self._signals.suspend = False
                return self._leave(Cause.SUSPENDED)
            self._follow_size()
            self._push_pending()
            ready = self._poll(more)
            if self._signals.fileno() in ready:
                self._signals.clear()
            if self._terminal.in_fd in ready:
                cause = self._read_keys()
                if cause is not None:
                    return self._leave(cause)

    # ------------------------------------------------------------------ output

    def _show_output(self) -> tuple[Exited | Detached | Stolen | None, bool]:
        """Shows what is there, up to a turn; the last event if it came, and whether there may be more."""
        shown = 0
        while shown < TURN_BYTES:
            try:
                event = self._attachment.recv(0)
            except WaitTimeoutError:
                self._note_absence()
                return None, False
            if type(event) is Output:
                self._terminal.write(event.data)
                shown += len(event.data)
            elif event is None:
                return Detached("closed"), False
            elif isinstance(event, (Exited, Detached, Stolen)):
                return event, False
            else:
                self._on_incident(event)
        return None, True

    def _on_incident(self, event: AttachmentEvent) -> None:
        if isinstance(event, Gap):
            self._missed_bytes += event.missed_bytes
            if not self._terminal.screen.alternate:  # a full-screen program's picture stays whole: told on leaving
                self._terminal.say(f"[roost: {count(event.missed_bytes, 'byte')} missed]")
        elif isinstance(event, Reconnected):
            self._end_absence()
            if event.input_bytes_in_doubt:
                self._doubtful_bytes += event.input_bytes_in_doubt
                doubt = count(event.input_bytes_in_doubt, "typed byte")
                self._notice(f"[roost: the daemon was away; {doubt} may not have arrived]")

    def _note_absence(self) -> None:
        if self._attachment.connected:
            return
        now = time.monotonic()
        self._away_since = self._away_since or now
        if not self._away_told and now - self._away_since >= AWAY_NOTICE_AFTER_S:
            self._away_told = True
            self._notice("[roost: the daemon is away; waiting for it]")

    def _end_absence(self) -> None:
        if self._away_told:
            self._notice("[roost: the daemon is back]")
        if self._titled:
            self._terminal.write(_POP_TITLE)
        self._away_since, self._away_told, self._titled = None, False, False

    def _notice(self, text: str) -> None:
        """One line among the output; over a full-screen program's picture it is the terminal's title instead."""
        if not self._terminal.screen.alternate:
            self._terminal.say(text)
            return
        if not self._titled:
            self._terminal.write(_PUSH_TITLE)
            self._titled = True
        self._terminal.write(f"\x1b]2;{text}\x07".encode())

    # ------------------------------------------------------------------ input

    def _read_keys(self) -> Cause | None:
        data = os.read(self._terminal.in_fd, READ_BYTES)
        if not data:
            return Cause.HUNG_UP
        typed, leave = self._keys.feed(data)
        if self._view:
            return Cause.LEFT if leave or self._interrupt.feed(typed)[1] else None
        self._pending += typed
        self._push_pending()
        return Cause.LEFT if leave else None

    def _push_pending(self) -> None:
        while self._pending:
            chunk = bytes(self._pending[:READ_BYTES])
            try:
                self._attachment.write(chunk, timeout_s=0)
            except WaitTimeoutError as error:
                del self._pending[: getattr(error, "written", 0)]
                return
            except WrongStateError:  # it has ended; the last event says how, and is still to be shown
                self._undelivered_bytes += len(self._pending)
                self._pending.clear()
                return
            del self._pending[: len(chunk)]

    def _follow_size(self) -> None:
        due = self._resize_at is not None and time.monotonic() >= self._resize_at
        if not (self._signals.resized or due) or self._view:
            return
        self._signals.resized = False
        self._resize_at = None if due else self._resize_at
        rows, cols = self._terminal.size()
        if rows and cols:
            self._attachment.resize(rows, cols)

    # ------------------------------------------------------------------ waiting and leaving

    def _poll(self, more: bool) -> set[int]:
        attachment = self._attachment.fileno()
        wanted = {self._signals.fileno(): select.POLLIN}
        if len(self._pending) < PENDING_LIMIT_BYTES:
            wanted[self._terminal.in_fd] = select.POLLIN
        if attachment >= 0:
            wanted[attachment] = select.POLLIN | (select.POLLOUT if self._attachment.wants_write else 0)
        elif self._attachment.output_fileno >= 0:
            wanted[self._attachment.output_fileno] = select.POLLIN
        self._watch(wanted)
        return {fd for fd, _ in self._poller.poll(self._timeout_ms(more, attachment))}

    def _timeout_ms(self, more: bool, attachment: int) -> float | None:
        if more or self._signals.suspend or self._signals.resized:
            return 0
        if attachment < 0:
            return _AWAY_POLL_MS
        if self._resize_at is not None:
            return max(0.0, self._resize_at - time.monotonic()) * 1000
        return None

    def _watch(self, wanted: dict[int, int]) -> None:
        if wanted == self._polled:
            return
        for fd in self._polled.keys() - wanted.keys():
            self._poller.unregister(fd)
        for fd, mask in wanted.items():
            self._poller.register(fd, mask)
        self._polled = wanted

    def _leave(self, cause: Cause, number: int = 0) -> Ending:
        """Detaches and shows what is under way, for a while: the last frame says how to put the terminal back."""
        event = None
        try:
            if self._attachment.connected:
                self._attachment.detach()
                event = self._last_event(time.monotonic() + LEAVE_S)
        except (RoostError, OSError, EndedBySignal):
            pass  # we are leaving anyhow; the fallback puts the terminal back
        finally:
            self._attachment.close()
        return self._ending(cause, event, number)

    def _last_event(self, deadline: float) -> Exited | Detached | Stolen | None:
        while (left_s := deadline - time.monotonic()) > 0:
            event = self._attachment.recv(left_s)
            if isinstance(event, Output):
                self._terminal.write(event.data)
            elif event is None or isinstance(event, (Exited, Detached, Stolen)):
                return event
        return None

    def _ending(self, cause: Cause, event: Exited | Detached | Stolen | None = None, number: int = 0) -> Ending:
        if self._titled:
            self._terminal.write(_POP_TITLE)
        unsent = self._attachment.input_bytes_unsent
        return Ending(
            cause,
            event,
            number,
            undelivered_bytes=self._undelivered_bytes + len(self._pending) + unsent,
            doubtful_bytes=self._doubtful_bytes,
            missed_bytes=self._missed_bytes,
        )
