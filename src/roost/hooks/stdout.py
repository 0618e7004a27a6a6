"""The sink `stdout`: lines on the standard output of a daemon in the foreground."""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Sequence

from roost.hooks.sink import Outgoing, Sink, SinkError
from roost.hooks.worker import Worker

#: A pipe that is writable takes this much without blocking. Source: pipe(7), PIPE_BUF.
_PIECE_BYTES = 4096
_PATIENCE_S = 5.0
#: Where the file stands. Source: pwritev2(2).
_AT_ITS_POSITION = -1
#: What the kernel says of a file, a terminal, or anything if it is old.
_CANNOT = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.ESPIPE})


class StdoutSink(Sink):
    """Writes whole lines; the rest of a line that was written in part comes first at the next try.

    A pipe or a socket that has room is written to on the spot. All else is done in a thread: terminals, files, and a
    reader that is slow.
    """

    def __init__(self, format: str, *, foreground: bool, fd: int = 1) -> None:
        super().__init__()
        self._format = format
        self._fd = fd
        self._rest = b""
        self._begun: Outgoing | None = None  # what `_rest` is the rest of, while `deliver` is to get it yet
        self.prompt = True
        self._worker = Worker("stdout sink")
        self.listening = foreground
        self._foreground = foreground

    def send_now(self, outgoing: Outgoing) -> bool:
        """Write the line if all of it can be written without waiting."""
        if self._rest or not self.prompt:
            return False
        line = outgoing.line(self._format)
        try:
            written = os.pwritev(self._fd, [line], _AT_ITS_POSITION, os.RWF_NOWAIT)
        except OSError as error:
            self.prompt = error.errno not in _CANNOT
            return False
        if written == len(line):
            return True
        self._rest, self._begun = line[written:], outgoing
        return False

    async def deliver(self, batch: Sequence[Outgoing]) -> None:
        """Take all of the batch."""
        lines = [outgoing.line(self._format) for outgoing in batch]
        if batch[0] is self._begun:
            lines[0] = self._rest
            self._rest = b""
        self._begun = None
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
