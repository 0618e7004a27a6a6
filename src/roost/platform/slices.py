"""How long a thread runs before others have the processor: a short slice gets it sooner, for no more of it.

Since Linux 6.12 a thread that wakes takes the processor from one with a longer slice, and a process that has just been
started would else keep it for milliseconds. Needs no privilege. What is forked or started as a thread has the usual
slice again. Older kernels ignore it; sandboxes may forbid it. Sources: sched_setattr(2), sched(7).

Owns the call, which Python has not. Must not know who is in a hurry.
"""

from __future__ import annotations

import ctypes
import os
import struct

_CALLS = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
#: struct sched_attr, as it was first: size, policy, flags, nice, priority, the slice in ns, two that are for others.
_ATTRIBUTES = struct.Struct("=IIQiIQQQ")
_RESET_ON_FORK = 1


def shorten_slice(slice_us: int) -> bool:
    """Give the calling thread a slice of that length; whether that was done. One with a policy of its own keeps it."""
    number = _CALLS.get(os.uname().machine)
    if number is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return False
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    attributes = _ATTRIBUTES.pack(_ATTRIBUTES.size, os.SCHED_OTHER, _RESET_ON_FORK, nice, 0, slice_us * 1000, 0, 0)
    call = ctypes.CDLL(None).syscall
    call.argtypes, call.restype = [ctypes.c_long, ctypes.c_long, ctypes.c_char_p, ctypes.c_long], ctypes.c_long
    return bool(call(number, 0, attributes, 0) == 0)
