"""An attached client that reads its output out of the ring itself: only what is not output goes through the daemon.

Owns the handing over of what was lent, and the last frame's `until`: the client shows the output up to there before it
believes the frame. Who may attach, type and be sent away is decided as for any other client.
"""

from __future__ import annotations

import array
import socket
from typing import Any

from roost.daemon.attachment import Attachment
from roost.daemon.lending import Lent
from roost.wire import frames


class LocalAttachment(Attachment):
    """Serves the control side of a client that reads locally."""

    def __init__(self, *args: Any, lent: Lent, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lent = lent

    @property
    def position(self) -> int:
        """How far the client says it has come."""
        ring = self.stream.ring
        return self._lent.offset(least=self.offset, most=ring.end)

    @property
    def reads_locally(self) -> bool:
        """The daemon sends it no output."""
        return True

    @property
    def reader(self) -> int:
        """The keeper's number for it."""
        return self._lent.reader

    @property
    def types_directly(self) -> bool:
        """Whether its input does not come through the daemon."""
        return self._lent.types

    def newly_typed(self) -> int:
        """How many bytes of its input the terminal has taken since the last call, without the daemon."""
        return self._lent.newly_taken()

    def input_ended(self) -> None:
        """Its input was taken back: it types through the daemon from now on."""
        if self._lent.types:
            self._lent.types = False
            self.notify(frames.input_ended())

    def _take_part(self) -> None:
        self._soon()

    def _leave(self) -> None:
        self._lent.release()

    def _soon(self) -> None:
        self._loop.call_soon(self.pump)

    def pump(self) -> bool:
        """Send the notices and the last frame."""
        while not self.closed:
            if self._rest is not None and not self._flush_rest():
                return False
            if self._notices:
                self._rest = memoryview(b"".join(self._notices))
                self._notices.clear()
            elif self._last is not None:
                self._send_last()
                return False
            else:
                return False
        return False

    def _send(self, data: memoryview) -> int:
        """The first byte of the answer brings the descriptors."""
        fds = self._lent.fds
        if not fds:
            return self._sock.send(data)
        sent = self._sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
        self._lent.handed_over()
        return sent

    def ending_at(self, last: bytes, exit_offset: int | None = None) -> bytes:
        """The last frame of a client that is to see the output up to the child's end, or up to now."""
        until = self.stream.ring.end if exit_offset is None else exit_offset
        self._lent.limit(until)
        return frames.until(last, until)
