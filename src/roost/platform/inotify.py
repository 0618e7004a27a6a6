"""The kernel's inotify: what changes in a directory, by name. Source: inotify(7).

Owns one instance and the decoding of what it says. A watch covers one directory, not what is below; who wants a tree
builds it from these.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from dataclasses import dataclass

MODIFY = 0x2
CLOSE_WRITE = 0x8
MOVED_FROM = 0x40
MOVED_TO = 0x80
CREATE = 0x100
DELETE = 0x200
DELETE_SELF = 0x400
MOVE_SELF = 0x800
UNMOUNT = 0x2000
Q_OVERFLOW = 0x4000
IGNORED = 0x8000
IS_DIRECTORY = 0x40000000

_ONLY_DIRECTORIES = 0x01000000
_DO_NOT_FOLLOW = 0x02000000
_EXCLUDE_UNLINKED = 0x04000000

#: What a tree is watched for.
CHANGES = MODIFY | CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE | DELETE_SELF | MOVE_SELF

_HEADER = struct.Struct("=iIII")
_BUFFER_BYTES = 1 << 16

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class FileNotice:
    """What happened to `name` in the directory of that watch; `cookie` joins the two halves of a rename."""

    watch: int
    mask: int
    cookie: int
    name: bytes


class Inotify:
    """One instance."""

    def __init__(self) -> None:
        """Raises OSError: EMFILE when the user has too many (fs.inotify.max_user_instances)."""
        self._fd = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._fd < 0:
            raise _error("inotify_init1")

    def fileno(self) -> int:
        """For poll."""
        return int(self._fd)

    def watch(self, directory: bytes) -> int:
        """Watch a directory (not through a symbolic link); the same one twice gives the same watch.

        Raises OSError: ENOSPC when the user has too many (fs.inotify.max_user_watches), ENOTDIR, ENOENT.
        """
        mask = CHANGES | _ONLY_DIRECTORIES | _DO_NOT_FOLLOW | _EXCLUDE_UNLINKED
        number = _libc.inotify_add_watch(self._fd, directory, ctypes.c_uint32(mask))
        if number < 0:
            raise _error(os.fsdecode(directory))
        return int(number)

    def unwatch(self, watch: int) -> None:
        """Watch no more; nothing when the kernel has dropped the watch itself."""
        _libc.inotify_rm_watch(self._fd, watch)

    def read(self) -> list[FileNotice]:
        """What there is, up to 64 KiB; does not wait."""
        try:
            data = os.read(self._fd, _BUFFER_BYTES)
        except BlockingIOError:
            return []
        found = []
        at = 0
        while at < len(data):
            watch, mask, cookie, length = _HEADER.unpack_from(data, at)
            at += _HEADER.size
            found.append(FileNotice(watch, mask, cookie, data[at : at + length].rstrip(b"\0")))
            at += length
        return found

    def close(self) -> None:
        """End all watches; safe to repeat."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    text = os.strerror(number)
    if number == errno.ENOSPC:
        text = "too many directories are watched (fs.inotify.max_user_watches)"
    elif number == errno.EMFILE:
        text = "too many inotify instances (fs.inotify.max_user_instances)"
    return OSError(number, text, what)
