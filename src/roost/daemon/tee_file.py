"""The file of a tee: opening, appending, rotating, and finding it again. Everything here may block.

Owns the descriptor and the system calls on it; called from writer threads only, one call at a time. Knows nothing of
streams. Results are values: errors come back as text.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY
_MODE = 0o666


@dataclass(frozen=True, slots=True)
class Appended:
    """How an append went: bytes written, and why not all of them.

    `found_size`: nothing was written, because the file had another size than the caller believed.
    """

    written: int
    error: str = ""
    found_size: int | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """By what a file is known when its name has gone to another."""

    device: int
    inode: int


@dataclass(frozen=True, slots=True)
class Found:
    """A tee's file after a restart. `known_size`: of the file that was written before, None if it is gone."""

    file: TeeFile
    size: int
    known_size: int | None


class TeeFile:
    """An open file that is only ever appended to."""

    def __init__(self, path: bytes, fd: int) -> None:
        self.path = path
        self._fd = fd
        self._note()

    def _note(self) -> None:
        facts = os.fstat(self._fd)
        self.identity = Identity(facts.st_dev, facts.st_ino)
        self.regular = stat.S_ISREG(facts.st_mode)
        self.size = facts.st_size if self.regular else 0  # as it was opened

    def append(self, data: bytes, expected_size: int | None) -> Appended:
        """Write all of `data`, provided that a regular file has the expected size (None: whatever it has)."""
        try:
            if expected_size is not None and self.regular:
                size = os.fstat(self._fd).st_size
                if size != expected_size:
                    return Appended(0, found_size=size)
        except OSError as error:
            return Appended(0, reason(error))
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except OSError as error:
                return Appended(len(data) - len(rest), reason(error))
        return Appended(len(data))

    def rotate(self, keep: int) -> str:
        """Rename the file to `path.1`, older ones further, and go on in a new one; the reason if that is impossible.

        After a failure the old file stays open. Interrupted anywhere, nothing is lost and the next call goes on.
        """
        try:
            make_room(self.path, max(keep, 1))
            os.rename(self.path, self.path + b".1")
        except FileNotFoundError:
            pass  # somebody moved it away: that is as good
        except OSError as error:
            return reason(error)
        try:
            fd = _open(self.path)
        except OSError as error:
            return reason(error)
        os.close(self._fd)
        self._fd = fd
        self._note()
        return ""

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):
            os.close(self._fd)


def open_tee_file(path: bytes, *, append: bool) -> TeeFile:
    """Open or create the file, emptied unless appended to. Raises OSError; a FIFO without a reader does not block."""
    return TeeFile(path, _open(path, 0 if append else os.O_TRUNC))


def find_tee_file(path: bytes, known: Identity) -> Found:
    """Open the file again after a restart, and look where the one that was written before is now. Raises OSError."""
    file = TeeFile(path, _open(path))
    if file.identity == known:
        return Found(file, file.size, file.size)
    return Found(file, file.size, _size_elsewhere(os.path.dirname(path), known))


def _size_elsewhere(directory: bytes, known: Identity) -> int | None:
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.inode() == known.inode and entry.is_file(follow_symlinks=False):
                facts = entry.stat(follow_symlinks=False)
                if facts.st_dev == known.device:
                    return facts.st_size
    return None


def make_room(path: bytes, keep: int) -> None:
    """Rename `path.1` to `path.2` and so on as far as needed; the oldest goes only when there are `keep`."""
    names = [b"%s.%d" % (path, number) for number in range(1, keep + 1)]
    free = next((at for at, name in enumerate(names) if not os.path.lexists(name)), None)
    if free is None:
        free = keep - 1  # the rename onto the oldest removes it
    for at in range(free, 0, -1):
        os.rename(names[at - 1], names[at])


def _open(path: bytes, flags: int = 0) -> int:
    # Not to wait for a FIFO's reader; writes afterwards may block, they have a thread.
    fd = os.open(path, _FLAGS | os.O_NONBLOCK | flags, _MODE)
    os.set_blocking(fd, True)
    return fd


def reason(error: OSError) -> str:
    """What the system said."""
    return error.strerror or str(error)
