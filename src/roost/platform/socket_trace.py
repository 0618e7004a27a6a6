"""Every change of a TCP socket's state, with the process that made it, by the kernel's tracepoint.

Owns one perf event per processor on `sock:inet_sock_set_state` and the reading of their buffers; everything vanishes
with the descriptors. Needs CAP_PERFMON (or root) and tracefs; what is missing is an OSError.
Source: perf_event_open(2), trace/events/sock.h.
"""

from __future__ import annotations

import bisect
import ctypes
import fcntl
import mmap
import os
import platform
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

from roost.platform.linux import full_fence
from roost.platform.sock_diag import Address, address

_SYSCALLS = {"x86_64": 298, "aarch64": 241, "riscv64": 241}
_TRACEPOINT = 2
_ATTRIBUTES_BYTES = 112
_SAMPLE_TID, _SAMPLE_TIME, _SAMPLE_RAW = 0x2, 0x4, 0x400
_USE_CLOCKID = 1 << 25
_FD_CLOEXEC = 8
_SET_FILTER = 0x40082406
_CLOCK_MONOTONIC = 1
_RECORD_LOST, _RECORD_SAMPLE = 2, 9
_HEAD_AT, _TAIL_AT = 1024, 1032
#: Room per processor; a change of state takes about 130 bytes.
_BUFFER_PAGES = 64
_PLACES = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
_EVENT = "events/sock/inet_sock_set_state"

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class StateChange:
    """A socket (`key`, stable while it lives) went from one TCP state to another, in the context of process `pid`.

    at_ns by CLOCK_MONOTONIC. The process is the one that acted only where the change is its own doing (listen, connect,
    close); what a packet causes happens in anybody's context.
    """

    key: int
    pid: int
    at_ns: int
    before: int
    after: int
    local: Address
    peer: Address


class InOrder:
    """Changes out of several processors' buffers, in the order of time.

    The buffers are read one after the other. A change that is newer than the beginning of that may be the consequence
    of one in a buffer that was read before it came; it waits for the next reading, which finds both. One that is
    older cannot be: the kernel writes a change down before anybody can see it and act.
    """

    def __init__(self) -> None:
        self._ahead: list[StateChange] = []

    @property
    def keeps(self) -> bool:
        """Whether something waits."""
        return bool(self._ahead)

    def add(self, changes: list[StateChange], began_ns: int) -> list[StateChange]:
        """What has its place now. began_ns: before the first buffer was read, by CLOCK_MONOTONIC."""
        every = sorted(self._ahead + changes, key=lambda change: change.at_ns)
        at = bisect.bisect_right(every, began_ns, key=lambda change: change.at_ns)
        self._ahead = every[at:]
        return every[:at]


class SocketTrace:
    """An open trace of the whole machine."""

    def __init__(self) -> None:
        """Raises OSError."""
        place = _find_event()
        self._layout = _layout(f"{place}/format")
        with open(f"{place}/id", encoding="ascii") as file:
            number = int(file.read())
        self._fds: list[int] = []
        self._buffers: list[mmap.mmap] = []
        self._in_order = InOrder()
        try:
            for cpu in sorted(os.sched_getaffinity(0) | set(range(os.cpu_count() or 1))):
                self._open(number, cpu)
        except BaseException:
            self.close()
            raise

    def _open(self, number: int, cpu: int) -> None:
        sample = _SAMPLE_TID | _SAMPLE_TIME | _SAMPLE_RAW
        attributes = struct.pack(
            "=IIQQQQQIIQQQQIiQIHH", _TRACEPOINT, _ATTRIBUTES_BYTES, number, 1, sample, 0, _USE_CLOCKID, 1, 0, 0, 0, 0,
            0, 0, _CLOCK_MONOTONIC, 0, 0, 0, 0,
        )  # fmt: skip
        held = ctypes.create_string_buffer(attributes, _ATTRIBUTES_BYTES)
        call = _SYSCALLS.get(platform.machine())
        if call is None:
            raise OSError(38, "perf events are not known on this machine type")
        fd = _libc.syscall(call, held, -1, cpu, -1, ctypes.c_ulong(_FD_CLOEXEC))
        if fd < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "perf_event_open")
        self._fds.append(fd)
        fcntl.ioctl(fd, _SET_FILTER, b"protocol == 6\0")
        self._buffers.append(mmap.mmap(fd, (1 + _BUFFER_PAGES) * mmap.PAGESIZE))

    def descriptors(self) -> list[int]:
        """For poll."""
        return self._fds

    def read(self) -> tuple[list[StateChange], int]:
        """What there is, in the order of time, and how many changes were lost for want of room.

        Over all calls in that order, too; so some of it may be kept for the next call, see `keeps`.
        """
        changes: list[StateChange] = []
        lost = 0
        began_ns = time.monotonic_ns()
        for buffer in self._buffers:
            for kind, record in _records(buffer):
                if kind == _RECORD_SAMPLE:
                    changes.append(self._decode(record))
                elif kind == _RECORD_LOST:
                    lost += struct.unpack_from("=QQ", record)[1]
        return self._in_order.add(changes, began_ns), lost

    @property
    def keeps(self) -> bool:
        """Whether something was read that only the next `read` gives; no descriptor tells of that."""
        return self._in_order.keeps

    def close(self) -> None:
        """End the trace; safe to repeat."""
        for buffer in self._buffers:
            buffer.close()
        for fd in self._fds:
            os.close(fd)
        self._fds, self._buffers = [], []

    def _decode(self, record: bytes) -> StateChange:
        pid, _tid, at_ns, _size = struct.unpack_from("=IIQI", record)
        raw = record[20:]
        at = self._layout
        family = struct.unpack_from("=H", raw, at["family"])[0]
        ports = [struct.unpack_from("=H", raw, at[name])[0].to_bytes(2, "big") for name in ("sport", "dport")]
        names = ("saddr", "daddr") if family == 2 else ("saddr_v6", "daddr_v6")
        ends = [raw[at[name] : at[name] + 16] for name in names]
        return StateChange(
            key=struct.unpack_from("=Q", raw, at["skaddr"])[0],
            pid=pid,
            at_ns=at_ns,
            before=struct.unpack_from("=i", raw, at["oldstate"])[0],
            after=struct.unpack_from("=i", raw, at["newstate"])[0],
            local=address(family, ends[0], ports[0]),
            peer=address(family, ends[1], ports[1]),
        )


def _find_event() -> str:
    for place in _PLACES:
        if os.access(f"{place}/{_EVENT}/id", os.R_OK):
            return f"{place}/{_EVENT}"
    raise FileNotFoundError(2, "no readable tracefs with the tracepoint sock:inet_sock_set_state")


def _layout(path: str) -> dict[str, int]:
    """Where each field of the tracepoint stands: the kernel may move them."""
    found = {}
    with open(path, encoding="ascii") as file:
        for line in file:
            words = line.strip().split(";")
            if words[0].startswith("field:"):
                name = words[0].split()[-1].partition("[")[0]
                found[name] = int(words[1].strip().removeprefix("offset:"))
    return found


def _records(buffer: mmap.mmap) -> Iterator[tuple[int, bytes]]:
    """Everything between tail and head of a buffer, which is then free again."""
    size = _BUFFER_PAGES * mmap.PAGESIZE
    head = struct.unpack_from("=Q", buffer, _HEAD_AT)[0]
    full_fence()
    tail = struct.unpack_from("=Q", buffer, _TAIL_AT)[0]
    while tail < head:
        kind, _misc, length = struct.unpack("=IHH", _piece(buffer, tail % size, 8, size))
        yield kind, _piece(buffer, (tail + 8) % size, length - 8, size)
        tail += length
    full_fence()
    struct.pack_into("=Q", buffer, _TAIL_AT, head)


def _piece(buffer: mmap.mmap, at: int, length: int, size: int) -> bytes:
    start = mmap.PAGESIZE + at
    first = buffer[start : start + min(length, size - at)]
    return first + buffer[mmap.PAGESIZE : mmap.PAGESIZE + length - len(first)]
