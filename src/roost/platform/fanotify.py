"""The kernel's fanotify: what changes anywhere in a file system, by directory, name and process. Source: fanotify(7).

Owns one notification group with names, and file handles: what the kernel names a directory by, and how to find its
path. Needs CAP_SYS_ADMIN and CAP_DAC_READ_SEARCH, and a file system with handles; what is missing is an OSError.
"""

from __future__ import annotations

import ctypes
import os
import struct
from dataclasses import dataclass

MODIFY = 0x2
CLOSE_WRITE = 0x8
CREATE = 0x100
DELETE = 0x200
Q_OVERFLOW = 0x4000
RENAME = 0x10000000
IS_DIRECTORY = 0x40000000

_CLOEXEC, _NONBLOCK = 0x1, 0x2
_REPORT_FID, _REPORT_DIR_FID, _REPORT_NAME, _REPORT_TARGET_FID = 0x200, 0x400, 0x800, 0x1000
_MARK_ADD, _MARK_FILESYSTEM = 0x1, 0x100
_AT_FDCWD = -100

_METADATA = struct.Struct("=IBBHQii")
_INFO = struct.Struct("=BBH")
_HANDLE = struct.Struct("=Ii")
_FSID_BYTES = 8
_MAX_HANDLE_BYTES = 128
_FID, _DFID_NAME, _OLD_DFID_NAME, _NEW_DFID_NAME = 1, 2, 10, 12
_BUFFER_BYTES = 1 << 16

_libc = ctypes.CDLL(None, use_errno=True)

#: A directory as the kernel names it: file system id (8 bytes), length and type of the handle, the handle.
Handle = bytes
#: A name in a directory.
Place = tuple[Handle, bytes]


@dataclass(frozen=True, slots=True)
class ChangeNotice:
    """What happened at a place; the kernel joins equal ones, so the mask may hold several steps.

    pid: who did it. `target`: the handle of what was created or removed. `before`: where a renamed thing was.
    """

    mask: int
    pid: int
    at: Place | None
    before: Place | None
    target: Handle | None


class Fanotify:
    """One group. Raises OSError when this process may not have one."""

    def __init__(self) -> None:
        flags = _CLOEXEC | _NONBLOCK | _REPORT_FID | _REPORT_DIR_FID | _REPORT_NAME | _REPORT_TARGET_FID
        self._fd = _libc.fanotify_init(ctypes.c_uint(flags), ctypes.c_uint(os.O_RDONLY | os.O_CLOEXEC))
        if self._fd < 0:
            raise _error("fanotify_init")
        self._mounts: dict[bytes, int] = {}  # a directory of each file system, by its id

    def fileno(self) -> int:
        """For poll."""
        return int(self._fd)

    def mark(self, directory: bytes) -> None:
        """Be told of everything in the file system that a directory is in. Raises OSError where that cannot be."""
        fsid = _fsid(directory)
        if fsid in self._mounts:
            return
        handle_of(directory, fsid)
        mask = ctypes.c_uint64(MODIFY | CLOSE_WRITE | CREATE | DELETE | RENAME | IS_DIRECTORY)
        if _libc.fanotify_mark(self._fd, _MARK_ADD | _MARK_FILESYSTEM, mask, _AT_FDCWD, directory) < 0:
            raise _error(os.fsdecode(directory))
        self._mounts[fsid] = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def read(self) -> list[ChangeNotice]:
        """What there is, up to 64 KiB; does not wait."""
        try:
            data = os.read(self._fd, _BUFFER_BYTES)
        except BlockingIOError:
            return []
        found = []
        at = 0
        while at + _METADATA.size <= len(data):
            length, _version, _, _, mask, _fd, pid = _METADATA.unpack_from(data, at)
            found.append(_decode(data, at + _METADATA.size, at + length, mask, pid))
            at += length
        return found

    def path_of(self, handle: Handle) -> bytes | None:
        """The path of a directory; None when it is gone. Source: open_by_handle_at(2)."""
        mount = self._mounts.get(handle[:_FSID_BYTES])
        if mount is None:
            return None
        raw = ctypes.create_string_buffer(handle[_FSID_BYTES:], len(handle) - _FSID_BYTES)
        fd = _libc.open_by_handle_at(mount, raw, os.O_PATH | os.O_CLOEXEC)
        if fd < 0:
            return None
        try:
            path = os.readlink(b"/proc/self/fd/%d" % fd)
        finally:
            os.close(fd)
        return None if path.endswith(b" (deleted)") else path

    def close(self) -> None:
        """End the group; safe to repeat."""
        fd, self._fd = self._fd, -1
        for held in (*self._mounts.values(), fd):
            if held >= 0:
                os.close(held)
        self._mounts.clear()


def handle_of(directory: bytes, fsid: bytes | None = None) -> Handle:
    """The kernel's name of a directory. Raises OSError. Source: name_to_handle_at(2)."""
    raw = ctypes.create_string_buffer(_HANDLE.size + _MAX_HANDLE_BYTES)
    struct.pack_into("=I", raw, 0, _MAX_HANDLE_BYTES)
    mount_id = ctypes.c_int()
    if _libc.name_to_handle_at(_AT_FDCWD, directory, raw, ctypes.byref(mount_id), 0) < 0:
        raise _error(os.fsdecode(directory))
    length = _HANDLE.unpack_from(raw, 0)[0]
    return (fsid or _fsid(directory)) + raw.raw[: _HANDLE.size + length]


def _fsid(path: bytes) -> bytes:
    return struct.pack("=Q", os.statvfs(path).f_fsid)


def _decode(data: bytes, at: int, end: int, mask: int, pid: int) -> ChangeNotice:
    place = before = target = None
    while at + _INFO.size <= end:
        kind, _, length = _INFO.unpack_from(data, at)
        handle, name = _place(data, at + _INFO.size, at + length)
        if kind in (_DFID_NAME, _NEW_DFID_NAME):
            place = (handle, name)
        elif kind == _OLD_DFID_NAME:
            before = (handle, name)
        elif kind == _FID:
            target = handle
        at += length
    return ChangeNotice(mask, pid, place, before, target)


def _place(data: bytes, at: int, end: int) -> Place:
    length = _HANDLE.unpack_from(data, at + _FSID_BYTES)[0]
    cut = at + _FSID_BYTES + _HANDLE.size + length
    return data[at:cut], data[cut:end].partition(b"\0")[0]


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), what)
