"""One monitor connected to a listener: lines within a bound of its own, and an exact count of what it missed.

Overflow: the oldest line that is not on its way yet is dropped; before the next one a line tells how many.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from roost.core.events import rfc3339


class Monitor:
    """The connection and what waits for it."""

    def __init__(self, peer: socket.socket, limit_bytes: int, on_end: Callable[[Monitor], None]) -> None:
        self._peer = peer
        self._limit = limit_bytes
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._lines: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._on_its_way = b""  # the rest of a line that was sent in part
        self._writing = False
        self._missed_since = 0
        self.delivered = self.dropped = 0
        peer.setblocking(False)
        self._loop.add_reader(peer, self._on_readable)

    def offer(self, line: bytes) -> None:
        """Have a line sent; call `flush` after the last one."""
        self._lines.append(line)
        self._waiting_bytes += len(line)
        while self._waiting_bytes > self._limit and self._lines:
            self._waiting_bytes -= len(self._lines.popleft())
            self.dropped += 1
            self._missed_since += 1

    def send(self, line: bytes) -> None:
        """Have one line sent at once, behind what waits."""
        if not (self._writing or self._on_its_way or self._lines or self._missed_since or len(line) > self._limit):
            try:
                sent = self._peer.send(line)
            except OSError:
                pass  # as `flush` finds out, too
            else:
                self.delivered += 1
                if sent == len(line):
                    return
                self._on_its_way = line[sent:]
                self.flush()
                return
        self.offer(line)
        self.flush()

    def flush(self) -> None:
        """Send as much as the socket takes."""
        if self._writing:
            return
        try:
            while self._on_its_way or self._lines:
                if not self._on_its_way:
                    self._on_its_way = self._next_piece()
                self._on_its_way = self._on_its_way[self._peer.send(self._on_its_way) :]
        except BlockingIOError:
            self._writing = True
            self._loop.add_writer(self._peer, self._on_writable)
        except OSError:
            self._end()

    def _next_piece(self) -> bytes:
        """Several lines at once; first how many are missing in front of them."""
        pieces = []
        if self._missed_since:
            pieces.append(_note(self._missed_since))
            self._missed_since = 0
        size = 0
        while self._lines and size < 65536:
            line = self._lines.popleft()
            size += len(line)
            pieces.append(line)
            self.delivered += 1
        self._waiting_bytes -= size
        return b"".join(pieces)

    def _on_writable(self) -> None:
        self._loop.remove_writer(self._peer)
        self._writing = False
        self.flush()

    def _on_readable(self) -> None:
        """Monitors say nothing that matters. One that only ended its own sending (`nc -U` without input) stays."""
        try:
            if self._peer.recv(4096):
                return
        except BlockingIOError:
            return
        except OSError:
            self._end()
            return
        self._loop.remove_reader(self._peer)
        poll = select.poll()
        poll.register(self._peer, 0)
        if any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0)):
            self._end()

    def _end(self) -> None:
        self.close()
        self._on_end(self)

    def close(self) -> None:
        """Hang up; safe to repeat."""
        if self._peer.fileno() >= 0:
            self._loop.remove_reader(self._peer)
            self._loop.remove_writer(self._peer)
            with contextlib.suppress(OSError):
                self._peer.close()
        self.dropped += len(self._lines)
        self._lines.clear()
        self._waiting_bytes = 0

    def facts(self) -> dict[str, Any]:
        """Its counters."""
        return {"delivered": self.delivered, "dropped": self.dropped, "queued_bytes": self._waiting_bytes}


def _note(count: int) -> bytes:
    """The line that stands for what a monitor missed; it has no id, because no other monitor gets it."""
    event = {"type": "hooks_dropped", "category": "daemon", "data": {"dropped": count}}
    return msgspec.json.encode({"at": rfc3339(time.time()), "event": event}) + b"\n"
