"""The kernel's process connector: every fork, exec and exit on this machine, as it happens.

Owns the netlink socket and a filter that runs in the kernel: threads and what nobody asks for never reach us. Knows
nothing of sessions. Source: linux/cn_proc.h, linux/connector.h; unprivileged use needs Linux 6.6, older kernels and
containers with namespaces of their own refuse or stay silent, which `open_connector` finds out.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import socket
import struct
import sys
from dataclasses import dataclass

_NETLINK_CONNECTOR = 11
_CN_IDX_PROC = 1
_MCAST_LISTEN = 1
_NLMSG_DONE = 3
_SO_ATTACH_FILTER = 26
_SO_RCVBUFFORCE = 33

_NONE, _FORK, _EXEC, _EXIT = 0, 1, 2, 0x80000000
#: Offsets from the start of a message: netlink header (16), connector header (20), then what, cpu, time, the rest.
_WHAT, _DATA = 36, 52
_HEADER = struct.Struct("=IIQ")
_FORK_DATA = struct.Struct("=IIII")
_EXEC_DATA = struct.Struct("=II")
_EXIT_DATA = struct.Struct("=IIII")
_ERROR = struct.Struct("=i")
_CONNECTOR = struct.Struct("=IIIIHH")

#: Room for a dense burst: a message takes about 0.8 KB of it.
_BUFFER_BYTES = 8 << 20
_ANSWER_WITHIN_MS = 200


@dataclass(frozen=True, slots=True)
class ProcessNotice:
    """`fork` (of pid by parent), `exec` or `exit` (with a wait status); at_ns by CLOCK_MONOTONIC."""

    kind: str
    pid: int
    at_ns: int
    parent: int = 0
    status: int = 0


class QueueOverflowError(Exception):
    """The kernel had no more room for us and dropped notices; how many, nobody knows."""


class ProcConnector:
    """An open subscription. Made by `open_connector`."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def fileno(self) -> int:
        """For poll."""
        return self._socket.fileno()

    def read(self, limit: int) -> list[ProcessNotice]:
        """What there is, at most so many; does not wait. Raises QueueOverflowError when something was lost."""
        found: list[ProcessNotice] = []
        while len(found) < limit:
            try:
                data, sender = self._socket.recvfrom(4096)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                raise QueueOverflowError from error
            if sender[0] == 0 and (notice := _decode(data)) is not None:
                found.append(notice)
        return found

    def close(self) -> None:
        """End the subscription."""
        self._socket.close()


def open_connector(buffer_bytes: int = _BUFFER_BYTES) -> ProcConnector:
    """Subscribe. Raises OSError where the kernel does not let us."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _NETLINK_CONNECTOR)
    try:
        _attach_filter(sock)
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, buffer_bytes)
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        sock.bind((0, _CN_IDX_PROC))
        sock.setblocking(False)
        _listen(sock)
    except BaseException:
        sock.close()
        raise
    return ProcConnector(sock)


def _listen(sock: socket.socket) -> None:
    """Ask and wait for the answer: where we may not listen, there is an error or none at all."""
    sequence = int.from_bytes(os.urandom(4), sys.byteorder) >> 1
    payload = _CONNECTOR.pack(_CN_IDX_PROC, 1, sequence, sequence, 4, 0) + struct.pack("=I", _MCAST_LISTEN)
    sock.send(struct.pack("=IHHII", 16 + len(payload), _NLMSG_DONE, 0, 0, os.getpid()) + payload)
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    for _ in range(1000):  # others' notices may come before the answer
        if not poll.poll(_ANSWER_WITHIN_MS):
            break
        with contextlib.suppress(BlockingIOError):
            data, _sender = sock.recvfrom(4096)
            if len(data) >= _DATA + 4 and _HEADER.unpack_from(data, _WHAT)[0] == _NONE:
                ack = struct.unpack_from("=I", data, 28)[0]
                if ack == sequence + 1:
                    refused = _ERROR.unpack_from(data, _DATA)[0]
                    if refused:
                        raise OSError(abs(refused), f"process connector: {os.strerror(abs(refused))}")
                    return
    raise OSError(errno.EOPNOTSUPP, "the process connector does not answer (not in this namespace)")


def _decode(data: bytes) -> ProcessNotice | None:
    if len(data) < _DATA + 16:
        return None
    what, _cpu, at_ns = _HEADER.unpack_from(data, _WHAT)
    if what == _FORK:
        _, parent, _, child = _FORK_DATA.unpack_from(data, _DATA)
        return ProcessNotice("fork", child, at_ns, parent=parent)
    if what == _EXEC:
        return ProcessNotice("exec", _EXEC_DATA.unpack_from(data, _DATA)[1], at_ns)
    if what == _EXIT:
        _, pid, status, _signal = _EXIT_DATA.unpack_from(data, _DATA)
        return ProcessNotice("exit", pid, at_ns, status=status)
    return None


# --- the filter -------------------------------------------------------------------------------------------------------

_LOAD, _JUMP, _EQUAL, _EQUAL_X, _RETURN, _TO_X = 0x20, 0x05, 0x15, 0x1D, 0x06, 0x07
_ACCEPT, _REJECT = 13, 14


def _program() -> list[tuple[int, int, int, int]]:
    """Classic BPF: answers, execs, and of forks and exits those of whole processes, not of threads.

    Each line: code, where to go when true, when false (as line numbers), operand.
    """
    return [
        (_LOAD, 0, 0, _WHAT),
        (_EQUAL, _ACCEPT, 2, _swapped(_NONE)),
        (_EQUAL, _ACCEPT, 3, _swapped(_EXEC)),
        (_EQUAL, 5, 4, _swapped(_FORK)),
        (_EQUAL, 9, _REJECT, _swapped(_EXIT)),
        (_LOAD, 0, 0, _DATA + 8),  # a fork: the child's thread id
        (_TO_X, 0, 0, 0),
        (_LOAD, 0, 0, _DATA + 12),  # its process id
        (_JUMP, 0, 0, 3),
        (_LOAD, 0, 0, _DATA),  # an exit: thread id
        (_TO_X, 0, 0, 0),
        (_LOAD, 0, 0, _DATA + 4),  # process id
        (_EQUAL_X, _ACCEPT, _REJECT, 0),
        (_RETURN, 0, 0, 0xFFFFFFFF),
        (_RETURN, 0, 0, 0),
    ]


def _swapped(value: int) -> int:
    """Loads read big-endian; what we compare with is in this machine's order."""
    return int.from_bytes(value.to_bytes(4, sys.byteorder), "big")


def _attach_filter(sock: socket.socket) -> None:
    code = bytearray()
    for at, (operation, yes, no, operand) in enumerate(_program()):
        branches = operation in (_EQUAL, _EQUAL_X)
        skip = (yes - at - 1, no - at - 1) if branches else (0, 0)
        code += struct.pack("=HBBI", operation, *skip, operand)
    held = ctypes.create_string_buffer(bytes(code), len(code))
    sock.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(held))
    )
