"""The sink `unix-socket`: lines to whoever listens at a path, over one kept connection.

Nobody there: nothing is queued, no source runs, and a look is taken with growing pauses. A listener that went away is
waited for a while, with events kept within the queue's bound. One that does not read is hung up on.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Sequence
from itertools import accumulate

from roost.core.config_sinks import UnixSocket
from roost.hooks.backoff import wait_s
from roost.hooks.sink import Outgoing, RefusedError, Sink, SinkError
from roost.hooks.tasks import start

FIRST_LOOK_S, MOST_LOOK_S = 0.1, 5.0
#: How long events are kept for a listener that was there and is gone.
LINGER_S = 30.0


class UnixSocketSink(Sink):
    """The connection and the task that keeps it."""

    prompt = True

    def __init__(self, options: UnixSocket, format: str, tasks: asyncio.TaskGroup) -> None:
        super().__init__()
        self._tasks = tasks
        self._options = options
        self._format = format
        self._socket: socket.socket | None = None
        self._connected = asyncio.Event()
        self._ended = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._look_now = asyncio.Event()
        self._begun: Outgoing | None = None  # sent in part over this connection
        self._rest = b""  # of that one
        self.connections = 0

    async def open(self) -> None:
        """Begin to look for the listener."""
        if self._keeper is None:
            self._keeper = start(self._tasks, self._keep(), f"sink {self._options.path}")

    async def _keep(self) -> None:
        failures = 0
        lost_at: float | None = None
        while True:
            try:
                await self._connect()
            except OSError as error:
                failures += 1
                self._not_there(error, lost_at)
                self._look_now.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s(failures, first_s=FIRST_LOOK_S, most_s=MOST_LOOK_S)):
                        await self._look_now.wait()
                continue
            failures = 0
            self.report(None)
            await self._ended.wait()
            lost_at = time.monotonic()

    async def _connect(self) -> None:
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        peer.setblocking(False)
        try:
            peer.connect(self._options.path)  # answers at once, with EAGAIN when the listener's backlog is full
        except OSError:
            peer.close()
            raise
        self._socket = peer
        self._ended.clear()
        self.connections += 1
        asyncio.get_running_loop().add_reader(peer, self._on_readable, peer)
        self._connected.set()
        self._set_listening(True)

    def _on_readable(self, peer: socket.socket) -> None:
        """The listener says nothing that matters; its end does."""
        try:
            ended = not peer.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            ended = True
        if ended and peer is self._socket:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._socket is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._socket)
            loop.remove_writer(self._socket)
            self._socket.close()
            self._socket = None
        self._begun, self._rest = None, b""
        self._connected.clear()
        self._ended.set()

    def _not_there(self, error: OSError, lost_at: float | None) -> None:
        if lost_at is not None and time.monotonic() - lost_at < LINGER_S:
            self.report(f"{self._options.path}: {error.strerror}")
        elif self.listening:
            self._set_listening(False)
            self._connected.set()  # whoever waits for a connection learns that there is nobody
            self.report(None)

    def _set_listening(self, listening: bool) -> None:
        if self.listening != listening:
            self.listening = listening
            self.on_listening()

    def send_now(self, outgoing: Outgoing) -> bool:
        """Write the line into the connection, if it takes all of it."""
        if self._socket is None or self._rest:
            return False
        line = outgoing.line(self._format)
        try:
            sent = self._socket.send(line)
        except OSError:
            return False
        if sent == len(line):
            return True
        self._begun, self._rest = outgoing, line[sent:]
        return False

    async def deliver(self, batch: Sequence[Outgoing]) -> None:
        """Write all lines into the connection."""
        await self._connected.wait()
        peer = self._socket
        if peer is None:
            if self.listening:
                raise SinkError("the listener is gone")
            self._connected.clear()
            raise RefusedError("nobody listens any more")
        done = 0
        lines = self._lines(batch)
        left = memoryview(b"".join(lines))
        ends = list(accumulate(map(len, lines)))
        sent = 0
        try:
            async with asyncio.timeout(self._options.timeout_s):
                while left:
                    count = await _send(peer, left)
                    sent += count
                    left = left[count:]
                    while done < len(ends) and ends[done] <= sent:
                        done += 1
        except TimeoutError as error:
            self._hang_up()
            text = f"the listener at {self._options.path} did not read for {self._options.timeout_s:g} s"
            raise SinkError(text, done=done) from error
        except OSError as error:
            if peer is self._socket:
                self._hang_up()
            raise SinkError(f"{self._options.path}: {error.strerror}", done=done) from error

    def _lines(self, batch: Sequence[Outgoing]) -> list[bytes]:
        """The batch's lines, behind the rest of the one that was sent in part."""
        lines = [outgoing.line(self._format) for outgoing in batch]
        if self._rest:
            lines[0] = self._rest if batch[0] is self._begun else self._rest + lines[0]
            self._begun, self._rest = None, b""
        return lines

    async def retry(self) -> int:
        """Look for the listener at once."""
        self._look_now.set()
        return 0

    async def close(self, grace_s: float) -> None:
        """Hang up."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        self._hang_up()

    def facts(self) -> dict[str, object]:
        """Where, and whether somebody is there."""
        return {"path": self._options.path, "connected": self._socket is not None, "connections": self.connections}


async def _send(peer: socket.socket, data: memoryview) -> int:
    """How many bytes the socket took, at least one; waits until it takes some."""
    while True:
        try:
            return peer.send(data)
        except BlockingIOError:
            loop = asyncio.get_running_loop()
            writable: asyncio.Future[None] = loop.create_future()
            loop.add_writer(peer, _resolve, writable)
            try:
                await writable
            finally:
                if peer.fileno() >= 0:
                    loop.remove_writer(peer)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
