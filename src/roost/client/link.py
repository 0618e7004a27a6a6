"""An attachment's socket: bytes between it and the `AttachmentState`, without ever waiting, and its replacement.

Owns the socket. Never blocks and knows no loop: the blocking and the asyncio attachment decide how to wait.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from time import monotonic

from roost.client.both import Both, close_all, receive_lent
from roost.client.endpoint import Endpoint
from roost.client.faults import DaemonAbsentError
from roost.client.retry import GIVE_UP_AFTER_S, RetrySchedule
from roost.client.ring_output import Ring
from roost.client.stream import AttachmentState
from roost.errors import RoostError, UnavailableError


class Link:
    """At most one connection at a time for one attachment."""

    def __init__(
        self,
        endpoint: Endpoint,
        state: AttachmentState,
        *,
        start: Callable[[], None],
        on_closing: Callable[[], None] = lambda: None,
        on_ring_closing: Callable[[], None] = lambda: None,
    ) -> None:
        """`start` starts a daemon; the others are called while the connection or ring to be closed is still open."""
        self._endpoint = endpoint
        self._state = state
        self._start = start
        self._on_closing = on_closing
        self._on_ring_closing = on_ring_closing
        self._lent: list[int] = []  # descriptors that came before the answer was complete
        self._both: Both | None = None
        self.connection: socket.socket | None = None
        self._request = memoryview(b"")
        self._deaf = False  # the daemon takes nothing more; what it sent before may still be here
        self._schedule: RetrySchedule | None = None
        #: Why the last attempt to get a daemon failed, if it is more than that there is none.
        self.trouble: RoostError | None = None

    def fileno(self) -> int:
        """What to poll for reading, -1 without a connection: the connection, or one that also tells of local output."""
        if self.connection is None:
            return -1
        ring = self._state.ring
        if ring is None:
            return self.connection.fileno()
        if self._both is None:
            self._both = Both()
        terminal = ring.input_fd if self._state.outbox.awaits_terminal else -1
        return self._both.fileno(self.connection, ring.wake_fd, terminal, wants_write=self.wants_write)

    @property
    def wants_write(self) -> bool:
        """Whether there is something to send."""
        if self.connection is None or self._deaf:
            return False
        return bool(self._request) or (self._state.streaming and bool(self._state.outbox))

    @property
    def wants_read(self) -> bool:
        """Whether there is room for what arrives."""
        return not self._state.stash_full

    def begin(self, connection: socket.socket) -> None:
        """Takes a fresh connection, and has it ask for the attachment."""
        self.connection = connection
        self._deaf = False
        self._request = memoryview(self._state.request())
        self.send()

    def send(self) -> bool:
        """Sends what the socket takes; True if it took anything."""
        moved = self._type()
        try:
            while self.wants_write and self.connection is not None:
                if self._request:
                    self._request = self._request[self.connection.send(self._request) :]
                else:
                    self._state.outbox.sent(self.connection.send(self._state.outbox.head()))
                moved = True
        except BlockingIOError:
            pass
        except OSError:
            self._deaf = True
        return moved

    def _type(self) -> bool:
        """Sends the input that goes past the daemon; once that way is over the rest goes through it."""
        outbox = self._state.outbox
        if not outbox.awaits_terminal or outbox.direct is None:
            return False
        try:
            return outbox.direct.send()
        except OSError:
            outbox.use(None)
            return True

    def receive(self) -> bool:
        """Receives what is there; True if there was something, the end of the connection included."""
        space = self._state.inbox.space()
        if self.connection is None or not space or not self.wants_read:
            return False
        try:
            if self._state.streaming or not self._state.options.local:
                count = self.connection.recv_into(space)
            else:
                count = receive_lent(self.connection, space, self._lent)
        except BlockingIOError:
            return False
        except OSError:
            count = 0
        if not count:
            self._lost()
            return True
        self._state.inbox.received(count)
        if not self._state.streaming:
            self._look_for_answer()
        return True

    def reconnect(self) -> float:
        """Tries to get a connection if it is time; returns for how long to pause before the next call, in seconds."""
        now = monotonic()
        schedule = self._schedule = self._schedule or RetrySchedule(now)
        if schedule.given_up(now):
            self._give_up()
            return 0.0
        if schedule.next_at > now:
            return schedule.next_at - now
        schedule.failed(now)  # unless the answer comes, which ends the schedule
        connection = self._try_to_connect(schedule, now)
        if connection is not None:
            self.begin(connection)
        return 0.0

    def close(self) -> None:
        """Closes the connection and gives up the ring, for good."""
        self._disconnect()
        if self._state.ring is not None:
            self._on_ring_closing()
        self._state.close()
        if self._both is not None:
            self._both.close()
            self._both = None

    def _disconnect(self) -> None:
        self._lent = close_all(self._lent)
        if self.connection is not None:
            self._on_closing()
            self.connection.close()
            self.connection = None

    def _give_up(self) -> None:
        error = UnavailableError(
            f"the daemon on {self._endpoint.socket_path} did not come back within {GIVE_UP_AFTER_S:g} s"
            + (f" ({self.trouble})" if self.trouble else "")
            + f"; look at {self._endpoint.paths.daemon_log}, start it with `roost daemon start` and attach again"
        )
        error.__cause__ = self.trouble
        self._state.fail(error)

    def _try_to_connect(self, schedule: RetrySchedule, now: float) -> socket.socket | None:
        try:
            return self._endpoint.connect_once()
        except DaemonAbsentError:
            if self._endpoint.autostart and schedule.daemon_due(now):
                self._start_daemon()
        except RoostError as error:
            self.trouble = error
        return None

    def _start_daemon(self) -> None:
        try:
            self._start()
        except RoostError as error:
            self.trouble = error

    def _look_for_answer(self) -> None:
        try:
            if self._state.answer():
                self._schedule = None
                self._take_lent()
                self.send()
        except UnavailableError:  # a daemon on its way out, or not yet ready: the next attempt finds another one
            self._lost()
        except RoostError as error:
            self._state.fail(error)
            self.close()

    def _take_lent(self) -> None:
        """Reads locally what the answer says can be, or no more what cannot. Where the descriptors did not come along
        (something in between passes bytes only) it is attached once more, to be sent the output."""
        lent, self._lent = self._lent, []
        if not self._state.lent:
            close_all(lent)
            self._read_locally(None)
            return
        from roost.ring.local import open_lent

        ring = open_lent(lent)
        if ring is not None:
            self._read_locally(ring)
            return
        self._state.options.local = False
        self._disconnect()
        self._state.restart()

    def _read_locally(self, ring: Ring | None) -> None:
        if self._state.ring is not None:
            self._on_ring_closing()
        self._state.read_locally(ring)

    def _lost(self) -> None:
        self._disconnect()
        self._state.lost()
