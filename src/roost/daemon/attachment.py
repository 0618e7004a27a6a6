"""One attached client: a cursor, a socket, and the one owner of every byte sent to it after the attach answer.

Owns the order of what the client sees: output, gaps, notices and the terminal frame, each frame whole, exit and steal
and detach behind the frame under way. Keeps no queue: only the rest of one frame that the socket took in part. Knows
nothing of the session's rules (who may attach, what input means): those come in as callbacks.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass

from roost.core.queries import blanked
from roost.daemon.prompt_loop import Readers
from roost.daemon.stream import Stream
from roost.wire import frames
from roost.wire.conversation import ServerConversation
from roost.wire.frames import InputFrame

#: A reader lapped twice within this time is in a flood that it cannot follow.
LAPPED_AGAIN_S = 0.2
#: Output below this is joined with its frame's head before it is sent.
JOINED_BYTES = 2048
#: How long a client that does not read may keep its last frame waiting.
LAST_FRAME_S = 10.0
#: Input acknowledged at once when this much of it was written since the last report, else after a moment.
REPORT_BYTES = 32 * 1024
REPORT_DELAY_S = 0.05

#: Below the size from which malloc maps memory anew for each buffer.
_READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class AttachmentTraits:
    """What a client said of itself when it attached; nothing here changes later."""

    id: str
    mode: str  # exclusive, share, view
    lossless: bool
    extended: bool
    pipe: bool
    label: str
    token: bytes
    tty: bool = False
    term: str = ""
    graphics: object | None = None
    asker: str = ""  # on whose behalf, see `roost.daemon.asker`

    @property
    def interactive(self) -> bool:
        """Whether this client may type."""
        return self.mode != "view"


class Attachment:
    """Serves one client until its terminal frame is out or its socket is gone."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        conversation: ServerConversation,
        stream: Stream,
        traits: AttachmentTraits,
        *,
        offset: int,
        on_input: Callable[[Attachment, InputFrame], None],
        on_closed: Callable[[Attachment], None],
        readers: Readers | None = None,
    ) -> None:
        self._loop = loop
        self._readers: Readers = readers or loop
        self._sock = sock
        self._conversation = conversation
        self.stream = stream
        self.traits = traits
        self.lossless = traits.lossless
        self.offset = offset
        self._rest_at = offset  # offset of the first byte of the frame under way
        self._on_input = on_input
        self._on_closed = on_closed
        self._rest: memoryview | None = None
        self._notices: list[bytes] = []
        self._last: bytes | None = None
        self._until: int | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._report_timer: asyncio.TimerHandle | None = None
        self._reading = False
        self._writing = False
        #: Spans of the backlog that this client must not see: NULs stand there for it.
        self.blanks: tuple[tuple[int, int], ...] = ()
        self.closed = False
        self._lapped_at = -LAPPED_AGAIN_S
        self.rows = 0
        self.cols = 0
        self.input_written = 0
        self._input_reported = 0

    def start(self, answer: bytes) -> None:
        """Send the attach answer, then everything else behind it."""
        self._rest = memoryview(answer)
        self._take_part()
        self.resume_reading()

    # --- where another way of getting the output differs (`local_attachment`) --------------------------------------

    @property
    def position(self) -> int:
        """Offset behind the last byte that the client was handed."""
        return self.offset

    @property
    def reads_locally(self) -> bool:
        """Whether the client takes its output out of the ring itself."""
        return False

    @property
    def reader(self) -> int:
        """The keeper's number for a client that reads locally, else 0."""
        return 0

    @property
    def types_directly(self) -> bool:
        """Whether its input does not come through the daemon."""
        return False

    def newly_typed(self) -> int:
        """How many bytes of its input the terminal has taken since the last call, without the daemon."""
        return 0

    def input_ended(self) -> None:
        """Its input was taken back, if it did not come through the daemon."""

    def recall(self) -> None:
        """Have its connection back from the keeper, if that serves it (`guest_attachment`)."""

    def look(self) -> None:
        """Go on with the connection if it has come back."""

    def _keystroke_done(self) -> None:
        """Somebody has typed a key and had what there was to send."""

    def _take_part(self) -> None:
        self.stream.add(self)

    def _leave(self) -> None:
        self.stream.remove(self)

    def _soon(self) -> None:
        self.stream.turn_soon()

    def _send(self, data: memoryview) -> int:
        return self._sock.send(data)

    def ending_at(self, last: bytes, exit_offset: int | None = None) -> bytes:
        """`last` as this client is to get it: whoever is sent output needs not be told where it ends."""
        return last

    # --- towards the client ---------------------------------------------------------------------------------------

    @property
    def blocked(self) -> bool:
        """Whether the socket has to become writable first."""
        return self._writing

    def hold_offset(self) -> int:
        """The least offset whose frame the socket has not taken whole."""
        return self._rest_at if self._rest is not None else self.offset

    def pump(self) -> bool:
        """Send one output frame and what stands before it; True when there may be more to send right away."""
        while not self.closed:
            if self._rest is not None and not self._flush_rest():
                return False
            if self._notices:
                self._rest_at = self.offset
                self._rest = memoryview(b"".join(self._notices))
                self._notices.clear()
            elif self._last is not None and (self._until is None or self.offset >= self._until):
                self._send_last()
                return False
            else:
                data = self.stream.take(self.offset)
                if data is not None:
                    return self._send_output(data)
                self._note_gap()  # and go on at once: what is retained now may not be for long
        return False

    def _send_output(self, data: bytes) -> bool:
        """One output frame, with what was just taken; False when there is nothing to send or the socket is full."""
        offset = self.offset
        until = self._until
        if until is not None and offset + len(data) > until:
            data = data[: until - offset]
        if not data:
            return False
        try:
            rest = self._send_piece(offset, data)
        except BlockingIOError:
            self._wait_writable()
            return False
        except OSError:
            self.close()
            return False
        self.offset = offset + len(data)
        if rest:
            self._rest_at = offset
            self._rest = rest
            self._wait_writable()
            return False
        return True

    def _send_piece(self, offset: int, data: bytes) -> memoryview | None:
        """Send a piece as one frame; what the socket did not take of it. Raises OSError."""
        if self.blanks and offset >= self.blanks[-1][1]:
            self.blanks = ()
        if self.blanks:
            data = blanked(data, offset, self.blanks)
        elif self.stream.shared:
            frame = self.stream.frame(offset, data, extended=self.traits.extended)
            sent = self._sock.send(frame)
            return memoryview(frame)[sent:] if sent < len(frame) else None
        head = frames.output_head(len(data), offset if self.traits.extended else None)
        # Joining a few bytes is cheaper than a second buffer, joining many is not.
        sent = self._sock.send(head + data) if len(data) < JOINED_BYTES else self._sock.sendmsg((head, data))
        return memoryview(head + data)[sent:] if sent < len(head) + len(data) else None

    def _note_gap(self) -> None:
        """Go on behind what was overwritten: at the oldest retained byte, or, if that happened only a moment ago, where
        the other readers are, because what is oldest will be gone again before its turn comes."""
        ring = self.stream.ring
        now = self._loop.time()
        start = ring.start
        if now - self._lapped_at < LAPPED_AGAIN_S:
            start = max(start, self.stream.front())
        self._lapped_at = now
        if self._until is not None:
            start = min(start, self._until)
        self._notices.append(self._gap_frame(self.offset, start))
        self.offset = start

    def _gap_frame(self, start: int, end: int) -> bytes:
        if self.traits.extended:
            return frames.gap(start, end)
        return frames.pipe_missed(end - start) if self.traits.pipe else frames.pty_missed(end - start)

    def _flush_rest(self) -> bool:
        assert self._rest is not None
        try:
            sent = self._send(self._rest)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return False
        if sent < len(self._rest):
            self._rest = self._rest[sent:]
            self._wait_writable()
            return False
        self._rest = None
        return True

    def _wait_writable(self) -> None:
        if not self._writing and not self.closed:
            self._writing = True
            self._loop.add_writer(self._sock, self._writable)

    def _writable(self) -> None:
        self._writing = False
        self._loop.remove_writer(self._sock)
        self._soon()

    def notify(self, frame: bytes) -> None:
        """Send a notice (extended clients only) between two output frames."""
        if self.traits.extended and self._last is None and not self.closed:
            self._notices.append(frame)
            self._soon()

    def finish(self, last: bytes, *, until: int | None = None) -> None:
        """Send `last` as the terminal frame, behind output up to `until` (None: only behind the frame under way)."""
        if self.closed or (self._last is not None and until is not None):
            return
        self._last = last
        self._until = until
        if until is None:
            self._notices.clear()
            self._give_up_hold()
            if self._deadline is None:
                self._deadline = self._loop.call_later(LAST_FRAME_S, self.close)
        self._soon()

    def say_and_close(self, last: bytes) -> None:
        """Send `last` if the socket takes it now and no frame is under way, and close: the daemon is leaving."""
        if self._rest is None and not self.closed:
            with contextlib.suppress(OSError):
                self._sock.send(last)
        self.close()

    def _give_up_hold(self) -> None:
        if self.lossless:
            self.lossless = False
            self.stream.update_hold()

    def _send_last(self) -> None:
        assert self._last is not None
        try:
            sent = self._sock.send(self._last)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        if sent < len(self._last):
            self._rest = memoryview(self._last)[sent:]
            self._last = b""
            self._wait_writable()
            return
        self.close()

    @property
    def finishing(self) -> bool:
        """Whether the terminal frame is decided."""
        return self._last is not None

    @property
    def sent_away(self) -> bool:
        """Whether it is being told that it is not attached any more; what it still types is nobody's."""
        return self._last is not None and self._until is None

    # --- from the client ------------------------------------------------------------------------------------------

    def resume_reading(self) -> None:
        """Read the client's frames, first those that came right behind the attach request."""
        if not self._reading and not self.closed:
            self._reading = True
            self._readers.add_reader(self._sock.fileno(), self._readable)
            self._loop.call_soon(self._dispatch)

    def hold_back(self) -> None:
        """Stop reading this client until `resume_reading`: its input goes nowhere at the moment."""
        if self._reading:
            self._reading = False
            self._readers.remove_reader(self._sock.fileno())

    def _readable(self) -> None:
        try:
            data = self._sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        keystroke = self._conversation.keystroke(data)
        if keystroke is not None:
            self._on_input(self, keystroke)
            self._keystroke_done()
            return
        self._conversation.feed(data)
        self._dispatch()

    def _dispatch(self) -> None:
        if self.closed:
            return
        while not self.closed and self._reading:
            event = self._conversation.next_event()
            if event is None:
                return
            if not isinstance(event, InputFrame):  # oversized: v1 closes such a stream without a frame
                self.close()
                return
            self._on_input(self, event)

    def input_was_written(self, count: int) -> None:
        """Count input that reached the child, and tell an extended client, not more often than is useful."""
        self.input_written += count
        if not self.traits.extended or self.closed:
            return
        if self.input_written - self._input_reported >= REPORT_BYTES:
            self._report_input()
        elif self._report_timer is None:
            self._report_timer = self._loop.call_later(REPORT_DELAY_S, self._report_input)

    def _report_input(self) -> None:
        if self._report_timer is not None:
            self._report_timer.cancel()
            self._report_timer = None
        if self.input_written != self._input_reported:
            self._input_reported = self.input_written
            self.notify(frames.input_offset(self.input_written))

    def close(self) -> None:
        """End the attachment without another word; the session goes on."""
        if self.closed:
            return
        self.closed = True
        for timer in (self._deadline, self._report_timer):
            if timer is not None:
                timer.cancel()
        self._readers.remove_reader(self._sock.fileno())
        self._loop.remove_writer(self._sock)
        self._leave()
        self._sock.close()
        self._on_closed(self)
