"""v1's backlog: what a v1 client is told it missed, derived from three numbers in the ring header.

v1 thinks of its ring as a queue: every byte goes in, an attach takes everything out, and a byte that falls out at the
front was missed. Our rings are not consumed, so the queue is imagined: the mark M is where the last v1 attach stopped
taking, the counter D is what had been missed until then, both 0 at first. v1's queue holds C = min(capacity, 1 MiB).

At any time the imagined queue holds [lo, end) with `lo = max(M, end - C)`, and [M, lo) has fallen out of it since the
mark was set. So

    attach:        backlog [lo, end), missed D + (lo - M); then D grows by lo - M, and M becomes end
    backlog (71):  the same answer; nothing changes

Requests with roost's extension neither read nor move the two.
"""

from __future__ import annotations

from typing import NamedTuple

V1_CAPACITY = 1 << 20


class V1Mark(NamedTuple):
    """The two words of a ring header: M (an absolute offset) and D (a count of bytes)."""

    mark: int = 0
    counter: int = 0


class V1Backlog(NamedTuple):
    """Serve the bytes [start, end) and say that `missed` bytes were missed."""

    start: int
    end: int
    missed: int


def v1_backlog(state: V1Mark, end: int, capacity: int) -> V1Backlog:
    """The answer to a backlog request. end: bytes ever written; capacity: of the ring, in bytes."""
    start = max(state.mark, end - min(capacity, V1_CAPACITY))
    return V1Backlog(start, end, state.counter + start - state.mark)


def v1_attach(state: V1Mark, end: int, capacity: int) -> tuple[V1Backlog, V1Mark]:
    """The answer to an attach, and the mark and counter to be stored."""
    backlog = v1_backlog(state, end, capacity)
    return backlog, V1Mark(end, backlog.missed)
