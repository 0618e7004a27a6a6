"""Output of any length in bounded memory: its beginning, its end, and how much is missing between them. Pure."""

from __future__ import annotations

from collections import deque


class HeadTail:
    """Takes pieces in order, by their offsets, and keeps about `limit_bytes`: the first half and the newest half."""

    def __init__(self, limit_bytes: int) -> None:
        self._half = max(1, limit_bytes // 2)
        self._head: list[tuple[int, bytes]] = []
        self._head_bytes = 0
        self._tail: deque[tuple[int, bytes]] = deque()
        self._tail_bytes = 0

    def add(self, offset: int, data: bytes) -> None:
        """The next piece; an offset behind the last one's end says that something is missing."""
        room = self._half - self._head_bytes
        if room > 0:
            self._head.append((offset, data[:room]))
            self._head_bytes += len(data[:room])
            offset, data = offset + len(data[:room]), data[room:]
        if data:
            self._tail.append((offset, data))
            self._tail_bytes += len(data)
            while self._tail_bytes - len(self._tail[0][1]) >= self._half:
                self._tail_bytes -= len(self._tail.popleft()[1])

    def between(self, start: int, end: int) -> tuple[list[bytes], int]:
        """What is kept of [start, end), a part for every stretch without a hole, and how many bytes are missing."""
        parts: list[bytearray] = []
        reached, kept = start, 0
        for offset, data in (*self._head, *self._tail):
            piece = data[max(0, start - offset) : max(0, end - offset)]
            if not piece:
                continue
            at = max(offset, start)
            if not parts or at > reached:
                parts.append(bytearray())
            parts[-1] += piece
            reached = at + len(piece)
            kept += len(piece)
        return [bytes(part) for part in parts], max(0, end - start - kept)
