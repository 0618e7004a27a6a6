"""Where the last lines of retained output begin.

Owns the search: a few pages from the end instead of everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roost.client import Client

_FIRST_BYTES = 16 * 1024


def lines_start(data: bytes, count: int) -> int | None:
    """Index where the last `count` lines begin, an unfinished one included; None when there are not that many."""
    if count <= 0:
        return len(data)
    position = len(data) - data.endswith(b"\n")
    for _ in range(count):
        position = data.rfind(b"\n", 0, position)
        if position < 0:
            return None
    return position + 1


def tail_offset(client: Client, target: str, count: int, *, stream: str = "stdout") -> int:
    """Absolute offset of the last `count` lines; of all that is retained when there are fewer."""
    tail_bytes = _FIRST_BYTES
    while True:
        backlog = client.backlog(target, stream=stream, tail_bytes=tail_bytes)
        start = lines_start(backlog.data, count)
        if start is not None:
            return backlog.start_offset + start
        if len(backlog.data) < tail_bytes:
            return backlog.start_offset
        tail_bytes *= 8
