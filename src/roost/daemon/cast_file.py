"""The file of a recording: made, gone on with, written batch by batch. Everything here may block.

Owns the descriptor and the system calls on it; called from writer threads only, one call at a time. A batch is in the
file whole or not at all as far as that is in our hands: what was written of one that failed is cut off again. Results
are values: errors come back as text.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass

from roost.core.cast import read_cast
from roost.core.recording import Checkpoint, last_checkpoint
from roost.daemon.tee_file import Identity, reason
from roost.errors import InvalidError

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY | os.O_NOFOLLOW | os.O_NONBLOCK
_MODE = 0o600
#: What is read of a file's end at first when its last checkpoint is looked for; more if there is none in it.
TAIL_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Written:
    """How a write went. `changed`: nothing was written, somebody else had changed the file."""

    error: str = ""
    changed: bool = False


class CastFile:
    """An open recording."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        facts = os.fstat(fd)
        self.identity = Identity(facts.st_dev, facts.st_ino)
        self.size = facts.st_size

    def write(self, lines: bytes) -> Written:
        """Append a batch whole, or leave the file as it was."""
        try:
            if os.fstat(self._fd).st_size != self.size:
                return Written("somebody else has changed the file", changed=True)
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self.size)
            return Written(reason(error))
        self.size += len(lines)
        return Written()

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):
            os.close(self._fd)


def create_cast(path: bytes, head: bytes) -> CastFile:
    """A new recording that begins with those lines. Raises OSError (FileExistsError if there is such a file)."""
    file = CastFile(os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, _MODE))
    written = file.write(head)
    if written.error:
        file.close()
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise OSError(0, written.error)
    return file


def append_cast(path: bytes, begin: bytes) -> CastFile:
    """Go on in a recording that somebody made before: `begin` behind its last whole line.

    Raises OSError, or InvalidError for a file that is no recording of version 3.
    """
    fd = os.open(path, _FLAGS)
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode):
            raise InvalidError("it is no regular file")
        name = os.fsdecode(path)
        with open(fd, "rb", closefd=False) as lines:
            if read_cast([lines.readline(1 << 20)], name).header.version != 3:
                raise InvalidError(f"{name} is a recording of an older version; only version 3 can be gone on with")
        os.fchmod(fd, _MODE)
        _cut_torn_line(fd, facts.st_size)
        file = CastFile(fd)
        written = file.write(begin)
        if written.error:
            raise OSError(0, written.error)
    except BaseException:
        os.close(fd)
        raise
    return file


def _cut_torn_line(fd: int, size: int) -> None:
    at = size
    while at > 0:
        start = max(0, at - TAIL_BYTES)
        end = os.pread(fd, at - start, start).rfind(b"\n") + 1
        if end:
            at = start + end
            break
        at = start
    if at < size:
        os.ftruncate(fd, at)


@dataclass(frozen=True, slots=True)
class Resumed:
    """A recording found again by another daemon: where it stands; what stood behind that is cut off."""

    file: CastFile
    checkpoint: Checkpoint


def resume_cast(path: bytes, known: Identity) -> Resumed:
    """Open the file again after the last daemon's end. Raises OSError; InvalidError if it is not what it was."""
    fd = os.open(path, _FLAGS)
    try:
        facts = os.fstat(fd)
        if Identity(facts.st_dev, facts.st_ino) != known:
            raise InvalidError("another file has taken its place")
        found = _find_checkpoint(fd, facts.st_size)
        if found is None:
            raise InvalidError("the file was changed: it no longer says where the recording stands")
        checkpoint, end = found
        if end < facts.st_size:
            os.ftruncate(fd, end)
        return Resumed(CastFile(fd), checkpoint)
    except BaseException:
        os.close(fd)
        raise


def _find_checkpoint(fd: int, size: int) -> tuple[Checkpoint, int] | None:
    """The last checkpoint and the file offset behind it."""
    length = min(TAIL_BYTES, size)
    while True:
        start = size - length
        found = last_checkpoint(_read(fd, start, length))
        if found is not None:
            return found[0], start + found[1]
        if start == 0:
            return None
        length = min(length * 4, size)


def _read(fd: int, start: int, length: int) -> bytes:
    parts = []
    while length:
        part = os.pread(fd, min(length, 1 << 24), start)
        if not part:
            break
        parts.append(part)
        start, length = start + len(part), length - len(part)
    return b"".join(parts)
