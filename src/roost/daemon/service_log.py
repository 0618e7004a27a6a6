"""The log files of a service: reading their ends, emptying them. Everything here may block: called in threads.

Owns the form of what is shown. The files are written by the tees of the service's session.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

#: What an answer holds at most, and one line of it.
MAX_TEXT_BYTES, MAX_LINE_BYTES = 64 * 1024, 4096
DEFAULT_LINES = 100
#: How much of a stream's end is looked at; a line that begins before it is shown from there.
_LOOK_BYTES = 1 << 20
STREAMS = (("stdout", "out"), ("stderr", "err"))


def log_path(directory: str, stem: str, kind: str) -> str:
    """The file of a stream, `kind` being `out` or `err`."""
    return os.path.join(directory, f"{stem}-{kind}.log")


def tail_text(directory: str, stem: str, lines: int) -> str:
    """The last lines of both streams, each with its stream before it; the newest where not all have room."""
    found = {
        stream: _last_lines(log_path(directory, stem, kind), lines or DEFAULT_LINES, f"[{stream}] ")
        for stream, kind in STREAMS
    }
    sizes = {stream: sum(map(len, rows)) for stream, rows in found.items()}
    half = MAX_TEXT_BYTES // 2
    room = {
        "stdout": MAX_TEXT_BYTES - min(sizes["stderr"], half),
        "stderr": MAX_TEXT_BYTES - min(sizes["stdout"], half),
    }
    return b"".join(b"".join(_newest(found[stream], room[stream])) for stream, _ in STREAMS).decode("utf-8", "ignore")


def _newest(rows: list[bytes], room: int) -> list[bytes]:
    first = len(rows)
    while first and room >= len(rows[first - 1]):
        first -= 1
        room -= len(rows[first])
    return rows[first:]


def _last_lines(path: str, count: int, prefix: str) -> list[bytes]:
    """Lines with their prefix and end, valid UTF-8 all of them."""
    data = _end_of(path, _LOOK_BYTES)
    if data.count(b"\n") < count and len(data) < _LOOK_BYTES:
        data = _end_of(f"{path}.1", _LOOK_BYTES - len(data)) + data
    rows = data.removesuffix(b"\n").split(b"\n") if data else []
    return [_shown(prefix, row) for row in rows[-count:]]


def _shown(prefix: str, line: bytes) -> bytes:
    text = line.decode("utf-8", "replace").encode()[:MAX_LINE_BYTES]
    return prefix.encode() + text.decode("utf-8", "ignore").encode() + b"\n"


def _end_of(path: str, limit: int) -> bytes:
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - limit))
        return file.read(limit)
    return b""


def empty(directory: str, stem: str) -> None:
    """Empty the files that are written to, and remove those that were rotated away."""
    for _, kind in STREAMS:
        path = log_path(directory, stem, kind)
        with contextlib.suppress(FileNotFoundError):
            os.truncate(path, 0)
        for old in _rotated(path):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(old)


def remove_empty(directory: str, stem: str) -> None:
    """Remove the files that nothing was written to, of a service that never was."""
    for _, kind in STREAMS:
        path = log_path(directory, stem, kind)
        with contextlib.suppress(OSError):
            if not os.path.getsize(path):
                os.unlink(path)


def _rotated(path: str) -> Iterable[str]:
    directory, name = os.path.split(path)
    with contextlib.suppress(FileNotFoundError):
        for entry in os.listdir(directory):
            if entry.startswith(f"{name}.") and entry.removeprefix(f"{name}.").isdigit():
                yield os.path.join(directory, entry)
