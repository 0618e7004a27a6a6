"""The reading end of a ring: validated copies, the wake-up handshake, holds and the v1 mark.

A reader never consumes: where it stands is its own business (a cursor is an offset). Copies are made out of the map and
accepted only if their first byte was still retained afterwards; pages of a ring are never handed to a socket, which
would keep references to memory that is overwritten later.
"""

from __future__ import annotations

import mmap
import os
import struct

from roost.platform import full_fence
from roost.ring.layout import (
    GUARD_BYTES,
    HEADER_BYTES,
    HEADER_WORDS,
    LAYOUT_VERSION,
    MAGIC,
    NONE,
    SCANNER_AT,
    SCANNER_MAX_BYTES,
    W_CAPACITY,
    W_CLOSED,
    W_END,
    W_EXIT_OFFSET,
    W_HOLD,
    W_INPUT_AT,
    W_INPUT_FROM,
    W_INPUT_WATCHED,
    W_MAGIC,
    W_SCANNED,
    W_SCANNER_LENGTH,
    W_SEEN,
    W_SEEN_AT,
    W_STALLED,
    W_TYPED_AT,
    W_TYPED_FROM,
    W_V1_COUNTER,
    W_V1_MARK,
    W_VERSION,
    W_WAITING,
    file_bytes,
)

#: What was written once, at creation.
_CREATED = struct.Struct("=3Q")


class RingReader:
    """Reads one ring that another process writes. All offsets are absolute, in bytes since the start of the stream."""

    __slots__ = ("_data_bytes", "_map", "_words", "capacity")

    def __init__(self, fd: int, *, writable: bool = True) -> None:
        """Map the ring file. The descriptor is not kept. Raises ValueError if it is no ring of a known layout.

        Only the daemon writes into the header; whoever else reads maps the ring without `writable`.
        """
        header = os.pread(fd, _CREATED.size, 0)
        if len(header) < _CREATED.size:
            raise ValueError("not a ring file: it is too short")
        words = _CREATED.unpack(header)
        if words[W_MAGIC] != MAGIC or words[W_VERSION] != LAYOUT_VERSION:
            raise ValueError("not a ring file of a known layout")
        self.capacity: int = words[W_CAPACITY]
        self._data_bytes = self.capacity + GUARD_BYTES
        access = mmap.PROT_READ | mmap.PROT_WRITE if writable else mmap.PROT_READ
        self._map = mmap.mmap(fd, file_bytes(self.capacity), prot=access)
        self._words = memoryview(self._map)[: HEADER_WORDS * 8].cast("Q")

    @property
    def end(self) -> int:
        """Bytes ever written."""
        return int(self._words[W_END])

    @property
    def start(self) -> int:
        """Offset of the oldest retained byte."""
        return max(0, int(self._words[W_END]) - self.capacity)

    def read(self, offset: int, limit_bytes: int = GUARD_BYTES) -> bytes | None:
        """Copy up to `limit_bytes` from `offset`; `b""` when nothing is there yet, None when they were overwritten."""
        end = self._words[W_END]
        length = end - offset
        if length <= 0:
            return b""
        if length > self.capacity:
            return None
        if length > limit_bytes:
            length = limit_bytes
        at = HEADER_BYTES + offset % self._data_bytes
        wrap = at + length - HEADER_BYTES - self._data_bytes
        if wrap <= 0:
            data = self._map[at : at + length]
        else:
            data = self._map[at : at + length - wrap] + self._map[HEADER_BYTES : HEADER_BYTES + wrap]
        full_fence()
        # The append under way may have reached `end + GUARD`, which is what the guard is for; only `end` counts.
        if offset < self._words[W_END] - self.capacity:
            return None
        return data

    # --- waiting -------------------------------------------------------------------------------------------------

    def prepare_wait(self, offset: int) -> bool:
        """Ask to be woken when `end` passes `offset`; False when it has already (then nothing was asked)."""
        words = self._words
        words[W_WAITING] = 1
        full_fence()
        if words[W_END] != offset:
            words[W_WAITING] = 0
            return False
        return True

    def stay_awake(self) -> None:
        """Ask not to be woken until the next `prepare_wait`: whoever looks by himself needs it not."""
        self._words[W_WAITING] = 0

    @property
    def exit_offset(self) -> int | None:
        """Where the output of the child ended, once known; later output comes from whoever still holds the stream."""
        offset = self._words[W_EXIT_OFFSET]
        return None if offset == NONE else int(offset)

    @property
    def closed(self) -> bool:
        """Whether nothing will ever follow."""
        return bool(self._words[W_CLOSED])

    # --- input ---------------------------------------------------------------------------------------------------

    @property
    def input_from(self) -> int | None:
        """Where the output stood before the newest input, whoever wrote it; None without any."""
        stored = max(int(self._words[W_INPUT_FROM]), int(self._words[W_TYPED_FROM]))
        return stored - 1 if stored else None

    @property
    def input_at(self) -> float | None:
        """When that was, in seconds since 1970."""
        stored = max(int(self._words[W_INPUT_AT]), int(self._words[W_TYPED_AT]))
        return stored / 1e9 if stored else None

    def note_typed(self, at_ns: int) -> None:
        """Say that the daemon is about to write input: what it causes is found from here on."""
        self._words[W_TYPED_FROM] = self._words[W_END] + 1
        self._words[W_TYPED_AT] = at_ns

    def watch_input(self) -> None:
        """Ask to be told of the next input that the keeper writes. Look at what has come already after this."""
        self._words[W_INPUT_WATCHED] = 1
        full_fence()

    # --- holds ---------------------------------------------------------------------------------------------------

    @property
    def hold(self) -> int | None:
        """The offset that the writer must not overwrite, or None."""
        hold = self._words[W_HOLD]
        return None if hold == NONE else int(hold)

    def set_hold(self, offset: int | None) -> bool:
        """Move or release the hold. True when the keeper has stopped reading and must be woken."""
        self._words[W_HOLD] = NONE if offset is None else offset
        full_fence()
        return bool(self._words[W_STALLED])

    # --- v1's backlog --------------------------------------------------------------------------------------------

    @property
    def v1_mark(self) -> int:
        """v1's read mark M."""
        return int(self._words[W_V1_MARK])

    @property
    def v1_counter(self) -> int:
        """v1's counter D of bytes missed."""
        return int(self._words[W_V1_COUNTER])

    def set_v1(self, mark: int, counter: int) -> None:
        """Store M and D. A v1 attach is the only caller."""
        self._words[W_V1_COUNTER] = counter
        self._words[W_V1_MARK] = mark

    # --- when output came ------------------------------------------------------------------------------------------

    def note_seen(self, end: int, at_ns: int) -> None:
        """Say that the output was seen to reach `end` at that moment."""
        self._words[W_SEEN] = end + 1
        self._words[W_SEEN_AT] = at_ns

    @property
    def seen(self) -> tuple[int, float] | None:
        """Up to where output was seen to come, and when, in seconds since 1970; None before any was."""
        stored = int(self._words[W_SEEN])
        return (stored - 1, int(self._words[W_SEEN_AT]) / 1e9) if stored else None

    # --- the scanner's state ---------------------------------------------------------------------------------------

    @property
    def scanned(self) -> int:
        """Offset up to which the scanner has looked."""
        return int(self._words[W_SCANNED])

    def scanner_state(self) -> bytes:
        """The stored scanner state; empty before the first store."""
        length = min(int(self._words[W_SCANNER_LENGTH]), SCANNER_MAX_BYTES)
        return self._map[SCANNER_AT : SCANNER_AT + length]

    def set_scanned(self, offset: int, state: bytes | None = None) -> None:
        """Store where the scanner stands and, if it changed, its state (at most SCANNER_MAX_BYTES)."""
        if state is not None:
            self._words[W_SCANNER_LENGTH] = 0
            self._map[SCANNER_AT : SCANNER_AT + len(state)] = state
            self._words[W_SCANNER_LENGTH] = len(state)
        self._words[W_SCANNED] = offset

    def release(self) -> None:
        """Unmap."""
        self._words.release()
        self._map.close()
