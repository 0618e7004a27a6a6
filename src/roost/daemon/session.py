"""One session in the daemon: its streams, its input, who is attached, how it ended.

Owns the descriptors that the keeper lent for it and the rules of who may attach. Knows nothing of requests or the
wire's envelope; talks to the keeper only through the callbacks it was given.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from roost.core.session_state import Told
from roost.core.sizing import Winsize
from roost.daemon.attachment import Attachment, exit_frame
from roost.daemon.child_input import ChildInput
from roost.daemon.direct_input import DirectInputs, all_ended
from roost.daemon.places import Places
from roost.daemon.record import SessionRecord, Ticket
from roost.daemon.shell_track import ShellTrack
from roost.daemon.stream import Stream
from roost.daemon.tee import Tee
from roost.daemon.window import Window
from roost.errors import AlreadyAttachedError, InvalidError, WrongStateError
from roost.platform import interrupt_foreground
from roost.platform.processes import Membership
from roost.wire import frames
from roost.wire.frames import ExitInfo, InputFrame

if TYPE_CHECKING:
    from roost.daemon.recorder import Recorder

#: The kernel keeps this much of a line in canonical mode; the rest of a longer one would be discarded silently.
CANONICAL_LINE_BYTES = 4095
#: Input up to this is taken for typing, whose echo is waited for.
KEYSTROKE_BYTES = 32
#: How long v1 clients of a closed pipe wait for the exit code before they get `eof`.
EOF_PATIENCE_S = 0.25
#: How often what is typed without the daemon is looked at, at most.
LOOK_S = 0.1


@dataclass(slots=True)
class Origin:
    """What the keeper says of a session besides the blob."""

    id: str
    pid: int
    start_ticks: int
    created_at: float
    tty_nr: int = 0


@dataclass
class SessionHooks:
    """What a session asks of the rest of the daemon."""

    save: Callable[[Session], None]  # store the record in the keeper
    close_stdin: Callable[[Session], None]  # let the keeper close its copy
    signal_group: Callable[[Session, int], None]  # signal the child's process group
    happened: Callable[[Session, str, dict[str, Any]], None] = lambda _session, _type, _data: None  # lifecycle events
    #: Somebody did something to the input: on whose behalf, what, the bytes, how many more that nobody saw.
    typed: Callable[[Session, str, str, bytes, int], None] = lambda _session, _asker, _kind, _data, _unseen: None
    #: Have the keeper drop the input of a local reader; the flag throws away what waits in it.
    drop_direct: Callable[[Session, int, bool, Callable[[], None]], None] = lambda _session, _reader, _all, then: then()


@dataclass
class Ending:
    """What is known of a session's end."""

    info: ExitInfo
    survivors: list[tuple[int, str]] = field(default_factory=list)


class Questions(Protocol):
    """Who answers what a program asks its terminal."""

    def hand_over(self, start: int) -> frozenset[int]:
        """Leave to a client what stands from that offset on; the offsets of those questions."""


class Session:
    """The shell around one session."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        origin: Origin,
        record: SessionRecord,
        hooks: SessionHooks,
    ) -> None:
        self._loop = loop
        self.origin = origin
        self.record = record
        self._hooks = hooks
        self.streams: dict[str, Stream] = {}
        self.input: ChildInput | None = None
        self._input_fd: int | None = None
        self.attachments: list[Attachment] = []
        self.tees: dict[int, Tee] = {}  # by handle; ended ones stay, for their status
        self.recorders: dict[int, Recorder] = {}  # by handle; ended ones stay, for their status
        self._places = Places(loop, self.streams, on_given_up=self._drop_ticket)
        self.exited = asyncio.Event()
        self.gone = asyncio.Event()  # it is forgotten, or the daemon stops
        self.forgotten = False
        self._leaving = False
        self.ending: Ending | None = None
        self.pinned = False
        self.last_output_at: float | None = None
        self.shell: ShellTrack | None = None  # of a terminal session
        self.activity: Told | None = None  # in what state it is
        self._input_from: int | None = None
        self._last_input_at: float | None = None
        self.direct = DirectInputs(lambda reader, all, then: hooks.drop_direct(self, reader, all, then))
        self._look_timer: asyncio.TimerHandle | None = None
        #: Called once the child has been seen to end.
        self.when_exited: list[Callable[[], None]] = []
        self.window = Window(loop, Winsize(record.rows, record.cols), record.size_policy, self._size_changed)
        self._held_back: set[Attachment] = set()
        self._stolen: set[Attachment] = set()  # told to be gone already
        self.responder: Questions | None = None  # answers what the program asks its terminal
        self.when_resized: list[Callable[[Winsize], None]] = []

    @property
    def id(self) -> str:
        """The session's id."""
        return self.origin.id

    @property
    def is_pty(self) -> bool:
        """Whether the child has a terminal."""
        return self.record.kind == "pty"

    @property
    def written_offset(self) -> int | None:
        """How much output there has been so far, in bytes; None once the session is forgotten."""
        stream = self.streams.get("stdout")
        return None if stream is None or self.forgotten else stream.ring.end

    @property
    def live(self) -> bool:
        """Whether the child has not been seen to end."""
        return self.ending is None

    def tell(self, type: str, data: dict[str, Any]) -> None:
        """A step in the session's life, for the events."""
        self._hooks.happened(self, type, data)

    def now_saw_output(self, _: float) -> None:
        """Note that output came, by the wall clock."""
        self.last_output_at = time.time()

    # --- descriptors ----------------------------------------------------------------------------------------------

    def take_input(self, fd: int) -> None:
        """Own the PTY master or the write end of stdin."""
        self._input_fd = fd
        self.input = ChildInput(self._loop, fd, on_room=self._input_has_room)
        if self.is_pty:
            self.window.use(fd)
            self._tell_scanner()

    def drop_input(self) -> None:
        """Give the PTY master or stdin back; queued input will not be written."""
        if self.input is not None:
            self.input.close()
            self.input = None
        if self._input_fd is not None:
            self.window.use(None)
            os.close(self._input_fd)
            self._input_fd = None

    @property
    def terminal(self) -> int:
        """The PTY master. Raises WrongStateError when the session has none any more."""
        if not self.is_pty:
            raise InvalidError(f"session {self.record.name} has no terminal (it is a pipe session)")
        if self._input_fd is None:
            raise WrongStateError(f"session {self.record.name} has exited; its terminal is closed")
        return self._input_fd

    def stream(self, name: str) -> Stream:
        """The stream of that name: `stdout` is also the terminal's output. Raises InvalidError."""
        if name in self.streams:
            return self.streams[name]
        if name == "stderr" and self.is_pty:
            raise InvalidError(f"session {self.record.name} has a terminal: its errors are in stdout")
        if name == "stderr":
            raise InvalidError(f"stderr of session {self.record.name} was merged into stdout when it was started")
        raise InvalidError(f"no stream {name!r}; streams are stdout and stderr")

    def membership(self) -> Membership:
        """By what its processes are known at this moment; for longer only within `holding_terminal`."""
        return Membership(
            session_id=self.id,
            leader_pid=self.origin.pid if self.live or self.pinned else None,
            tty_nr=self.origin.tty_nr if self.is_pty and self._input_fd is not None else None,
        )

    @contextlib.contextmanager
    def holding_terminal(self) -> Iterator[None]:
        """Keep the terminal's number from going to another session: the kernel gives it away with the last master."""
        held = os.dup(self._input_fd) if self.is_pty and self._input_fd is not None else None
        try:
            yield
        finally:
            if held is not None:
                os.close(held)

    # --- attachments ----------------------------------------------------------------------------------------------

    def attached(self, stream: str | None = None) -> list[Attachment]:
        """Interactive attachments, of one stream or of all."""
        wanted = self.streams.get(stream) if stream else None
        return [
            a
            for a in self.attachments
            if a.traits.interactive and not a.finishing and (wanted is None or a.stream is wanted)
        ]

    def admit(self, stream: str, mode: str, *, steal: bool, label: str, token: str) -> None:
        """Make room for a client or refuse it; views always find room. Stolen-from clients are told by whom.

        Raises AlreadyAttachedError.
        """
        if token:
            self._places.claim(token)
        if mode == "view":
            return
        rivals = [a for a in self.attached(stream) if mode == "exclusive" or a.traits.mode == "exclusive"]
        for rival in [a for a in rivals if token and a.traits.token.hex() == token]:
            rivals.remove(rival)  # the same client's previous connection, not yet seen to be closed
            rival.close()
        waiting = self._places.rivals(stream, mode)
        if (rivals or waiting) and not steal:
            self._drop_ticket(token)
            who = ", ".join(a.traits.label or "a client" for a in rivals) or "a client that is reconnecting"
            joinable = not waiting and all(a.traits.mode == "share" for a in rivals)
            beside = ", type beside them with --share" if joinable else ""
            raise AlreadyAttachedError(
                f"session {self.record.name} is already attached ({who}); "
                f"take it over with --steal, watch with --view{beside}"
            )
        self.direct.end(self._not_beside(token, mode), discarding=True)
        for rival in rivals:
            rival.finish(self._last_frame(rival, "stolen", label or "peer"))
            self._stolen.add(rival)
            self.tell("stolen", {"client": rival.traits.id, "label": rival.traits.label, "by": label or "peer"})
        for place in waiting:
            self._places.release(place)

    async def make_room(self, stream: str, mode: str, *, steal: bool, token: str) -> None:
        """Before `admit`: take the inputs back of those who may not type beside this client, and its own of before.

        When this returns the keeper has said that nothing of them can come any more; `admit` follows without a wait.
        """
        while self.direct and not self._would_refuse(stream, mode, steal=steal, token=token):
            ending = self.direct.end(self._not_beside(token, mode), discarding=True)
            if not ending:
                return
            await all_ended(ending)

    def _would_refuse(self, stream: str, mode: str, *, steal: bool, token: str) -> bool:
        if steal or mode == "view":
            return False
        rivals = [a for a in self.attached(stream) if "exclusive" in (mode, a.traits.mode)]
        places = set(self._places.rivals(stream, mode)) - {token}
        return bool(places) or any(a.traits.token.hex() != token for a in rivals)

    def _not_beside(self, token: str, mode: str) -> list[str]:
        """Whose direct inputs must have ended when a client of that mode is admitted."""
        modes = {ticket.token: ticket.mode for ticket in self.record.tickets}
        return [
            other
            for other in self.direct.tokens()
            if other == token or other not in modes or (mode != "view" and "exclusive" in (mode, modes[other]))
        ]

    async def end_direct_input(self) -> None:
        """Have everybody type through the daemon; when this returns nothing comes past it any more."""
        while self.direct:
            await all_ended(self.direct.end(self.direct.tokens(), discarding=False))
        for attachment in self.attachments:
            attachment.input_ended()

    @property
    def input_watched(self) -> bool:
        """Whether somebody is shown what is typed, so that it has to come through the daemon."""
        return self.input is None or self.input.watched

    def join(self, attachment: Attachment) -> None:
        """Count a client in, after `admit`."""
        self.attachments.append(attachment)
        if attachment.types_directly:
            self.direct.begin(attachment.reader, attachment.traits.token.hex())
            self.streams["stdout"].on_woken = self._direct_woken
            self._watch_direct()
        traits = attachment.traits
        self.tell(
            "attached",
            {
                "client": traits.id,
                "label": traits.label,
                "mode": traits.mode,
                "stream": self._stream_name(attachment.stream),
                "tty": traits.tty,
                "term": traits.term,
                "lossless": traits.lossless,
                "resumed": any(t.token == traits.token.hex() for t in self.record.tickets),
            },
        )
        if attachment.traits.extended:
            token = attachment.traits.token.hex()
            self.record.tickets = [t for t in self.record.tickets if t.token != token]
            self.record.tickets.append(
                Ticket(
                    token=token,
                    mode=attachment.traits.mode,
                    stream=self._stream_name(attachment.stream),
                    lossless=attachment.traits.lossless,
                    label=attachment.traits.label,
                    reader=attachment.reader,
                )
            )
            self._hooks.save(self)

    def left(self, attachment: Attachment) -> None:
        """Count a client out; the session goes on."""
        if attachment not in self.attachments:
            return
        if self.is_pty and not self.forgotten:
            attachment.stream.scan_to_end()  # what was asked up to now was this client's to answer
        self.attachments.remove(attachment)
        self._note_direct(attachment)
        self._held_back.discard(attachment)
        if self.input is not None:
            self.input.purge(attachment)
        if self.is_pty:
            self.window.leave(attachment.traits.id)
        self._tell_detached(attachment)
        token = attachment.traits.token.hex()
        if self._leaving or any(a.traits.token.hex() == token for a in self.attachments):  # it has come back already
            return
        self._drop_ticket(token)

    def _tell_detached(self, attachment: Attachment) -> None:
        if attachment in self._stolen:
            self._stolen.discard(attachment)
        elif not self.forgotten:
            self.tell("detached", {"client": attachment.traits.id, "label": attachment.traits.label})

    def _drop_ticket(self, token: str) -> None:
        """The client with that token will not come back to its place."""
        self.direct.end([token], discarding=False)
        if any(t.token == token for t in self.record.tickets):
            self.record.tickets = [t for t in self.record.tickets if t.token != token]
            self._hooks.save(self)

    def _stream_name(self, stream: Stream) -> str:
        return next(name for name, candidate in self.streams.items() if candidate is stream)

    def detach_all(self, stream: str | None = None) -> int:
        """Send clients (of one stream) away with `detached`; how many there were."""
        wanted = self.stream(stream) if stream else None
        leaving = [a for a in self.attachments if not a.finishing and (wanted is None or a.stream is wanted)]
        for attachment in leaving:
            self._detach(attachment)
        return len(leaving)

    def _detach(self, attachment: Attachment) -> None:
        self.direct.end([attachment.traits.token.hex()], discarding=False)
        attachment.finish(self._last_frame(attachment, "detached", ""))

    def _last_frame(self, attachment: Attachment, why: str, by: str) -> bytes:
        traits = attachment.traits
        reset = self.reset_bytes(attachment) if traits.extended else None
        if why == "stolen":
            last = frames.pipe_stolen(by, reset) if traits.pipe else frames.pty_stolen(by, reset)
            return attachment.ending_at(last)
        if traits.pipe and not traits.extended:
            return frames.pipe_eof()
        text = {"detached": "detached", "terminated": "session terminated by request"}.get(why, why)
        last = frames.pipe_error(text, reset=reset) if traits.pipe else frames.pty_error(text, reset=reset)
        return attachment.ending_at(last)

    def reset_bytes(self, attachment: Attachment) -> bytes:
        """What puts a terminal back that shows this session."""
        stream = attachment.stream
        if stream.scanner is None:
            return b""
        end = stream.scan_to_end()
        return stream.scanner.reset_string(end if attachment.reads_locally else attachment.offset)

    def keep_places(self) -> None:
        """Keep the places of the previous daemon's clients for a while (once, at adoption)."""
        self._places.keep(self.record.tickets)
        if "" in self.direct.tokens():
            self._loop.call_soon(lambda: self.direct.end([""], discarding=True))

    def found_direct_inputs(self, readers: list[int]) -> None:
        """The keeper reads those inputs (once, at adoption)."""
        owners = {ticket.reader: ticket.token for ticket in self.record.tickets}
        for reader in readers:
            self.direct.begin(reader, owners.get(reader, ""))

    # --- input ----------------------------------------------------------------------------------------------------

    def on_input(self, attachment: Attachment, frame: InputFrame) -> None:
        """Carry out one frame of an attached client. Views neither type nor resize; v1's pipe streams are one-way."""
        kind = frame.kind
        if attachment.traits.pipe and not attachment.traits.extended:
            return
        if kind == "detach":
            if attachment.traits.extended:
                self._detach(attachment)
            else:
                attachment.close()
        elif not attachment.traits.interactive or attachment.sent_away:
            return
        elif kind == "input":
            self._type(attachment, frame.data)
        elif kind == "resize":
            self._client_resized(attachment, frame.rows, frame.cols)
        elif kind == "interrupt":
            self._hooks.typed(self, attachment.traits.asker, "interrupt", b"", 0)
            self.interrupt()
        elif kind == "close_stdin" and not self.is_pty:
            self._hooks.close_stdin(self)

    def _type(self, attachment: Attachment, data: bytes) -> None:
        if self.input is None:
            return
        self.mark_input()
        if self.is_pty:
            self.window.typed(attachment.traits.id)
        self._hooks.typed(self, attachment.traits.asker, "input", data, 0)

        def on_written(count: int, error: OSError | None) -> None:
            if error is None:
                attachment.input_was_written(count)
            elif error.errno not in (errno.EIO, errno.EPIPE):
                self._loop.call_exception_handler({"message": f"input to {self.id} failed", "exception": error})

        self.input.write(data, attachment, on_written)
        if self.is_pty and len(data) <= KEYSTROKE_BYTES and not attachment.reads_locally:
            self.streams["stdout"].expect_echo()
        if self.input is not None and self.input.full:
            attachment.hold_back()
            self._held_back.add(attachment)

    def mark_input(self) -> None:
        """Input is about to be written: what it causes is found from here on."""
        self._input_from = self.streams["stdout"].ring.end
        self._last_input_at = time.time()

    @property
    def input_from(self) -> int | None:
        """Where the output stood before the newest input, None when there is none known."""
        known = [at for at in (self._input_from, self.streams["stdout"].ring.input_from) if at is not None]
        return max(known, default=None)

    @property
    def last_input_at(self) -> float | None:
        """When the newest input was written, by the wall clock."""
        known = [at for at in (self._last_input_at, self.streams["stdout"].ring.input_at) if at is not None]
        return max(known, default=None)

    # --- what is typed without the daemon ------------------------------------------------------------------------

    def _direct_woken(self) -> None:
        """The keeper has told of something, perhaps of input."""
        if self._look_timer is not None:
            return
        newly = [self._note_direct(attachment) for attachment in self.attachments]
        if any(newly):
            self._look_timer = self._loop.call_later(LOOK_S, self._watch_direct)

    def _watch_direct(self) -> None:
        """Have the keeper tell of the next input, and take note of what has come before that."""
        self._look_timer = None
        if not self.forgotten and self.direct:
            self.streams["stdout"].ring.watch_input()
            self._direct_woken()

    def _note_direct(self, attachment: Attachment) -> bool:
        """Take note of what a client typed past the daemon; whether there was anything."""
        count = attachment.newly_typed()
        if count:
            self._hooks.typed(self, attachment.traits.asker, "input", b"", count)
            if attachment in self.attachments:
                self.window.typed(attachment.traits.id)
        return count > 0

    def _input_has_room(self) -> None:
        held, self._held_back = self._held_back, set()
        for attachment in held:
            attachment.resume_reading()

    def interrupt(self) -> None:
        """SIGINT to the foreground process group of the terminal, whatever its mode; of a pipe session, to the child's.

        Only where a terminal has no foreground group, its interrupt character is typed instead.
        """
        if not self.is_pty:
            if self.live:
                self._hooks.signal_group(self, signal.SIGINT)
            return
        if self._input_fd is None:
            return
        try:
            interrupt_foreground(self._input_fd, signal.SIGINT)
        except OSError:
            if self.input is not None:
                self.input.write(b"\x03", self, lambda _count, _error: None)

    def canonical(self) -> bool:
        """Whether the terminal collects lines at the moment."""
        try:
            return bool(termios.tcgetattr(self.terminal)[3] & termios.ICANON)
        except termios.error:
            return False

    # --- size ------------------------------------------------------------------------------------------------------

    @property
    def rows(self) -> int:
        """Rows of the terminal."""
        return self.window.size.rows

    @property
    def cols(self) -> int:
        """Columns of the terminal."""
        return self.window.size.cols

    def client_size(self, attachment: Attachment, rows: int, cols: int) -> None:
        """An attaching client tells its size; zero keeps what the session has. Raises InvalidError."""
        self.window.join(attachment.traits.id, rows, cols)
        attachment.rows, attachment.cols = rows or self.rows, cols or self.cols

    def _client_resized(self, attachment: Attachment, rows: int, cols: int) -> None:
        known = bool(attachment.rows)  # otherwise it attached without a terminal and has one now
        # v1 has no way to answer a size that no terminal has: such a frame changes nothing.
        if self.is_pty and self.window.client_resized(attachment.traits.id, rows, cols, known=known):
            attachment.rows, attachment.cols = (
                rows or attachment.rows or self.rows,
                cols or attachment.cols or self.cols,
            )

    def _tell_scanner(self) -> None:
        scanner = self.streams["stdout"].scanner
        if scanner is not None:
            scanner.resized(self.rows)

    def _size_changed(self, size: Winsize) -> None:
        self.record.rows, self.record.cols = size
        self._tell_scanner()
        self.tell("resized", {"rows": size.rows, "cols": size.cols})
        for attachment in self.attachments:
            attachment.notify(frames.resized(*size))
        for call in self.when_resized:
            call(size)

    # --- the end --------------------------------------------------------------------------------------------------

    def on_exited(self, info: ExitInfo) -> None:
        """The keeper has reaped the child; every client gets the rest of the output, then the exit."""
        if self.ending is not None:
            return
        self.ending = Ending(info)
        for attachment in list(self.attachments):
            self.finish_with_exit(attachment)
        self.tell("exited", exited_data(info))
        self.exited.set()
        for call in tuple(self.when_exited):
            call()
        if all(stream.ring.closed for stream in self.streams.values()):
            self.drop_input()

    def finish_with_exit(self, attachment: Attachment) -> None:
        """Let a client of an exited session have what is left, then the exit."""
        assert self.ending is not None
        until = attachment.stream.ring.exit_offset
        if until is None:
            until = attachment.stream.ring.end
        reset = self.reset_bytes(attachment) if attachment.traits.extended else None
        last = attachment.ending_at(exit_frame(attachment.traits, self.ending.info, reset), until)
        attachment.finish(last, until=max(until, attachment.offset))

    def on_stream_closed(self, name: str) -> None:
        """Nobody holds the stream any more. After the exit that ends the terminal too; before it, a pipe's client
        of v1 is told by `eof` unless the exit follows at once."""
        stream = self.streams.get(name)
        if stream is None:
            return
        stream.turn_soon()
        if not self.live:
            if all(s.ring.closed for s in self.streams.values()):
                self.drop_input()
            return
        if not self.is_pty:
            self._loop.call_later(EOF_PATIENCE_S, self._send_eof, stream)

    def _send_eof(self, stream: Stream) -> None:
        if self.live:
            for attachment in [a for a in self.attachments if a.stream is stream and not a.traits.extended]:
                attachment.finish(frames.pipe_eof(), until=max(stream.ring.end, attachment.offset))

    def release_tees(self) -> None:
        """Terminate goes on by force: a file that hangs must not keep the exit from being seen."""
        for tee in self.tees.values():
            tee.release()
        for recorder in self.recorders.values():
            recorder.release()

    def cut_terminated(self) -> None:
        """Terminate was asked for long ago and no exit is known: tell the clients and let them go."""
        for attachment in list(self.attachments):
            attachment.finish(self._last_frame(attachment, "terminated", ""))

    def leave(self, *, coming_back: bool) -> None:
        """The daemon stops. Clients that can resume with the next one just lose the connection; the others are told."""
        self._leaving = coming_back  # their places are kept then; else they are given up as each client goes
        if not coming_back:
            self._places.release_all()
        for attachment in list(self.attachments):
            if not (coming_back and attachment.traits.extended):
                attachment.say_and_close(
                    self._last_frame(attachment, "the daemon was stopped; the session goes on", "")
                )

    def close(self) -> None:
        """Give everything back: the session is forgotten, or the daemon stops."""
        self.forgotten = True
        self.gone.set()
        self._places.close()
        self.window.close()
        if self._look_timer is not None:
            self._look_timer.cancel()
        for tee in self.tees.values():
            tee.close()
        for recorder in self.recorders.values():
            recorder.close()
        for attachment in list(self.attachments):
            attachment.close()
        self.drop_input()
        for stream in self.streams.values():
            stream.close()


def exited_data(info: ExitInfo) -> dict[str, Any]:
    """What the event of an exit says. Nulls where it is not known."""
    return {"code": info.code, "signal": info.signal, "outcome": info.outcome, "exited_at": info.at}


def new_token() -> bytes:
    """A resume token."""
    return os.urandom(16)
