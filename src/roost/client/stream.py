"""An attachment without its socket: frames in, events out, and where to go on after the connection was lost.

Owns the state of one attachment over all its connections: offsets, what is to be sent, how it ends. Pure: no socket, no
clock. The sync and async attachments are shells around it.

    new ──connection──▶ attaching ──answer──▶ streaming ──last frame──▶ ended
                            ▲  └──refused──▶ ended        │
                            └─────── connection lost ◀────┘
"""

from __future__ import annotations

from collections import deque

from roost.client.inbox import Inbox
from roost.client.outbox import Outbox
from roost.client.replies import check_reply, raise_reply_error
from roost.client.ring_output import Ring, RingOutput
from roost.errors import InvalidError, RoostError, UnavailableError, WrongStateError, error_of_kind
from roost.model.attaching import AttachmentEvent, Detached, Exited, Gap, Output, Reconnected, Resized, Stolen
from roost.wire.frames import (
    EXIT_CODE_UNKNOWN,
    StreamFrame,
    decode_stream_frame,
    encode_close_stdin,
    encode_detach,
    encode_interrupt,
    encode_resize,
)
from roost.wire.requests import Attached, AttachOptions, decode_attached, decode_reply, encode_attach

#: An attachment's connection carries one request, this one.
REQUEST_ID = 1
#: Output that is kept while a write waits for the session; beyond it the daemon's ring has to.
STASH_LIMIT_BYTES = 64 << 20

_DETACHED = "detached"


class AttachmentState:
    """One attachment; `inbox` and `outbox` are where its shell moves bytes."""

    def __init__(self, options: AttachOptions, *, client_name: str, reconnect: bool) -> None:
        self.options = options
        self.client_name = client_name
        self.reconnect = reconnect
        self.inbox = Inbox()
        self.outbox = Outbox()
        self.attached = Attached()
        self.streaming = False
        #: Nothing more comes from the daemon; events may still wait.
        self.ended = False
        #: What ended it, if that was an error; raised once the events before it are taken.
        self.failure: RoostError | None = None
        self.reset = b""
        #: Absolute offset behind the last byte that was handed out.
        self.offset = 0
        self._expected = 0  # … behind the last byte that was read from a frame
        self._behind_gap: Output | None = None
        self._stash: deque[AttachmentEvent] = deque()
        self._stash_bytes = 0
        self._in_doubt_bytes = 0
        self._local: RingOutput | None = None
        self._final: AttachmentEvent | None = None  # comes behind the local output up to `_until`
        self._until: int | None = None
        self._pipe = options.stream is not None
        self._was_attached = False
        self._leaving = False

    # ------------------------------------------------------------------ connections

    def request(self) -> bytes:
        """The attach request for a fresh connection: the caller's, or one that goes on where the last one stopped."""
        options = self.options
        if self._was_attached:
            options = AttachOptions(
                self.attached.session_id or options.target,
                stream=options.stream,
                rows=options.rows,
                cols=options.cols,
                term=options.term,
                tty=options.tty,
                from_offset=self._expected,
                mode=options.mode,
                lossless=options.lossless,
                label=options.label,
                restore="none",
                resume_token=self.attached.resume_token or None,
                local=options.local,
                local_input=options.local_input,
            )
        return encode_attach(REQUEST_ID, options, self.client_name)

    def answer(self) -> bool:
        """Looks for the answer to the request; True once it is there and the stream runs.

        Raises the daemon's refusal, or ProtocolError.
        """
        payload = self.inbox.next_payload()
        if payload is None:
            return False
        reply = check_reply(decode_reply(bytes(payload)), REQUEST_ID)
        raise_reply_error(reply)
        attached = decode_attached(reply)
        if self._was_attached:
            self._resumed(attached)
        else:
            self._was_attached = True
            self.attached = attached
            self.offset = self._expected = attached.start_offset
        self.streaming = True
        return True

    @property
    def lent(self) -> int:
        """How many descriptors come with the answer: those of the ring, to be read here in place of output frames."""
        return self.attached.local

    @property
    def ring(self) -> Ring | None:
        """The ring that is read here; None while output comes as frames."""
        return None if self._local is None else self._local.ring

    def read_locally(self, ring: Ring | None) -> None:
        """Takes the output out of that ring from now on, or (None) out of frames again; the old one is closed.

        What was typed past the daemon and not taken goes the new way: the old one has ended before the daemon answered.
        """
        before, self._local = self._local, None if ring is None else RingOutput(ring)
        self.outbox.use(ring if ring is not None and ring.input_fd >= 0 else None)
        if before is not None:
            before.ring.close()

    def close(self) -> None:
        """Gives the ring up for good; the counts of the input are the last ones."""
        self.outbox.close()
        self.read_locally(None)

    def _resumed(self, attached: Attached) -> None:
        self.attached.resume_token = attached.resume_token
        self.attached.attachment_id = attached.attachment_id
        self.attached.local = attached.local
        self._keep(Reconnected(self._in_doubt_bytes))
        self._in_doubt_bytes = 0
        if attached.start_offset > self._expected and not attached.local:
            self._keep(self._gap_up_to(attached.start_offset))

    def lost(self) -> None:
        """The connection is gone: keeps what came whole, and is ready for another connection unless it has ended."""
        if self.streaming:
            self.stash()
            self._in_doubt_bytes += self.outbox.restart()
        self.streaming = False
        self.inbox.clear()
        if self.ended or self._final is not None:
            return
        if self._leaving:
            self._end(Detached(_DETACHED))
        elif not self.reconnect:
            self.fail(UnavailableError("the daemon went away; attach again to go on (reconnect was switched off)"))

    def restart(self) -> None:
        """The connection was given up to have another one at once; nothing was sent or seen on it."""
        self.streaming = False
        self.inbox.clear()

    def fail(self, error: RoostError) -> None:
        """Ends the attachment with an error, behind the events that are there."""
        self.ended = True
        self.streaming = False
        self.failure = error

    # ------------------------------------------------------------------ output

    def next_event(self) -> AttachmentEvent | None:
        """The next event that is here already; None when there is none (yet, or any more if `ended`)."""
        if self._stash:
            event = self._stash.popleft()
            if isinstance(event, Output):
                self._stash_bytes -= len(event.data)
        else:
            read = self._read_event()
            if read is None:
                return None
            event = read
        if isinstance(event, Output):
            self.offset = event.offset + len(event.data)
        elif isinstance(event, Gap):
            self.offset = event.end
        return event

    def stash(self) -> None:
        """Reads every complete frame that is here and keeps the events, so that there is room to receive into."""
        read = self._read_event if self._local is None else self._read_frames
        while (event := read()) is not None:
            self._keep(event)

    def awaits_output(self) -> bool:
        """Asks the ring to tell of more, if it is read here; False when there is more already."""
        return self._local is None or self._final is not None or self._local.ring.arm(self._expected)

    def has_output(self) -> bool:
        """Whether there is more in the ring, if it is read here."""
        return self._local is not None and self._final is None and self._local.ring.end > self._expected

    def collects(self) -> bool:
        """Whether a flood comes out of the ring, so that it should be left alone for a moment."""
        return self._local is not None and self._local.collects()

    @property
    def stash_full(self) -> bool:
        """Whether output has to wait in the daemon's ring, for want of a reader."""
        return self._stash_bytes >= STASH_LIMIT_BYTES

    def _keep(self, event: AttachmentEvent) -> None:
        self._stash.append(event)
        if isinstance(event, Output):
            self._stash_bytes += len(event.data)

    def _read_event(self) -> AttachmentEvent | None:
        """Reads frames up to the first that means something to the user."""
        if self._behind_gap is not None:
            event, self._behind_gap = self._behind_gap, None
            return event
        found = self._read_frames()
        return found if found is not None or self._local is None else self._read_ring(self._local)

    def _read_ring(self, local: RingOutput) -> AttachmentEvent | None:
        """What comes out of the ring, then the last event; frames have been read before."""
        if self.ended:
            return None
        if self._until is not None and self._expected >= self._until:
            self.ended = True
            return self._final
        event = local.read(self._expected, self._until)
        if event is not None:
            self._expected = event.end if isinstance(event, Gap) else event.offset + len(event.data)
        return event

    def _read_frames(self) -> AttachmentEvent | None:
        while self.streaming and not self.ended:
            try:
                payload = self.inbox.next_payload()
                if payload is None:
                    return None
                # A view, so that output is copied once: out of the buffer into the event.
                frame = decode_stream_frame(payload, pipe=self._pipe)  # type: ignore[arg-type]
            except RoostError as error:
                self.fail(error)
                return None
            found = self._output(frame) if frame.output is not None else self._notice(frame)
            if found is not None:
                return found
        return None

    def _output(self, frame: StreamFrame) -> AttachmentEvent | None:
        """Output, without the part that was seen before; a hole that nobody announced is told first."""
        data = frame.output
        assert data is not None
        offset = self._expected if frame.offset is None else frame.offset
        if offset < self._expected:
            data = data[self._expected - offset :]
            offset = self._expected
        if not data:
            return None
        gap = self._gap_up_to(offset) if offset > self._expected else None
        self._expected = offset + len(data)
        output = Output(offset, bytes(data))
        if gap is None:
            return output
        self._behind_gap = output
        return gap

    def _gap_up_to(self, end: int) -> Gap:
        gap = Gap(self._expected, end)
        self._expected = end
        return gap

    def _notice(self, frame: StreamFrame) -> AttachmentEvent | None:
        if frame.input_offset is not None:
            self.outbox.acknowledged(frame.input_offset)
        if frame.input_ended:
            self.outbox.use(None)
        if frame.reset is not None:
            self.reset = frame.reset
        if frame.gap is not None:
            return self._gap_up_to(frame.gap[1]) if frame.gap[1] > self._expected else None
        if frame.missed is not None:
            return self._gap_up_to(self._expected + frame.missed)
        if frame.resized is not None:
            return Resized(*frame.resized)
        return self._last(frame)

    def _last(self, frame: StreamFrame) -> AttachmentEvent | None:
        """The event of a frame that ends the attachment; None if it is no such frame."""
        event: AttachmentEvent
        if frame.stolen_by is not None:
            event = Stolen(frame.stolen_by)
        elif frame.exited is not None:
            how = frame.exited
            event = Exited(how.code, how.signal, how.outcome, how.at or None)
        elif frame.exit_code is not None:
            code = frame.exit_code
            event = Exited(code if code >= 0 else None, -code if code < 0 else None, "unknown", None)
        elif frame.error == EXIT_CODE_UNKNOWN:
            event = Exited(None, None, "unknown", None)
        elif frame.error is not None and frame.error_kind is not None and frame.error != _DETACHED:
            self.fail(error_of_kind(frame.error_kind, frame.error))
            return None
        elif frame.error is not None:
            event = Detached(frame.error)
        elif frame.eof:
            event = Detached("end of the stream")
        else:
            return None
        if self._local is not None:
            self._final = event
            self._until = self._expected if frame.until is None else min(frame.until, self._local.ring.end)
            return None
        self.ended = True
        return event

    def _end(self, event: AttachmentEvent) -> None:
        self._keep(event)
        self.ended = True

    # ------------------------------------------------------------------ input

    def check_writable(self) -> None:
        """Raises unless input makes sense here: the attachment has ended, is being left, or is read-only."""
        if self.failure is not None:
            raise self.failure
        if self.ended or self._leaving or self._final is not None:
            raise WrongStateError("the attachment has ended; attach again to type")
        if self.options.mode == "view":
            raise InvalidError("this attachment is read-only (mode view); attach with mode share to type")

    def resize(self, rows: int, cols: int) -> None:
        """Queues a new size; a later connection starts with it."""
        self.options.rows, self.options.cols = rows, cols
        if self.streaming:
            self.outbox.add_control(encode_resize(rows, cols))

    def interrupt(self) -> None:
        """Queues an interrupt."""
        self.outbox.add_control(encode_interrupt())

    def close_stdin(self) -> None:
        """Queues the end of the child's input."""
        self.outbox.add_control(encode_close_stdin())

    def leave(self) -> None:
        """Queues a detach; without a connection the attachment ends here."""
        if self.ended or self._leaving:
            return
        self._leaving = True
        if self.streaming:
            self.outbox.add_control(encode_detach())
        else:
            self._end(Detached(_DETACHED))
