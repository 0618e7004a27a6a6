"""What a local reader of a ring shares with keeper and daemon besides the ring: one small page, written by all.

Owns the numbers. The reader maps the ring read-only, so that where it stands and whether it
sleeps cannot be told there. Whatever a reader writes into its page can only cost itself wake-ups: the keeper takes
words from it and never an offset to go by.

A word is 8 bytes and stored whole. Words of different writers stand on different cache lines.
"""

from __future__ import annotations

PAGE_BYTES = 4096
PAGE_WORDS = 64

#: Written by the reader: 1, it sleeps; whoever wakes it (the keeper) sets it back to 0.
R_WAITING = 0
#: Written by the reader: the offset behind the last byte that it took. For lists only.
R_OFFSET = 1
#: Written by the daemon: 1 + the offset at which the reader was sent away, 0 before. It shows no output beyond.
R_LIMIT = 8
#: Written by the keeper: how many bytes of what the reader typed the terminal has taken.
R_TAKEN = 16
