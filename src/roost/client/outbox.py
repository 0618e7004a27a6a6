"""What an attachment has still to send, and how much of its input is known to have arrived.

Owns the queue of frames and the count of input; pure. Bounded twice: it takes at most 64 KiB of input that is not sent,
and no more than the window of input that the child has not been given yet; whoever has more waits. So the daemon never
has to stop reading this connection, and a detach or resize is never stuck behind a large paste.

Where there is a way past the daemon, input takes that, and only the rest is frames.
"""

from __future__ import annotations

from collections import deque

from roost.client.direct_input import DirectInput, Way
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

    __slots__ = ("_acknowledged", "_frames", "_head", "_head_sent", "_sent", "_unsent_bytes", "direct")

    def __init__(self) -> None:
        self._frames: deque[tuple[bytes, bool]] = deque()  # a frame, or (True) a piece of input
        self._head = b""  # the first of them as a frame
        self._head_sent = 0
        self._sent = 0
        self._acknowledged = 0
        self._unsent_bytes = 0
        #: The way past the daemon.
        self.direct: DirectInput | None = None

    def __bool__(self) -> bool:
        return bool(self._frames)

    @property
    def in_doubt_bytes(self) -> int:
        """Input sent on this connection, or past it, whose arrival was not confirmed."""
        direct = self.direct
        return max(0, self._sent - self._acknowledged) + (0 if direct is None else direct.in_doubt_bytes)

    @property
    def unsent_bytes(self) -> int:
        """Input accepted and not sent."""
        return self._unsent_bytes + (0 if self.direct is None else self.direct.unsent_bytes)

    @property
    def awaits_terminal(self) -> bool:
        """Whether input waits for the way past the daemon."""
        return self.direct is not None and self.direct.unsent_bytes > 0

    @property
    def room_bytes(self) -> int:
        """How much input is taken now."""
        if self.direct is not None:
            return max(0, LIMIT_BYTES - self.direct.unsent_bytes)
        window_bytes = WINDOW_BYTES - self.in_doubt_bytes
        return max(0, min(LIMIT_BYTES, window_bytes) - self.unsent_bytes)

    def offer(self, data: memoryview) -> int:
        """Takes as much of the input as there is room for; returns how much that was."""
        taken = min(len(data), self.room_bytes)
        if self.direct is not None:
            self.direct.offer(bytes(data[:taken]))
        else:
            self._queue(data[:taken])
        return taken

    def _queue(self, data: memoryview | bytes) -> None:
        for start in range(0, len(data), OUTPUT_CHUNK_BYTES):
            self._frames.append((bytes(data[start : start + OUTPUT_CHUNK_BYTES]), True))
        self._unsent_bytes += len(data)

    # --- the way past the daemon ---------------------------------------------------------------------------------

    def use(self, way: Way | None) -> None:
        """Input goes that way from now on, or (None) as frames: first what the way of before has not delivered.

        That way must be over, so that nothing of the rest can arrive twice.
        """
        before, self.direct = self.direct, None if way is None else DirectInput(way)
        rest = [] if before is None else before.rest()
        if self.direct is None:
            for data in rest:
                self._queue(data)
            return
        for data in [*rest, *self._take_queued()]:
            self.direct.offer(data)

    def _take_queued(self) -> list[bytes]:
        """Input that waits in frames of which nothing was sent."""
        under_way = 1 if self._head_sent else 0
        frames = list(self._frames)
        queued = [data for data, is_input in frames[under_way:] if is_input]
        self._frames = deque(frames[:under_way] + [frame for frame in frames[under_way:] if not frame[1]])
        if not under_way:
            self._head = b""
        self._unsent_bytes -= sum(map(len, queued))
        return queued

    def close(self) -> None:
        """Nothing more will be sent: from now on this only tells what became of the input."""
        before, self.direct = self.direct, None
        if before is not None:
            self._sent += before.in_doubt_bytes
            for data in before.waiting():
                self._queue(data)

    # --- frames ----------------------------------------------------------------------------------------------------

    def add_control(self, frame: bytes) -> None:
        """Queues a frame that is not input, behind what was written before it."""
        self._frames.append((frame, False))

    def head(self) -> memoryview:
        """What is to be sent next."""
        if not self._head:
            data, is_input = self._frames[0]
            self._head = encode_input(data) if is_input else data
        return memoryview(self._head)[self._head_sent :]

    def sent(self, count: int) -> None:
        """Takes note of how much of `head()` the kernel took."""
        self._head_sent += count
        if self._head_sent == len(self._head):
            data, is_input = self._frames.popleft()
            self._head, self._head_sent = b"", 0
            if is_input:
                self._sent += len(data)
                self._unsent_bytes -= len(data)

    def acknowledged(self, input_offset: int) -> None:
        """Takes note of how much of this connection's input the child was given."""
        self._acknowledged = max(self._acknowledged, input_offset)

    def restart(self) -> int:
        """Begins anew on another connection; returns how much input of the old one is in doubt."""
        in_doubt = max(0, self._sent - self._acknowledged)
        self._head_sent = self._sent = self._acknowledged = 0
        return in_doubt
