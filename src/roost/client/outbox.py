"""What an attachment has still to send, and how much of its input is known to have arrived.

Owns the queue of frames and the count of input; pure. Bounded twice: it takes at most 64 KiB of input that is not sent,
and no more than the window of input that the child has not been given yet; whoever has more waits. So the daemon never
has to stop reading this connection, and a detach or resize is never stuck behind a large paste.
"""

from __future__ import annotations

from collections import deque

from roost.wire.frames import encode_input
from roost.wire.framing import OUTPUT_CHUNK_BYTES

#: Input that is accepted and not sent.
LIMIT_BYTES = 64 * 1024
#: Input that is sent or accepted, and that the child is not known to have been given.
WINDOW_BYTES = 512 * 1024


class Outbox:
    """Frames on their way out. Input counts as sent when the kernel has the last byte of its frame.

    Of a frame that was cut off by the end of a connection the daemon has seen nothing: it is sent again, in full. What
    was sent and not acknowledged is in doubt, and never sent again.
    """

    __slots__ = ("_acknowledged", "_frames", "_head_sent", "_sent", "unsent_bytes")

    def __init__(self) -> None:
        self._frames: deque[tuple[bytes, int]] = deque()
        self._head_sent = 0
        self._sent = 0
        self._acknowledged = 0
        #: Input accepted and not sent.
        self.unsent_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._frames)

    @property
    def in_doubt_bytes(self) -> int:
        """Input sent on this connection whose arrival was not confirmed."""
        return max(0, self._sent - self._acknowledged)

    @property
    def room_bytes(self) -> int:
        """How much input is taken now."""
        window_bytes = WINDOW_BYTES - self.in_doubt_bytes
        return max(0, min(LIMIT_BYTES, window_bytes) - self.unsent_bytes)

    def offer(self, data: memoryview) -> int:
        """Takes as much of the input as there is room for; returns how much that was."""
        taken = min(len(data), self.room_bytes)
        for start in range(0, taken, OUTPUT_CHUNK_BYTES):
            chunk = bytes(data[start : min(taken, start + OUTPUT_CHUNK_BYTES)])
            self._frames.append((encode_input(chunk), len(chunk)))
        self.unsent_bytes += taken
        return taken

    def add_control(self, frame: bytes) -> None:
        """Queues a frame that is not input, behind what was written before it."""
        self._frames.append((frame, 0))

    def head(self) -> memoryview:
        """What is to be sent next."""
        return memoryview(self._frames[0][0])[self._head_sent :]

    def sent(self, count: int) -> None:
        """Takes note of how much of `head()` the kernel took."""
        frame, input_bytes = self._frames[0]
        self._head_sent += count
        if self._head_sent == len(frame):
            self._frames.popleft()
            self._head_sent = 0
            self._sent += input_bytes
            self.unsent_bytes -= input_bytes

    def acknowledged(self, input_offset: int) -> None:
        """Takes note of how much of this connection's input the child was given."""
        self._acknowledged = max(self._acknowledged, input_offset)

    def restart(self) -> int:
        """Begins anew on another connection; returns how much input of the old one is in doubt."""
        in_doubt = self.in_doubt_bytes
        self._head_sent = self._sent = self._acknowledged = 0
        return in_doubt
