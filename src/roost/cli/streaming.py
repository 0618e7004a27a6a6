"""Attaching without a terminal: the output, byte for byte, to stdout until the end; what was missed is said on stderr.

Owns the plain copy, and the one with three pipes that `run --pipe` needs.
"""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

from roost.cli.copying import write_all
from roost.cli.failures import ERROR, OK, child_exit_code, say
from roost.cli.wording import count
from roost.errors import RoostError, WaitTimeoutError, WrongStateError
from roost.model.attaching import Detached, Exited, Gap, Output, Reconnected, Stolen

if TYPE_CHECKING:
    from roost.client import Attachment
    from roost.model.attaching import AttachmentEvent

_READ_BYTES = 64 * 1024
_AWAY_POLL_MS = 20
_TURN_EVENTS = 16


def stream_output(attachment: Attachment, *, child_code: bool, out_fd: int = 1) -> int:
    """Copies the output until its end. 0 when it was complete to the child's end (its own code with `child_code`)."""
    for event in attachment:
        if type(event) is Output:
            write_all(out_fd, event.data)
        elif isinstance(event, (Exited, Detached, Stolen)):
            return _end_code(event, child_code=child_code)
        else:
            tell(event)
    return OK


def run_pipes(
    stdout: Attachment,
    stderr: Attachment | None,
    *,
    read_stdin: bool,
    close_stdin: bool = True,
    child_code: bool = True,
) -> int:
    """Joins our stdin, stdout and stderr to those of a pipe session until it ends; returns the code to exit with.

    stderr: None where it was merged into stdout. close_stdin: the end of our stdin is the end of the child's too.
    """
    return _Pipes(stdout, stderr, read_stdin=read_stdin, close_stdin=close_stdin, child_code=child_code).run()


class _Pipes:
    def __init__(
        self, stdout: Attachment, stderr: Attachment | None, *, read_stdin: bool, close_stdin: bool, child_code: bool
    ) -> None:
        self._streams = {1: stdout} if stderr is None else {1: stdout, 2: stderr}
        self._stdin_open = read_stdin
        self._close_stdin = close_stdin
        self._child_code = child_code
        self._input = stdout
        self._waiting = b""
        self._code = ERROR

    def run(self) -> int:
        more = True
        while self._streams:
            self._wait(more=more)
            turns = [self._copy(fd) for fd in tuple(self._streams)]
            more = any(turns)
            self._push()
        return self._code

    def _wait(self, *, more: bool) -> None:
        poller = select.poll()
        timeout_ms = 0 if more else None
        for attachment in self._streams.values():
            if attachment.fileno() < 0:
                timeout_ms = _AWAY_POLL_MS
                if attachment.output_fileno >= 0:
                    poller.register(attachment.output_fileno, select.POLLIN)
            else:
                poller.register(attachment, select.POLLIN | (select.POLLOUT if attachment.wants_write else 0))
        if self._stdin_open and not self._waiting:
            poller.register(0, select.POLLIN)
        ready = {fd for fd, _ in poller.poll(timeout_ms)}
        if 0 in ready:
            self._read_stdin()

    def _copy(self, fd: int) -> bool:
        """Copies a turn's worth of one stream; whether there may be more."""
        attachment = self._streams[fd]
        for _ in range(_TURN_EVENTS):
            try:
                event = attachment.recv(0)
            except WaitTimeoutError:
                return False
            if type(event) is Output:
                write_all(fd, event.data)
            elif event is None or isinstance(event, (Exited, Detached, Stolen)):
                del self._streams[fd]
                if fd == 1 and event is not None:
                    self._code = _end_code(event, child_code=self._child_code)
                return False
            else:
                tell(event)
        return True

    def _read_stdin(self) -> None:
        data = os.read(0, _READ_BYTES)
        if data:
            self._waiting = data
            return
        self._stdin_open = False
        if not self._close_stdin:
            return
        try:
            self._input.close_stdin()
        except RoostError:
            pass  # it has ended already

    def _push(self) -> None:
        if not self._waiting:
            return
        try:
            self._input.write(self._waiting, timeout_s=0)
            self._waiting = b""
        except WaitTimeoutError as error:
            self._waiting = self._waiting[getattr(error, "written", 0) :]
        except WrongStateError:
            self._waiting, self._stdin_open = b"", False


def _end_code(event: Exited | Detached | Stolen, *, child_code: bool) -> int:
    if isinstance(event, Exited):
        return child_exit_code(event.code, event.signal) if child_code else OK
    if isinstance(event, Stolen):
        say(f"stolen by {event.by or 'another client'}; the output goes on there")
        return ERROR
    say(f"detached ({event.reason or 'by request'}); the session runs on")
    return ERROR


def tell(event: AttachmentEvent | None) -> None:
    """Says on stderr what happened to the stream: bytes that were missed, input that may be lost."""
    if isinstance(event, Gap):
        say(f"{count(event.missed_bytes, 'byte')} missed, offsets {event.start:,} to {event.end:,}")
    elif isinstance(event, Reconnected) and event.input_bytes_in_doubt:
        say(f"the daemon was away; {count(event.input_bytes_in_doubt, 'byte')} of input may not have arrived")
