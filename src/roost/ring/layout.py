"""What a ring file looks like. Owns the numbers; knows nothing of who writes or reads.

    | header page, 4096 bytes | data area, capacity + GUARD bytes |

Offsets are absolute: bytes since the start of the stream, never reset. The byte at offset `o` stands in the data area
at `o % (capacity + GUARD)`. Retained are `[start, end)` with `start = max(0, end - capacity)`; the guard is room for
the one append (at most GUARD bytes) that may be under way while somebody copies.

The header is an array of aligned 8-byte words, each stored whole by exactly one side. Words of different writers stand
on different cache lines (8 words each).
"""

from __future__ import annotations

MAGIC = 0x474E495254534F52  # "ROSTRING", little-endian
LAYOUT_VERSION = 1

HEADER_BYTES = 4096
GUARD_BYTES = 65536
DEFAULT_CAPACITY = 1 << 20
MIN_CAPACITY = 1 << 16
MAX_CAPACITY = 1 << 32

#: A word that means "none": no exit offset yet, no hold.
NONE = (1 << 64) - 1

# Written once, at creation.
W_MAGIC = 0
W_VERSION = 1
W_CAPACITY = 2

# Written by the keeper.
W_END = 8  # bytes ever written
W_EXIT_OFFSET = 9  # `end` when the exit was known and the stream drained; NONE before
W_CLOSED = 10  # 1: nobody holds the stream any more, nothing will follow
W_STALLED = 11  # 1: the keeper has stopped reading this stream because of the hold
W_INPUT_FROM = 12  # 1 + `end` before the newest input that the keeper has written itself; 0 without any
W_INPUT_AT = 13  # when that was, in nanoseconds since 1970

# Written by the daemon.
W_HOLD = 16  # least offset a lossless reader still needs; NONE without one
W_WAITING = 17  # 1: the reader sleeps; wake it by the eventfd (the keeper sets it back to 0)
W_V1_MARK = 18  # v1's read mark M
W_V1_COUNTER = 19  # v1's counter D of bytes missed
W_SCANNED = 20  # offset up to which the scanner has looked
W_SCANNER_LENGTH = 21  # bytes of scanner state, from SCANNER_AT
W_INPUT_WATCHED = 22  # 1: tell the daemon of the next input that the keeper writes itself (the keeper sets it to 0)
W_SEEN = 24  # 1 + `end` when the daemon last saw output come; 0 before it has
W_SEEN_AT = 25  # when that was, in nanoseconds since 1970
W_TYPED_FROM = 26  # 1 + `end` before the newest input that the daemon has written; 0 without any
W_TYPED_AT = 27  # when that was, in nanoseconds since 1970

HEADER_WORDS = 64

#: Where the scanner's state stands in the header page, and how long it may be.
SCANNER_AT = 1024
SCANNER_MAX_BYTES = HEADER_BYTES - SCANNER_AT


def file_bytes(capacity: int) -> int:
    """Size of a ring file with that capacity, in bytes."""
    return HEADER_BYTES + capacity + GUARD_BYTES
