"""Following processes by ptrace: told of each fork, exec and exit while they stand still for it. Source: ptrace(2).

Owns the few requests. Everything is done by PTRACE_SEIZE without PTRACE_O_EXITKILL: when the tracer ends, however it
ends, the kernel lets go of all and they run on. All calls must come from one thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from dataclasses import dataclass

_CONT, _GETEVENTMSG, _SEIZE, _LISTEN = 7, 0x4201, 0x4206, 0x4208
_TRACE_FORK, _TRACE_VFORK, _TRACE_CLONE, _TRACE_EXEC = 0x2, 0x4, 0x8, 0x10
_FORKS = (1, 2, 3)
_EVENT_EXEC, _EVENT_STOP = 4, 128
_WALL = 0x40000000
_STOPPING = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


@dataclass(frozen=True, slots=True)
class Stop:
    """What a thread stands still for (`fork`, `exec`, `signal`, `group`, `start`), or its end (`exit`).

    number: the new thread of a fork, the signal, or the wait status of an exit.
    """

    kind: str
    thread: int
    number: int = 0


def seize(thread: int) -> None:
    """Follow a thread and all that it will fork. Raises OSError: EPERM, ESRCH."""
    options = _TRACE_FORK | _TRACE_VFORK | _TRACE_CLONE | _TRACE_EXEC
    _request(_SEIZE, thread, 0, options)


def next_stop() -> Stop | None:
    """Wait for the next; None when nobody is followed any more."""
    try:
        thread, status = os.waitpid(-1, _WALL)
    except ChildProcessError:
        return None
    if not os.WIFSTOPPED(status):
        return Stop("exit", thread, status)
    event, number = status >> 16, os.WSTOPSIG(status)
    if event in _FORKS:
        return Stop("fork", thread, _message(thread))
    if event == _EVENT_EXEC:
        return Stop("exec", thread)
    if event == _EVENT_STOP:
        return Stop("group" if number in _STOPPING else "start", thread)
    return Stop("signal", thread, number)


def let_go_on(stop: Stop) -> None:
    """End a stop as if nobody had looked: signals are delivered, stopped jobs stay stopped."""
    with contextlib.suppress(ProcessLookupError):  # killed meanwhile
        if stop.kind == "group":
            _request(_LISTEN, stop.thread, 0, 0)
        elif stop.kind != "exit":
            _request(_CONT, stop.thread, 0, stop.number if stop.kind == "signal" else 0)


def why_not_ours(place: str = "/proc/sys/kernel/yama/ptrace_scope") -> str:
    """Why the processes of our own user cannot be followed; empty when they can. Source: ptrace(2), Yama."""
    try:
        with open(place, encoding="ascii") as file:
            scope = int(file.read())
    except (OSError, ValueError):
        return ""  # no such restriction
    if scope <= 1 or (scope == 2 and os.geteuid() == 0):  # 1: the gate lets the tracer in
        return ""
    return f"kernel.yama.ptrace_scope is {scope}"


def _message(thread: int) -> int:
    number = ctypes.c_ulong()
    with contextlib.suppress(ProcessLookupError):
        _request(_GETEVENTMSG, thread, 0, ctypes.addressof(number))
    return number.value


def _request(request: int, thread: int, address: int, data: int) -> None:
    if _libc.ptrace(request, thread, address, data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace: {os.strerror(number)}")
