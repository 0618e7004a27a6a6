"""The sink `jsonl`: a file of whole lines, private to the user, rotated by size and age.

The file itself says how far it got: its last line has the id of the last event. While it is empty (new, or rotated by
somebody else) a mark elsewhere does, which is at most some seconds of deliveries older. A line that a killed daemon
left half written is cut off; the event comes again from the journal.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
import time
from collections.abc import Sequence
from datetime import datetime

from roost.core.config_sinks import Jsonl
from roost.core.event_formats import event_id_of
from roost.core.events import parse_event_id
from roost.errors import InvalidError
from roost.hooks.mark import Key, Mark
from roost.hooks.sink import Outgoing, Sink, SinkError
from roost.hooks.worker import Worker

_TAIL_BYTES = 4 << 20
#: How often the mark is written while events come.
_MARK_S = 5.0
#: How long to wait for whoever has the file.
_LOCK_S = 1.0


class JsonlSink(Sink):
    """The file, used in a thread of its own."""

    durable = True
    gather_s = 0.003  # one write for many

    def __init__(self, options: Jsonl, format: str, mark: Mark) -> None:
        super().__init__()
        self._file = LineFile(options)
        self._mark = mark
        self._marked_at = 0.0
        self._last: Key | None = None  # the last event that is in the file and not in the mark
        self._format = format
        self._worker = Worker("jsonl sink")

    async def open(self) -> None:
        """Open it, for an early word when that is impossible."""
        await self._worker.run(self._file.open)

    async def reached(self) -> Key | None:
        """The key of the last line, or the mark if that is later."""
        return await self._worker.run(self._reached)

    def _reached(self) -> Key | None:
        return max((key for key in (self._file.last_key(), self._mark.read()) if key is not None), default=None)

    async def begin_at(self, key: Key) -> None:
        """Write the mark."""
        await self._worker.run(lambda: self._mark.write(key))

    async def deliver(self, batch: Sequence[Outgoing]) -> None:
        """Write all lines, or as many whole ones as there is room for."""
        data = b"".join([outgoing.line(self._format) for outgoing in batch])
        await self._worker.run(lambda: self._write(data, batch))

    def _write(self, data: bytes, batch: Sequence[Outgoing]) -> None:
        done = len(batch)
        try:
            self._file.write(data)
        except SinkError as error:
            done = error.done
            raise
        finally:
            if done:
                self._last = batch[done - 1].event.key
            if time.monotonic() - self._marked_at >= _MARK_S:
                self._write_mark()

    def _write_mark(self) -> None:
        if self._last is not None:
            self._mark.write(self._last)
            self._marked_at, self._last = time.monotonic(), None

    def _close(self) -> None:
        self._write_mark()
        self._file.close()

    async def close(self, grace_s: float) -> None:
        """Close it once what is under way is written."""
        with contextlib.suppress(SinkError):
            await self._worker.run(self._close)
        self._worker.stop()

    def facts(self) -> dict[str, object]:
        """Where it is."""
        return {"path": self._file.path}


class LineFile:
    """A file that has whole lines only. Every method may block; each raises SinkError that names the file."""

    def __init__(self, options: Jsonl) -> None:
        self.path = options.path
        self._options = options
        self._fd = -1
        self._begun_at: float | None = None  # when its first line was written, None while it is empty

    def open(self) -> None:
        """Open it unless it is open and still the file of that name; directories are made."""
        try:
            if self._fd >= 0 and self._is_current():
                return
            self._let_go()
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
            self._fd = os.open(self.path, flags, 0o600)
            kind = os.fstat(self._fd).st_mode
            if not stat.S_ISREG(kind) and not stat.S_ISCHR(kind):
                self._let_go()
                raise SinkError(f"{self.path} is no file")
            if stat.S_ISREG(kind):
                self._lock()
            self._cut_half_line()
        except OSError as error:
            raise self._error(error) from error

    def _lock(self) -> None:
        """Keep other daemons out: scopes read one config.toml, and would take each other's last line for their own."""
        deadline = time.monotonic() + _LOCK_S
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:  # a sink that this one replaces may be about to close it
                if time.monotonic() < deadline:
                    time.sleep(0.02)
                    continue
                self._let_go()
                text = f"{self.path} is that of another daemon; without `path` each scope has a file of its own"
                raise SinkError(text) from error
            except OSError:
                return  # a file system without locks
            return

    def write(self, data: bytes) -> None:
        """Append it; where not all of it fits, the whole lines that do, and SinkError says how many."""
        self.open()
        try:
            size = os.fstat(self._fd).st_size
            if size and self._is_due(size + len(data)):
                self._rotate()
                size = 0
            self._append(data, size)
            if self._begun_at is None:
                self._begun_at = time.time()
            if self._options.fsync == "always":
                os.fsync(self._fd)
        except OSError as error:
            raise self._error(error) from error

    def _append(self, data: bytes, size: int) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._fd, left) :]
        except OSError as error:
            whole = data.rfind(b"\n", 0, len(data) - len(left)) + 1
            try:
                os.ftruncate(self._fd, size + whole)
            except OSError:  # a device has no length: what it took, nobody can take back
                whole = 0
            failure = self._error(error)
            failure.done = data.count(b"\n", 0, whole)
            raise failure from error

    def last_key(self) -> Key | None:
        """The key of the last event in it, or in the newest rotated one while it is empty."""
        for path in (self.path, f"{self.path}.1"):
            with contextlib.suppress(OSError), open(path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(max(0, size - _TAIL_BYTES))
                if lines := file.read(_TAIL_BYTES).splitlines():
                    return _key_of(lines[-1])
        return None

    def close(self) -> None:
        """Close it."""
        try:
            if self._fd >= 0 and self._options.fsync != "never":
                os.fsync(self._fd)
        except OSError as error:
            raise self._error(error) from error
        finally:
            self._let_go()

    def _let_go(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._begun_at = None

    def _is_current(self) -> bool:
        """Whether nobody moved the file away, as logrotate does."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return False
        own = os.fstat(self._fd)
        return (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)

    def _cut_half_line(self) -> None:
        size = os.fstat(self._fd).st_size
        if not size:
            return
        first = os.pread(self._fd, 4096, 0)
        self._begun_at = _time_of(first) or time.time()
        start = max(0, size - _TAIL_BYTES)
        tail = os.pread(self._fd, size - start, start)
        end = tail.rfind(b"\n") + 1
        if end != len(tail) and (end or not start):
            os.ftruncate(self._fd, start + end)

    def _is_due(self, size: int) -> bool:
        age = self._options.rotate_age_s
        begun = self._begun_at
        return size > self._options.rotate_bytes or bool(age and begun is not None and time.time() - begun >= age)

    def _rotate(self) -> None:
        if self._options.fsync != "never":
            os.fsync(self._fd)
        for number in range(self._options.keep - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.path}.{number}", f"{self.path}.{number + 1}")
        os.replace(self.path, f"{self.path}.1")
        self.open()

    def _error(self, error: OSError) -> SinkError:
        return SinkError(f"{self.path}: {error.strerror or error}")


def _key_of(line: bytes) -> Key | None:
    try:
        shown = json.loads(line)
        return parse_event_id(event_id_of(shown)) if isinstance(shown, dict) else None
    except (ValueError, InvalidError):
        return None


def _time_of(head: bytes) -> float | None:
    """When the first line of a file was written, as it says itself."""
    try:
        shown = json.loads(head.partition(b"\n")[0])
        return datetime.fromisoformat(shown.get("at") or shown["time"]).timestamp()
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
