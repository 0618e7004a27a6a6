"""The sink `stdout`: lines on the standard output of a daemon in the foreground."""

from __future__ import annotations

import os
import select
from collections.abc import Sequence

from roost.hooks.sink import Outgoing, Sink, SinkError
from roost.hooks.worker import Worker

#: A pipe that is writable takes this much without blocking. Source: pipe(7), PIPE_BUF.
_PIECE_BYTES = 4096
_PATIENCE_S = 5.0


class StdoutSink(Sink):
    """Writes whole lines, in a thread; the rest of a line that was written in part comes first at the next try."""

    def __init__(self, format: str, *, foreground: bool, fd: int = 1) -> None:
        super().__init__()
        self._format = format
        self._fd = fd
        self._rest = b""
        self._worker = Worker("stdout sink")
        self.listening = foreground
        self._foreground = foreground

    async def deliver(self, batch: Sequence[Outgoing]) -> None:
        """Take all of the batch."""
        lines = [outgoing.line(self._format) for outgoing in batch]
        await self._worker.run(lambda: self._write_all(lines))

    def _write_all(self, lines: Sequence[bytes]) -> None:
        self._write_rest(0)
        for done, line in enumerate(lines, 1):
            self._rest = line  # taken: what is left of it comes first at the next try
            self._write_rest(done)

    def _write_rest(self, done: int) -> None:
        while self._rest:
            if not select.select([], [self._fd], [], _PATIENCE_S)[1]:
                raise SinkError(f"standard output is not read for {_PATIENCE_S:g} s", done=done)
            try:
                self._rest = self._rest[os.write(self._fd, self._rest[:_PIECE_BYTES]) :]
            except OSError as error:
                raise SinkError(f"standard output: {error.strerror}", done=done) from error

    async def close(self, grace_s: float) -> None:
        """Let go of the thread."""
        self._worker.stop()

    def facts(self) -> dict[str, object]:
        """Why it is idle, if so."""
        return {} if self._foreground else {"note": "the daemon runs in the background and has no standard output"}
