"""The look for the echo: what a draining thread does for a moment after a keystroke, in place of going to sleep.

A program answers a keystroke within some 20 µs; to put a core to sleep and wake it again takes as long, twice. So the
thread asks the kernel again and again, giving way each time to whoever wants this core. Programs that take
longer are found out: after looks in vain, more and more keystrokes go without one.

Owns whether it pays off. Must not know: epoll, rings, who types.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from roost.keeper.sessions import Stream

#: How long an echo is looked for.
LOOK_S = 150e-6
#: After looks in vain, up to so many keystrokes go without one.
SKIPS_MOST = 64
#: What is no longer than this may be a keystroke.
KEYSTROKE_BYTES = 32


class EchoLook:
    """The look of one draining thread. `stream` is the one that an echo is expected from, None when nothing is."""

    __slots__ = ("_skips", "_until", "_vain", "stream")

    def __init__(self) -> None:
        self.stream: Stream | None = None
        self._until = 0.0
        self._skips = 0
        self._vain = 0

    def pays_off(self) -> bool:
        """Whether this keystroke's echo is worth a look; asked once for each."""
        if self._skips:
            self._skips -= 1
            return False
        return True

    def begin(self, stream: Stream) -> None:
        """Look for output of that stream from now on."""
        self.stream = stream
        self._until = time.perf_counter() + LOOK_S

    def found(self) -> None:
        """Output of that stream has come."""
        self.stream = None
        self._vain = 0

    def give_way(self) -> None:
        """Nothing has come yet: let others have this core, and give up when it takes too long."""
        os.sched_yield()
        if time.perf_counter() > self._until:
            self.stream = None
            self._vain = self._skips = min(self._vain * 2 + 1, SKIPS_MOST)
