"""The size of a session's terminal: what the policy says, applied at once, or a moment later while a window is dragged.

Owns the debounce and the ioctl. Who is told of a new size is the session's business.
"""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from collections.abc import Callable

from roost.core.sizing import DEBOUNCE_S, Sizing, Winsize
from roost.errors import InvalidError


class Window:
    """Rows and columns of a terminal."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, size: Winsize, policy: str, on_changed: Callable[[Winsize], None]
    ) -> None:
        self._loop = loop
        self._sizing = Sizing(size, policy)
        self._on_changed = on_changed
        self._timer: asyncio.TimerHandle | None = None
        self._applied_at = 0.0
        self._master: int | None = None
        self._nudge: asyncio.TimerHandle | None = None
        self._typist = ""  # who typed last, while nothing has happened since that would make it matter again
        #: Called right before the program is told of another size: it may paint at once.
        self.before_change: Callable[[], None] | None = None
        self.size = size

    def use(self, master: int | None) -> None:
        """The PTY whose size this is; None once it is closed. A PTY's own size is the truth."""
        self._master = master
        self._typist = ""
        if master is not None:
            rows, cols, _, _ = struct.unpack("HHHH", fcntl.ioctl(master, termios.TIOCGWINSZ, b"\0" * 8))
            self.size = self._sizing.resize(rows, cols)

    def join(self, client: str, rows: int, cols: int) -> None:
        """A client with a terminal attached. Raises InvalidError for sizes no terminal has; zeros keep."""
        self._apply(self._sizing.join(client, rows, cols))

    def preview(self, rows: int, cols: int) -> Winsize:
        """The size that a client with such a terminal would make it. Raises InvalidError."""
        return self._sizing.preview(rows, cols)

    def nudge(self) -> None:
        """Have the program paint anew: tell it of another size and, a moment later, of the real one."""
        if self._master is not None and self._nudge is None:
            rows, cols = self.size
            self._tell(Winsize(rows - 1 if rows > 1 else rows + 1, cols))
            self._nudge = self._loop.call_later(DEBOUNCE_S, self._nudged)

    def _nudged(self) -> None:
        self._nudge = None
        self._tell(self.size)

    def leave(self, client: str) -> None:
        """A client is gone."""
        self._apply(self._sizing.leave(client))

    def typed(self, client: str) -> None:
        """A client typed."""
        if client != self._typist:
            self._apply(self._sizing.typed(client))
            self._typist = client

    def request(self, rows: int, cols: int) -> None:
        """Set the size by request. Raises InvalidError; zeros keep."""
        self._apply(self._sizing.resize(rows, cols))

    def client_resized(self, client: str, rows: int, cols: int, *, known: bool) -> bool:
        """A client's window changed; False for a size no terminal has. The first size of a drag applies at once."""
        self._typist = ""
        try:
            (self._sizing.client_resized if known else self._sizing.join)(client, rows, cols)
        except InvalidError:
            return False
        if self._timer is None:
            wait = self._applied_at + DEBOUNCE_S - self._loop.time()
            if wait <= 0:
                self._apply_last()
            else:
                self._timer = self._loop.call_later(wait, self._apply_last)
        return True

    def _apply_last(self) -> None:
        self._timer = None
        self._applied_at = self._loop.time()
        self._apply(self._sizing.size)

    def _apply(self, size: Winsize) -> None:
        self._typist = ""
        if size == self.size:
            return
        self.size = size
        if self.before_change is not None:
            self.before_change()
        self._tell(size)
        self._on_changed(size)

    def _tell(self, size: Winsize) -> None:
        if self._master is not None:
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))

    def close(self) -> None:
        """Stop the clock."""
        if self._nudge is not None:
            self._nudge.cancel()
        if self._timer is not None:
            self._timer.cancel()
