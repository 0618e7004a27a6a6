"""Many reads in one system call: io_submit(2), Linux's own asynchronous I/O.

For a terminal there is nothing asynchronous about it: each read is carried out in the call, one after the other, with
the result of a plain read; what would have to wait gives EAGAIN where the descriptor does not block. What it saves is
the way back into the program between two reads: there Python gives its lock away and the scheduler the processor.

Owns one context of the kernel and the requests, each with a place in the caller's buffer. Kernels without it, other
machines and sandboxes that forbid it: OSError, and the caller reads one by one. Must not know: what is read.
"""

from __future__ import annotations

import ctypes
import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap
    from collections.abc import Sequence

# io_setup, io_destroy, io_submit
_CALLS = {"x86_64": (206, 207, 209), "aarch64": (0, 1, 2), "riscv64": (0, 1, 2)}
# struct iocb: data, key and flags, operation (0: read) and descriptor, buffer, length, position, two unused. In words.
_REQUEST_WORDS = 8
_REQUEST_FD, _REQUEST_BUFFER, _REQUEST_LENGTH = 2, 3, 4
_FD_SHIFT = 32
# struct aio_ring: eight numbers of four bytes, then the events: data, request, result, unused. In words.
_RING_EVENTS, _RING_HEAD, _RING_TAIL = 1, 2, 3
_RING_HEAD_BYTES = 32
_EVENT_WORDS = 4
_EVENT_RESULT = 2


class ReadBatch:
    """Reads of up to `rounds` pieces each from up to `most` descriptors that do not block."""

    def __init__(self, buffer: bytearray | mmap.mmap, piece_bytes: int, rounds: int, most: int) -> None:
        """The piece that descriptor `d` gives in round `r` comes to `(d * rounds + r) * piece_bytes` in the buffer.

        Raises OSError where the kernel has or allows no such thing.
        """
        self._rounds = rounds
        numbers = _CALLS.get(os.uname().machine)
        if numbers is None:
            raise OSError(errno.ENOSYS, "no numbers of the calls for this machine")
        self._calls = numbers
        self._call = ctypes.CDLL(None, use_errno=True).syscall
        self._call.argtypes, self._call.restype = [ctypes.c_long] * 6, ctypes.c_long
        self._buffer = buffer  # the kernel has its address
        self._requests = bytearray(most * rounds * _REQUEST_WORDS * 8)
        self._words = memoryview(self._requests).cast("Q")
        start = ctypes.addressof(ctypes.c_char.from_buffer(buffer))
        for index in range(most * rounds):
            at = index * _REQUEST_WORDS
            self._words[at + _REQUEST_BUFFER] = start + index * piece_bytes
            self._words[at + _REQUEST_LENGTH] = piece_bytes
        self._orders = [self._order(count) for count in range(most + 1)]
        self._fds: list[int] = []
        self._context = self._set_up(most * rounds)
        self.is_open = True
        self._head, self._events = _completions(self._context)

    def _order(self, count: int) -> tuple[ctypes.Array[ctypes.c_ulong], int]:
        """Pointers to the requests of `count` descriptors, round after round, and where they stand."""
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._requests))
        indices = [which * self._rounds + turn for turn in range(self._rounds) for which in range(count)]
        pointers = (ctypes.c_ulong * len(indices))(*[start + index * _REQUEST_WORDS * 8 for index in indices])
        return pointers, ctypes.addressof(pointers)

    def _set_up(self, count: int) -> int:
        context = ctypes.c_ulong(0)
        if self._call(self._calls[0], count, ctypes.addressof(context), 0, 0, 0) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), "io_setup")
        return context.value

    def read(self, fds: Sequence[int]) -> list[list[int]]:
        """Read all in rounds; the results for each descriptor, by round: bytes read or a negative errno.

        What the kernel did not carry out is EINTR, and this is over then: `is_open` says so.
        """
        count = len(fds)
        if self._fds[:count] != fds:
            self._aim(fds)
        wanted = count * self._rounds
        done = max(0, self._call(self._calls[2], self._context, wanted, self._orders[count][1], 0, 0))
        results = self._take(done)
        if done < wanted:
            results += [-errno.EINTR] * (wanted - done)
            self.close()
        return [results[which::count] for which in range(count)]

    def _aim(self, fds: Sequence[int]) -> None:
        words, step = self._words, self._rounds * _REQUEST_WORDS
        for which, fd in enumerate(fds):
            for at in range(which * step + _REQUEST_FD, (which + 1) * step, _REQUEST_WORDS):
                words[at] = fd << _FD_SHIFT
        self._fds = list(fds)

    def _take(self, count: int) -> list[int]:
        """The results, in the order of the requests, from the ring that the kernel shares with us."""
        head = self._head
        first, size = head[_RING_HEAD], head[_RING_EVENTS]
        behind = (first + count) % size
        while head[_RING_TAIL] != behind:  # it has been there when the call came back, for every terminal so far
            os.sched_yield()
        ends = [(first, behind)] if first <= behind else [(first, size), (0, behind)]
        results: list[int] = []
        for start, end in ends:
            results += self._events[start * _EVENT_WORDS + _EVENT_RESULT : end * _EVENT_WORDS : _EVENT_WORDS].tolist()
        head[_RING_HEAD] = behind
        return results

    def close(self) -> None:
        """Give the context back; safe to repeat."""
        if self.is_open:
            self.is_open = False
            self._call(self._calls[1], self._context, 0, 0, 0, 0)


def _completions(context: int) -> tuple[memoryview[int], memoryview[int]]:
    """The head and the events of the ring that a context is the address of. Source: fs/aio.c, as libaio uses it."""
    head = memoryview((ctypes.c_uint * 8).from_address(context)).cast("B").cast("I")
    words = head[_RING_EVENTS] * _EVENT_WORDS
    events = memoryview((ctypes.c_longlong * words).from_address(context + _RING_HEAD_BYTES)).cast("B").cast("q")
    return head, events
