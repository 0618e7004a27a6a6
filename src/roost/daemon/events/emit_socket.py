"""The socket named by ROOST_EVENTS: lines of JSON in, a line of JSON back for each, in order.

Owns the connections and their limits. Whoever connects is known by the pid that the kernel names; a line that is wrong
is answered and costs nothing else. What one connection leaves unread holds only itself back.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
from typing import Any

from roost.core.agent_events import MAX_EMIT_BYTES, decode_emission
from roost.core.events import Event
from roost.daemon.events.emitters import Emitters
from roost.daemon.listening import file_at, listen_at
from roost.daemon.session import Session
from roost.errors import InvalidError, RoostError

log = logging.getLogger(__name__)

#: Connections at most; one more is told so and closed.
MAX_CONNECTIONS = 512
#: Lines answered together.
_LINES = 256
_READ_BYTES = 64 * 1024
_ANSWER_S = 10.0
_ACCEPT_PAUSE_S = 0.1


class EmitSocket:
    """Serves the socket."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, tasks: asyncio.TaskGroup, path: str, emitters: Emitters
    ) -> None:
        """Listens at once; where that cannot be, the log says why and `listen_again` tries anew."""
        self._loop = loop
        self._tasks = tasks
        self._emitters = emitters
        self._path = path
        self._listener: socket.socket | None = None
        self._file: tuple[int, int] | None = None
        self._connections = 0
        try:
            self.listen_again()
        except RoostError as error:  # programs that emit are told so; nobody else has to do without the daemon for it
            log.error("events are not taken from programs: %s", error.message)

    def listen_again(self) -> None:
        """Listen anew if the file is not ours any more. Raises RoostError; the old socket stays then."""
        if self._listener is not None and file_at(self._path) == self._file:
            return
        fresh = listen_at(self._path)
        self._let_go()
        self._listener, self._file = fresh, file_at(self._path)
        self._loop.add_reader(fresh, self._accept, fresh)

    def _let_go(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except BlockingIOError:
            return
        except OSError:  # no descriptors left, or the caller is gone: the others go on in a moment
            self._loop.remove_reader(listener)
            self._loop.call_later(_ACCEPT_PAUSE_S, self._accept_again, listener)
            return
        sock.setblocking(False)
        self._connections += 1
        self._tasks.create_task(self._serve(sock), name="emitter")

    def _accept_again(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            self._loop.add_reader(listener, self._accept, listener)

    async def _serve(self, sock: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError, TimeoutError):
                await self._converse(sock)
        except Exception:  # a defect costs one connection, not the daemon
            log.exception("an emitter's connection failed in a way that nobody foresaw")
        finally:
            sock.close()
            self._connections -= 1

    async def _converse(self, sock: socket.socket) -> None:
        pid, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        try:
            session = self._admit(pid, uid)
        except RoostError as error:
            await self._answer(sock, [refusal(error)])
            return
        lines = _Lines()
        while data := await self._loop.sock_recv(sock, _READ_BYTES):
            lines.feed(data)
            while batch := lines.take(_LINES):
                await self._answer(sock, await self._emit_all(session, batch))
        if batch := lines.rest():
            await self._answer(sock, await self._emit_all(session, batch))

    def _admit(self, pid: int, uid: int) -> Session:
        if uid not in (os.geteuid(), 0):
            raise RoostError(f"user {uid} may not emit events to user {os.geteuid()}", kind="denied")
        if self._connections > MAX_CONNECTIONS:
            raise RoostError(f"{MAX_CONNECTIONS} programs are connected, which is the limit", kind="exhausted")
        return self._emitters.session_of(pid)

    async def _emit_all(self, session: Session, batch: list[bytes | None]) -> list[dict[str, Any]]:
        """An answer for each line; events are durable when this returns."""
        outcomes: list[Event | RoostError] = []
        for line in batch:
            try:
                if line is None:
                    raise InvalidError(f"a line longer than {MAX_EMIT_BYTES} bytes, which are the limit")
                outcomes.append(await self._emitters.emit(session, decode_emission(line)))
            except RoostError as error:
                outcomes.append(error)
        emitted = [outcome for outcome in outcomes if isinstance(outcome, Event)]
        failure: RoostError | None = None
        if emitted:
            try:
                await self._emitters.log.settle(emitted[-1].key)
            except RoostError as error:
                failure = error
        return [
            refusal(outcome) if isinstance(outcome, RoostError) else refusal(failure) if failure else _taken(outcome)
            for outcome in outcomes
        ]

    async def _answer(self, sock: socket.socket, answers: list[dict[str, Any]]) -> None:
        async with asyncio.timeout(_ANSWER_S):
            await self._loop.sock_sendall(sock, b"".join([json.dumps(a).encode() + b"\n" for a in answers]))

    def close(self) -> None:
        """Listen no more."""
        self._let_go()
        if self._file is not None and file_at(self._path) == self._file:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)


def _taken(event: Event) -> dict[str, Any]:
    return {"ok": True, "id": event.id}


def refusal(error: RoostError) -> dict[str, Any]:
    """The answer to a line that was not taken."""
    return {"ok": False, "kind": error.kind, "error": error.message}


class _Lines:
    """Lines of what was received. One that is too long is not kept; it comes out as None."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._too_long = False

    def rest(self) -> list[bytes | None]:
        """What came without a line's end."""
        line = bytes(self._held).strip()
        return [None] if self._too_long else [line] if line else []

    def feed(self, data: bytes) -> None:
        """Take what was received."""
        self._held += data

    def take(self, most: int) -> list[bytes | None]:
        """Up to so many complete lines; empty ones are passed over."""
        found: list[bytes | None] = []
        while len(found) < most:
            end = self._held.find(b"\n")
            if end < 0:
                if len(self._held) > MAX_EMIT_BYTES:
                    self._too_long = True
                    self._held.clear()
                break
            line = bytes(self._held[:end])
            del self._held[: end + 1]
            if self._too_long or len(line) > MAX_EMIT_BYTES:
                self._too_long = False
                found.append(None)
            elif line.strip():
                found.append(line)
        return found
