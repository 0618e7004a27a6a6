"""The streams of one draining thread that flood: which they are, and whose turn it is.

With a few of them latency counts: one has a short turn between two looks at who woke. With many it is throughput: they
are read together, in rounds (`scratch`), and who of them was quiet for a moment waits for the next rounds.

Owns that order and what a flood is. Must not know: rings, epoll, how a single turn is done.
"""

from __future__ import annotations

import time

from roost.keeper.scratch import PTY_READ_BYTES, SLOT_BYTES, TOGETHER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from roost.keeper.scratch import Scratch
    from roost.keeper.sessions import Stream

#: Up to so many flooding terminals are a few.
FEW_FLOODS = 4
#: How often each of many floods is come to between two looks at who woke.
_PASSES = 2
#: Who has not given a full read for so many turns of the many floods is none of them any more.
_FORGET_AFTER = 16


class Floods:
    """Those of `waiting` may have more right now."""

    def __init__(
        self, scratch: Scratch, serve: Callable[[Stream], None], store: Callable[[Stream, memoryview], bool]
    ) -> None:
        """`serve`: give one a turn of its own, after which it is put here if there is more; `store`: append what was
        read of one, False when it could not be."""
        self._scratch = scratch
        self._serve = serve
        self._store = store
        self.waiting: list[Stream] = []  # no property: it is asked on a keystroke's way
        self._recent: set[Stream] = set()  # also those that wait for their next bytes
        self._turn = 1
        self._full_at = float("-inf")

    @property
    def are_many(self) -> bool:
        """Whether throughput counts now."""
        return len(self._recent) > FEW_FLOODS

    def within(self, seconds: float) -> bool:
        """Whether one was come to so long ago at most."""
        return time.monotonic() - self._full_at < seconds

    def note(self, stream: Stream, got_bytes: int) -> None:
        """Say how much a terminal gave when it was last come to: a flood gives at least what one read takes."""
        if got_bytes >= PTY_READ_BYTES:
            stream.floods = self._turn
            self._full_at = time.monotonic()
            self._recent.add(stream)
        elif stream.floods:
            stream.floods = 0
            self._recent.remove(stream)

    def put(self, stream: Stream) -> None:
        """There may be more of it right now."""
        stream.is_ready = True
        self.waiting.append(stream)

    def remove(self, stream: Stream) -> None:
        """It is not drained any more."""
        self.note(stream, 0)
        if stream in self.waiting:
            self.waiting.remove(stream)

    def serve(self) -> None:
        """Come to one of a few, or to all of many: a look at who woke asks the kernel about each and costs too much."""
        if not self.are_many:
            self._serve(self.waiting.pop(0))
            return
        self._turn += 1
        if not self._turn % _FORGET_AFTER:
            self._forget_the_quiet()
        for _ in range(_PASSES):
            waiting, self.waiting = self.waiting, []
            for at in range(0, len(waiting), TOGETHER):
                self._serve_together(waiting[at : at + TOGETHER])
            if not self.waiting:
                return

    def _forget_the_quiet(self) -> None:
        """A burst may end with a full read: only the next look would show that it was no flood."""
        for stream in [one for one in self._recent if one.floods <= self._turn - _FORGET_AFTER]:
            self.note(stream, 0)

    def _serve_together(self, streams: list[Stream]) -> None:
        """Read terminals in rounds, then append what each gave. Whatever is no plain terminal has a turn of its own."""
        plain = [stream for stream in streams if _is_plain(stream)]
        pieces = self._scratch.in_rounds([stream.fd for stream in plain if stream.fd is not None])
        for stream, (piece, more) in zip(plain, pieces, strict=True):
            stream.is_ready = False
            self.note(stream, len(piece))
            if (not piece or self._store(stream, piece)) and more:
                self.put(stream)
        if len(plain) < len(streams):
            for stream in streams:
                if stream not in plain:
                    self._serve(stream)


def _is_plain(stream: Stream) -> bool:
    return (
        stream.is_pty
        and stream.fd is not None
        and not (stream.is_parked or stream.finishing or stream.late)
        and stream.writer.room() >= SLOT_BYTES
    )
