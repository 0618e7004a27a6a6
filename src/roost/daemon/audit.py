"""Who typed what: a trail of inputs by session and client. How much, when, through what; the contents only if asked.

Owns `<state>/audit.jsonl` (0600, rotated). What one client types into one session within a moment is one line. Writing
happens in a thread; what cannot be written is counted and told in the log, it never holds input up.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
from dataclasses import dataclass, field
from time import time

from roost.core.events import rfc3339
from roost.daemon.writer_pool import WriterPool

log = logging.getLogger(__name__)

#: How long typing is collected into one line.
COLLECT_S = 1.0
ROTATE_BYTES = 4 << 20
KEEP = 4
#: Of the contents, where they are kept at all, so much of one line.
MOST_CONTENT_BYTES = 4096


@dataclass(slots=True)
class _Entry:
    first_at: float
    name: str
    bytes: int = 0
    times: int = 0
    content: bytearray = field(default_factory=bytearray)


class Audit:
    """The trail. `contents` says that what was typed is kept too."""

    def __init__(self, loop: asyncio.AbstractEventLoop, path: str, *, contents: bool = False) -> None:
        self._loop = loop
        self._path = path
        self.contents = contents
        self._pool = WriterPool(loop)
        self._open: dict[tuple[str, str, str], _Entry] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._writing = False
        self._waiting = b""
        self.lost = 0

    def note(self, session_id: str, name: str, client: str, kind: str, data: bytes = b"", unseen: int = 0) -> None:
        """Somebody did something to a session's input: `input`, `keys`, `signal`, `resize`, ...

        `unseen` bytes came past the daemon, which happens only where contents are not kept.
        """
        key = (session_id, client, kind)
        entry = self._open.get(key)
        if entry is None:
            entry = self._open[key] = _Entry(time(), name)
            if self._timer is None:
                self._timer = self._loop.call_later(COLLECT_S, self._flush)
        entry.bytes += len(data) + unseen
        entry.times += 1
        if self.contents and len(entry.content) < MOST_CONTENT_BYTES:
            entry.content += data[: MOST_CONTENT_BYTES - len(entry.content)]

    def _flush(self) -> None:
        self._timer = None
        lines = self._lines()
        if len(self._waiting) > ROTATE_BYTES:  # the disk hangs
            self.lost += lines.count(b"\n")
            return
        self._waiting += lines
        self._write()

    def _lines(self) -> bytes:
        entries, self._open = self._open, {}
        lines = []
        for (session_id, client, kind), entry in entries.items():
            line = {
                "at": rfc3339(entry.first_at),
                "session_id": session_id,
                "session_name": entry.name,
                "client": client,
                "kind": kind,
                "bytes": entry.bytes,
                "times": entry.times,
            }
            if self.contents:
                line["content"] = base64.b64encode(entry.content).decode()
            lines.append(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        return b"".join(lines)

    def _write(self) -> None:
        if self._writing or not self._waiting:
            return
        self._writing = True
        data, self._waiting = self._waiting, b""
        self._pool.submit(lambda: append(self._path, data), self._written)

    def _written(self, error: str) -> None:
        self._writing = False
        if error:
            self.lost += 1
            log.warning("the audit trail %s could not be written: %s", self._path, error)
        self._write()

    def close(self) -> None:
        """Write what is left; the daemon stops."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        data = self._waiting + self._lines()
        if data:
            append(self._path, data)
        self._pool.close()


def append(path: str, data: bytes) -> str:
    """Append whole lines, beginning a new file where the old one is full; what went wrong, or ""."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if os.fstat(fd).st_size >= ROTATE_BYTES:
                os.close(fd)
                fd = -1
                for number in range(KEEP - 1, 0, -1):
                    if os.path.exists(f"{path}.{number}"):
                        os.replace(f"{path}.{number}", f"{path}.{number + 1}")
                os.replace(path, f"{path}.1")
                fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            while data:
                data = data[os.write(fd, data) :]
        finally:
            if fd >= 0:
                os.close(fd)
    except OSError as error:
        return error.strerror or str(error)
    return ""
