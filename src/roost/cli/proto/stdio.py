"""Standard input and output of a program that is driven by lines: neither may stop the loop.

Owns a thread that reads, as files, pipes and terminals can all be read so, and the way lines go out whole and in order.
"""

from __future__ import annotations

import asyncio
import os
import select
import threading

_READ_BYTES = 1 << 16
#: What a pipe that is writable takes at once.
_PIPE_BYTES = 4096


class Input:
    """Pieces of stdin; b"" at its end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int = 0) -> None:
        self._loop = loop
        self._fd = fd
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue(1)
        threading.Thread(target=self._read, name="stdin", daemon=True).start()

    def _read(self) -> None:
        try:
            while True:
                try:
                    data = os.read(self._fd, _READ_BYTES)
                except OSError:
                    data = b""
                asyncio.run_coroutine_threadsafe(self._pieces.put(data), self._loop).result()
                if not data:
                    return
        except Exception:  # noqa: BLE001 - the edge: the loop is over, and nobody is there to be told
            return

    async def read(self) -> bytes:
        """The next piece."""
        return await self._pieces.get()


class Output:
    """Lines to stdout, each whole."""

    def __init__(self, fd: int = 1) -> None:
        self._fd = fd
        self._turn = asyncio.Lock()

    async def write(self, line: bytes) -> None:
        """Write a line; waits for a slow reader. Raises OSError when nobody reads any more."""
        async with self._turn:
            if len(line) <= _PIPE_BYTES and select.select((), (self._fd,), (), 0)[1]:
                self._write(line)
            else:
                await asyncio.to_thread(self._write, line)

    def _write(self, line: bytes) -> None:
        view = memoryview(line)
        while view:
            view = view[os.write(self._fd, view) :]
