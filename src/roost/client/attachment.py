"""The blocking attachment: moves bytes between a socket and the pure `AttachmentState`.

Owns the socket of one attachment and its renewal. What the frames mean is in `stream`, when to try again in `retry`.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from typing import Self

from roost.client.attachment_facts import AttachmentFacts
from roost.client.deadline import Deadline
from roost.client.endpoint import Endpoint
from roost.client.faults import WriteTimeoutError
from roost.client.launch import connect, start_daemon
from roost.client.link import Link
from roost.client.stream import AttachmentState
from roost.errors import WaitTimeoutError, WrongStateError
from roost.model.attaching import AttachmentEvent

#: How long a flood that is read out of the ring is left alone, so that each piece is worth the waking up.
COLLECT_S = 0.001


class Attachment(AttachmentFacts):
    """A client's place in the output of one session, and its hand on the session's input.

    Iterate over it, or `recv` with a timeout: the events are Output, Gap, Resized, Reconnected and, as the last one,
    Exited, Detached or Stolen. When the daemon goes away the attachment comes back by itself, at its offset, within
    `recv` and `write`: neither gap nor repeat, and Reconnected tells how much input may not have arrived.
    Not for several threads at once.
    """

    def __init__(self, endpoint: Endpoint, state: AttachmentState) -> None:
        """Not attached yet: `open` is."""
        self._state = state
        self._link = Link(endpoint, state, start=lambda: start_daemon(endpoint.paths, endpoint.socket_path).close())
        self._poller = select.poll()

    @classmethod
    def open(cls, endpoint: Endpoint, state: AttachmentState, deadline: Deadline) -> Self:
        """Attaches; raises what the daemon answered, or WaitTimeoutError."""
        attachment = cls(endpoint, state)
        try:
            attachment._link.begin(connect(endpoint, deadline))
            while not state.streaming:
                attachment._turn(deadline, "the daemon did not answer the attach")
                if state.failure is not None:
                    raise state.failure
        except BaseException:
            attachment._link.close()
            raise
        return attachment

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[AttachmentEvent]:
        """The events, until after the last one."""
        while (event := self.recv()) is not None:
            yield event

    def fileno(self) -> int:
        """The descriptor to poll for reading, -1 while there is no connection (call `recv` with a short timeout then).

        It changes with a reconnect. Events may be waiting here already: call `recv(0)` until it times out, then poll.
        """
        return self._link.fileno()

    @property
    def output_fileno(self) -> int:
        """What to poll besides while `fileno` is -1: readable when there is output, which needs no daemon where it is
        read out of the ring; -1 where it does."""
        ring = self._state.ring
        return -1 if ring is None else ring.wake_fd

    @property
    def wants_write(self) -> bool:
        """Whether something waits to be sent: poll for writing too, then call `recv(0)`, which sends."""
        return self._link.wants_write

    def recv(self, timeout_s: float | None = None) -> AttachmentEvent | None:
        """The next event, None after the last one.

        WaitTimeoutError when none came in time: nothing is lost, a frame that came in part is kept. Other errors end
        the attachment: the session is gone, somebody else holds it, or no daemon came back for 60 s.
        """
        state = self._state
        event = state.next_event()
        if event is not None:
            return event
        deadline = Deadline(timeout_s)
        while (event := state.next_event()) is None:
            if state.ended:
                self._link.close()
                if state.failure is not None:
                    raise state.failure
                return None
            self._turn(deadline, "no event came")
        return event

    def write(self, data: bytes, *, timeout_s: float | None = None) -> None:
        """Sends input; returns when the kernel has all of it, or the rest (up to 64 KiB) waits for a lost connection.

        It also waits while more than 512 KiB of input have not been given to the child. Output that arrives meanwhile
        is kept for `recv`, so that a program that echoes cannot block it.
        WriteTimeoutError when the session did not take it in time: its `written` says how much was accepted.
        WrongStateError when the attachment ended first.
        """
        state = self._state
        rest = memoryview(data).cast("B")
        deadline = Deadline(timeout_s)
        while True:
            state.check_writable()
            rest = rest[state.outbox.offer(rest) :]
            self._link.send()
            if not (rest or state.outbox.awaits_terminal or (state.streaming and state.outbox)):
                return
            state.stash()  # makes room to receive into, and may bring the news that makes room to send
            if state.ended or (rest and state.outbox.room_bytes):
                continue
            try:
                self._turn(deadline, "the session did not take the input", sending=True)
            except WaitTimeoutError as error:
                raise WriteTimeoutError(error.message, written=len(data) - len(rest)) from error

    def resize(self, rows: int, cols: int) -> None:
        """Tells the session the size of this client's terminal."""
        self._state.resize(rows, cols)
        self._link.send()

    def interrupt(self) -> None:
        """Interrupts the foreground program, as Ctrl-C would."""
        self._state.check_writable()
        self._state.interrupt()
        self._link.send()

    def close_stdin(self) -> None:
        """Closes the stdin of a pipe session's child, behind the input written so far."""
        self._state.check_writable()
        self._state.close_stdin()
        self._link.send()

    def detach(self) -> None:
        """Asks to be detached; what is under way still comes, then Detached."""
        self._state.leave()
        self._link.send()

    def close(self) -> None:
        """Leaves at once; the session runs on."""
        self.detach()
        self._link.close()
        if not self._state.ended:
            self._state.fail(WrongStateError("the attachment was closed"))

    def _turn(self, deadline: Deadline, waited_for: str, *, sending: bool = False) -> None:
        """Moves bytes both ways; waits first if there is nothing to move. WaitTimeoutError when that takes too long.

        `sending`: it is for what is to be sent; output in the ring may wait.
        """
        link = self._link
        if link.connection is None:
            pause_s = link.reconnect()
            if pause_s and (sending or self._state.awaits_output()):
                if deadline.passed:
                    raise deadline.error(waited_for)
                self._pause(deadline.within_s(pause_s), sending=sending)
                self._link.send()
            return
        sent = link.send()
        if link.receive() or sent or link.connection is None:
            return
        if not sending and self._is_output_due(deadline):
            return
        if deadline.passed or (not self._wait(link.connection, deadline, sending=sending) and deadline.passed):
            raise deadline.error(waited_for)

    def _is_output_due(self, deadline: Deadline) -> bool:
        """Whether there is output to be read before anything is waited for."""
        if self._state.has_output():
            return True
        if not deadline.passed and self._state.collects():
            time.sleep(COLLECT_S)
            return True
        return not self._state.awaits_output()

    def _wait(self, connection: socket.socket, deadline: Deadline, *, sending: bool) -> bool:
        wanted = (select.POLLIN if self._link.wants_read else 0) | (select.POLLOUT if self._link.wants_write else 0)
        ring = self._state.ring
        polled: list[socket.socket | int] = [connection]
        self._poller.register(connection, wanted)
        if ring is not None and not sending:
            polled.append(ring.wake_fd)
            self._poller.register(ring.wake_fd, select.POLLIN)
        if ring is not None and self._state.outbox.awaits_terminal:
            polled.append(ring.input_fd)
            self._poller.register(ring.input_fd, select.POLLOUT)
        try:
            return bool(self._poller.poll(deadline.poll_ms()))
        finally:
            for one in polled:
                self._poller.unregister(one)

    def _pause(self, pause_s: float, *, sending: bool) -> None:
        """Waits for the daemon, or for what needs none: output, and room for input."""
        ring = self._state.ring
        if ring is None:
            time.sleep(pause_s)
            return
        takers = (ring.input_fd,) if self._state.outbox.awaits_terminal else ()
        select.select(() if sending else (ring.wake_fd,), takers, (), pause_s)
