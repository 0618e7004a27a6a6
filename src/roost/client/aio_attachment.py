"""The asyncio attachment: moves bytes between a socket and the pure `AttachmentState`, driven by the loop's readiness.

Owns when one attachment's socket is watched, and its renewal. Starts no task: what has to be awaited is awaited in
`recv` and `write`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Self

from roost.client.aio_connection import connect_async
from roost.client.attachment_facts import AttachmentFacts
from roost.client.deadline import Deadline
from roost.client.endpoint import Endpoint
from roost.client.faults import WriteTimeoutError
from roost.client.launch import start_daemon
from roost.client.link import Link
from roost.client.ring_output import Ring
from roost.client.stream import AttachmentState
from roost.errors import RoostError, WaitTimeoutError, WrongStateError
from roost.model.attaching import AttachmentEvent


class AsyncAttachment(AttachmentFacts):
    """A client's place in the output of one session, for asyncio; events and promises are those of `Attachment`.

    One task may receive while others write. Cancelling `recv` loses nothing; cancelling `write` leaves it unknown how
    much of its bytes was accepted.
    """

    def __init__(self, endpoint: Endpoint, state: AttachmentState) -> None:
        """Not attached yet: `open` is."""
        self._state = state
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._starting: asyncio.Future[None] | None = None
        self._link = Link(
            endpoint,
            state,
            start=self._start_daemon,
            on_closing=self._unwatch,
            on_ring_closing=self._unwatch_ring,
        )
        self._watched: socket.socket | None = None
        self._watched_ring: Ring | None = None
        self._typing = -1  # watched for taking input that goes past the daemon
        self._reading = self._writing = False
        self._waiters: set[asyncio.Future[None]] = set()
        self._reconnecting = asyncio.Lock()

    @classmethod
    async def open(cls, endpoint: Endpoint, state: AttachmentState, deadline: Deadline) -> Self:
        """Attaches; raises what the daemon answered, or WaitTimeoutError."""
        attachment = cls(endpoint, state)
        try:
            attachment._link.begin(await connect_async(endpoint, deadline))
            while not state.streaming:
                await attachment._turn(deadline, "the daemon did not answer the attach")
                if state.failure is not None:
                    raise state.failure
        except BaseException:
            attachment._drop()
            raise
        return attachment

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self.close()

    async def __aiter__(self) -> AsyncIterator[AttachmentEvent]:
        """The events, until after the last one."""
        while (event := await self.recv()) is not None:
            yield event

    async def recv(self, timeout_s: float | None = None) -> AttachmentEvent | None:
        """The next event, None after the last one; errors as `Attachment.recv`. Cancelling it loses nothing."""
        state = self._state
        event = state.next_event()
        if event is not None:
            return event
        deadline = Deadline(timeout_s)
        while (event := state.next_event()) is None:
            if state.ended:
                self._drop()
                if state.failure is not None:
                    raise state.failure
                return None
            await self._turn(deadline, "no event came")
        return event

    async def write(self, data: bytes, *, timeout_s: float | None = None) -> None:
        """Sends input; returns when the kernel has all of it, or the rest (up to 64 KiB) waits for a lost connection.

        Errors as `Attachment.write`. Bytes of writes that run side by side may be interleaved, in pieces of 64 KiB.
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
                await self._turn(deadline, "the session did not take the input", sending=True)
            except WaitTimeoutError as error:
                raise WriteTimeoutError(error.message, written=len(data) - len(rest)) from error

    def resize(self, rows: int, cols: int) -> None:
        """Tells the session the size of this client's terminal."""
        self._state.resize(rows, cols)
        self._send()

    def interrupt(self) -> None:
        """Interrupts the foreground program, as Ctrl-C would."""
        self._state.check_writable()
        self._state.interrupt()
        self._send()

    def close_stdin(self) -> None:
        """Closes the stdin of a pipe session's child, behind the input written so far."""
        self._state.check_writable()
        self._state.close_stdin()
        self._send()

    def detach(self) -> None:
        """Asks to be detached; what is under way still comes, then Detached."""
        self._state.leave()
        self._send()
        self._wake()

    def close(self) -> None:
        """Leaves at once; the session runs on."""
        self.detach()
        if not self._state.ended:
            self._state.fail(WrongStateError("the attachment was closed"))
        self._drop()

    # ------------------------------------------------------------------ waiting

    async def _turn(self, deadline: Deadline, waited_for: str, *, sending: bool = False) -> None:
        """Moves bytes both ways; waits first if there is nothing to move. WaitTimeoutError when that takes too long.

        `sending`: it is for what is to be sent; output in the ring may wait.
        """
        if self._link.connection is None:
            await self._reconnect(deadline, waited_for, sending=sending)
            return
        moved = self._link.send()
        if self._link.receive() or moved or self._link.connection is None:
            self._watch()
            self._wake()  # what arrived may be what another task waits for
            await asyncio.sleep(0)  # a stream that never pauses must not keep the loop from its other work
            return
        await self._changed(deadline, waited_for, sending=sending)

    async def _reconnect(self, deadline: Deadline, waited_for: str, *, sending: bool) -> None:
        self._watch()
        async with self._reconnecting:
            if self._link.connection is not None or self._state.ended:
                return
            pause_s = self._link.reconnect()
            if self._starting is not None:
                await self._started()
            if pause_s:
                if deadline.passed:
                    raise deadline.error(waited_for)
                await self._pause(deadline.within_s(pause_s), sending=sending)

    async def _pause(self, pause_s: float, *, sending: bool) -> None:
        """Waits for the daemon, or for what needs none: output, and room for input."""
        try:
            await self._changed(Deadline(pause_s), "", sending=sending)
        except WaitTimeoutError:
            pass

    async def _started(self) -> None:
        starting, self._starting = self._starting, None
        assert starting is not None
        try:
            await starting
        except RoostError as error:
            self._link.trouble = error

    def _start_daemon(self) -> None:
        endpoint = self._endpoint
        self._starting = self._loop.run_in_executor(
            None, lambda: start_daemon(endpoint.paths, endpoint.socket_path).close()
        )

    async def _changed(self, deadline: Deadline, waited_for: str, *, sending: bool) -> None:
        """Waits until a socket took or brought something, or there is output in the ring."""
        self._watch()
        if not sending and not self._state.awaits_output():
            await asyncio.sleep(0)
            return
        waiter = self._loop.create_future()
        self._waiters.add(waiter)
        try:
            async with asyncio.timeout(deadline.remaining_s()):
                await waiter
        except TimeoutError:
            raise deadline.error(waited_for) from None
        finally:
            self._waiters.discard(waiter)

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _send(self) -> None:
        self._link.send()
        self._watch()

    # ------------------------------------------------------------------ the loop's side

    def _watch(self) -> None:
        """Has the loop watch for what is wanted now, on the connection of now."""
        connection, ring = self._link.connection, self._state.ring
        if self._watched_ring is not ring:
            self._unwatch_ring()
            self._watched_ring = ring
            if ring is not None:
                self._loop.add_reader(ring.wake_fd, self._ring_written)
        if ring is not None and self._state.outbox.awaits_terminal and self._typing < 0:
            self._typing = ring.input_fd
            self._loop.add_writer(self._typing, self._terminal_takes)
        if self._watched is not connection:
            self._unwatch()
            self._watched = connection
        if connection is None:
            return
        if not self._reading:
            self._reading = True
            self._loop.add_reader(connection, self._readable)
        if self._link.wants_write and not self._writing:
            self._writing = True
            self._loop.add_writer(connection, self._writable)

    def _unwatch(self) -> None:
        if self._watched is not None:
            if self._reading:
                self._loop.remove_reader(self._watched)
            if self._writing:
                self._loop.remove_writer(self._watched)
        self._watched = None
        self._reading = self._writing = False

    def _unwatch_ring(self) -> None:
        if self._watched_ring is not None:
            self._loop.remove_reader(self._watched_ring.wake_fd)
        self._watched_ring = None
        self._unwatch_terminal()

    def _unwatch_terminal(self) -> None:
        if self._typing >= 0:
            self._loop.remove_writer(self._typing)
            self._typing = -1

    def _terminal_takes(self) -> None:
        self._link.send()
        if not self._state.outbox.awaits_terminal:
            self._unwatch_terminal()
        self._wake()

    def _ring_written(self) -> None:
        if self._watched_ring is not None:
            self._watched_ring.calm()
        self._wake()

    def _readable(self) -> None:
        """Receives while there is room; a receiver that is not there leaves the rest to the daemon's ring."""
        if not self._link.receive() and self._watched is not None:
            self._loop.remove_reader(self._watched)
            self._reading = False
        self._wake()

    def _writable(self) -> None:
        self._link.send()
        if not self._link.wants_write and self._watched is not None:
            self._loop.remove_writer(self._watched)
            self._writing = False
        self._wake()

    def _drop(self) -> None:
        self._link.close()
        self._wake()
