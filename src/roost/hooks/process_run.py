"""One run of a shell command: started, fed, watched, and ended with its whole process group when it takes too long.

Owns the process. Its input is a file in memory, so that it can be read to the end even when the daemon is gone; of its
output the last 4 KiB are kept, the rest is read and forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roost.hooks.worker import Worker

OUTPUT_BYTES = 4096
_PIECE_BYTES = 65536
#: Between two full pieces: at most some 6 MB/s of a command's output cross the daemon's loop.
_PAUSE_S = 0.01


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. code: None when it was killed for taking too long. output: the last of what it printed."""

    code: int | None
    output: bytes

    @property
    def failure(self) -> str:
        """What went wrong, "" when nothing did."""
        if self.code == 0:
            return ""
        if self.code is None:
            return "it took too long and was killed"
        return f"it exited with {self.code}" if self.code > 0 else f"it was ended by signal {-self.code}"


class ProcessRun:
    """A command while it runs."""

    def __init__(self, argv: Sequence[str], cwd: str, environment: Mapping[bytes, bytes], stdin: bytes) -> None:
        self._argv = argv
        self._cwd = cwd
        self._environment = environment
        self._stdin = stdin
        self._child: subprocess.Popen[bytes] | None = None
        self._output = bytearray()
        self._pause: asyncio.TimerHandle | None = None
        self._ended = asyncio.Event()

    async def run(self, worker: Worker, timeout_s: float) -> Outcome:
        """Run it to its end or to the time's. Raises OSError when it cannot be started.

        Cancelled, it leaves the command running on its own.
        """
        loop = asyncio.get_running_loop()
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            child = self._child = await worker.run(lambda: self._start(writing))
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        pidfd = os.pidfd_open(child.pid)
        loop.add_reader(pidfd, self._ended.set)
        loop.add_reader(reading, self._read, reading)
        code: int | None = None
        try:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._ended.wait()
                code = child.wait()
            except TimeoutError:
                self._kill()
                await self._ended.wait()
                child.wait()
            self._read(reading)
        finally:
            loop.remove_reader(pidfd)
            if self._pause is not None:
                self._pause.cancel()
            loop.remove_reader(reading)
            os.close(pidfd)
            os.close(reading)
            if child.returncode is None:
                child.returncode = 0  # left alone: without this Popen would complain that nobody reaped it
        return Outcome(code, bytes(self._output))

    def _start(self, output: int) -> subprocess.Popen[bytes]:
        os.set_blocking(output, True)
        stdin = os.memfd_create("event", os.MFD_CLOEXEC)
        try:
            left = memoryview(self._stdin)
            while left:
                left = left[os.write(stdin, left) :]
            os.lseek(stdin, 0, os.SEEK_SET)
            return subprocess.Popen(
                self._argv,
                cwd=self._cwd,
                env=self._environment,
                stdin=stdin,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        finally:
            os.close(stdin)

    def _read(self, fd: int) -> None:
        """Read what there is; the end of the last writer ends the reading.

        One that prints without end is read a piece at a time with pauses, or it would keep the daemon's loop busy.
        """
        data = b""
        with contextlib.suppress(BlockingIOError):
            data = os.read(fd, _PIECE_BYTES)
            if not data:
                asyncio.get_running_loop().remove_reader(fd)
        self._output += data
        del self._output[:-OUTPUT_BYTES]
        if len(data) == _PIECE_BYTES and not self._ended.is_set():
            loop = asyncio.get_running_loop()
            loop.remove_reader(fd)
            self._pause = loop.call_later(_PAUSE_S, loop.add_reader, fd, self._read, fd)

    def _kill(self) -> None:
        """End the command and its process group, whose id is its pid as long as nobody has reaped it."""
        assert self._child is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)

    @property
    def pid(self) -> int:
        """Its process id, 0 before it runs."""
        return self._child.pid if self._child else 0
