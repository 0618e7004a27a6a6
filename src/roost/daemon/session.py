"""One session in the daemon: its streams, its descriptors, its size, how it ended.

Owns the descriptors that the keeper lent for it. Who is attached is `session_clients`', what is typed
`session_typing`'s. Knows nothing of requests or the wire's envelope; talks to the keeper only through the callbacks it
was given.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from roost.core.session_state import Told
from roost.core.sizing import Winsize
from roost.daemon.attachment import Attachment
from roost.daemon.child_input import ChildInput
from roost.daemon.record import SessionRecord
from roost.daemon.session_clients import SessionClients
from roost.daemon.session_facts import Ending, Origin, exited_data
from roost.daemon.session_hooks import Questions, SessionHooks
from roost.daemon.session_typing import SessionTyping
from roost.daemon.shell_track import ShellTrack
from roost.daemon.stream import Stream
from roost.daemon.tee import Tee
from roost.daemon.window import Window
from roost.errors import InvalidError, WrongStateError
from roost.platform.processes import Membership
from roost.wire import frames
from roost.wire.frames import ExitInfo, InputFrame

if TYPE_CHECKING:
    from roost.daemon.listing import Shown
    from roost.daemon.recorder import Recorder

#: How long v1 clients of a closed pipe wait for the exit code before they get `eof`.
EOF_PATIENCE_S = 0.25


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
        self._to_close: list[int] = []
        self._holders = 0  # who needs the terminal not to be closed for a while
        self.tees: dict[int, Tee] = {}  # by handle; ended ones stay, for their status
        self.recorders: dict[int, Recorder] = {}  # by handle; ended ones stay, for their status
        self.exited = asyncio.Event()
        self.gone = asyncio.Event()  # it is forgotten, or the daemon stops
        self.forgotten = False
        self.ending: Ending | None = None
        self.pinned = False
        self.survivors: list[tuple[int, str]] = []  # pid and name of what a terminate could not end
        self.last_output_at: float | None = None
        self.shell: ShellTrack | None = None  # of a terminal session
        self.activity: Told | None = None  # in what state it is
        self.shown: Shown | None = None  # how it was described last
        #: Called once the child has been seen to end.
        self.when_exited: list[Callable[[], None]] = []
        self.window = Window(loop, Winsize(record.rows, record.cols), record.size_policy, self._size_changed)
        self.typing = SessionTyping(loop, self, hooks)
        self.clients = SessionClients(loop, self, save=lambda: hooks.save(self))
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

    @property
    def held_open(self) -> bool:
        """Whether somebody still has its terminal or pipes open."""
        return not all(stream.ring.closed for stream in self.streams.values())

    def tell(self, type: str, data: dict[str, Any]) -> None:
        """A step in the session's life, for the events."""
        self._hooks.happened(self, type, data)

    def now_saw_output(self, at: float) -> None:
        """Note that output came, by the wall clock."""
        self.last_output_at = at

    def recall_output(self) -> None:
        """Find out when output last came: what came while no daemon looked, came now."""
        for stream in self.streams.values():
            end, seen = stream.ring.end, stream.ring.seen
            if end:
                at = seen[1] if seen is not None and seen[0] == end else time.time()
                self.last_output_at = max(at, self.last_output_at or 0.0)

    # --- descriptors ----------------------------------------------------------------------------------------------

    def take_input(self, fd: int) -> None:
        """Own the PTY master or the write end of stdin."""
        self._input_fd = fd
        self.input = ChildInput(self._loop, fd, on_room=self.typing.has_room, on_queued=self.typing.recall)
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
            self._to_close.append(self._input_fd)
            self._input_fd = None
            while self._to_close and not self._holders:
                os.close(self._to_close.pop())

    @property
    def has_terminal(self) -> bool:
        """Whether it has a terminal that is still open."""
        return self.is_pty and self._input_fd is not None

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
        if not self.is_pty:
            yield
            return
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1
            while self._to_close and not self._holders:
                os.close(self._to_close.pop())

    # --- what clients do ------------------------------------------------------------------------------------------

    def on_input(self, attachment: Attachment, frame: InputFrame) -> None:
        """Carry out one frame of an attached client. Views neither type nor resize; v1's pipe streams are one-way."""
        kind = frame.kind
        if attachment.traits.pipe and not attachment.traits.extended:
            return
        if kind == "detach":
            if attachment.traits.extended:
                self.clients.detach(attachment)
            else:
                attachment.close()
        elif not attachment.traits.interactive or attachment.sent_away:
            return
        elif kind == "input":
            self.typing.type(attachment, frame.data)
        elif kind == "resize":
            self._client_resized(attachment, frame.rows, frame.cols)
        elif kind == "interrupt":
            self.typing.interrupt(attachment.traits.asker)
        elif kind == "close_stdin" and not self.is_pty:
            self._hooks.close_stdin(self)

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
        for attachment in self.clients.attachments:
            attachment.notify(frames.resized(*size))
        for call in self.when_resized:
            call(size)

    # --- the end --------------------------------------------------------------------------------------------------

    def on_exited(self, info: ExitInfo) -> None:
        """The keeper has reaped the child; every client gets the rest of the output, then the exit."""
        if self.ending is not None:
            return
        self.ending = Ending(info)
        self.clients.exited(info)
        self.tell("exited", exited_data(info))
        self.exited.set()
        for call in tuple(self.when_exited):
            call()
        if not self.held_open:
            self.drop_input()

    def on_stream_closed(self, name: str) -> None:
        """Nobody holds the stream any more. After the exit that ends the terminal too; before it, a pipe's client
        of v1 is told by `eof` unless the exit follows at once."""
        stream = self.streams.get(name)
        if stream is None:
            return
        stream.turn_soon()
        if not self.live:
            if not self.held_open:
                self.drop_input()
            return
        if not self.is_pty:
            self._loop.call_later(EOF_PATIENCE_S, self._send_eof, stream)

    def _send_eof(self, stream: Stream) -> None:
        if self.live:
            self.clients.send_eof(stream)

    def release_tees(self) -> None:
        """Terminate goes on by force: a file that hangs must not keep the exit from being seen."""
        for tee in self.tees.values():
            tee.release()
        for recorder in self.recorders.values():
            recorder.release()

    def close(self) -> None:
        """Give everything back: the session is forgotten, or the daemon stops."""
        self.forgotten = True
        self.gone.set()
        self.window.close()
        self.typing.close()
        for tee in self.tees.values():
            tee.close()
        for recorder in self.recorders.values():
            recorder.close()
        self.clients.close()
        self.drop_input()
        for stream in self.streams.values():
            stream.close()
