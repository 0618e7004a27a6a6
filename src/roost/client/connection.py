"""One plain connection, blocking: a request out, its response in, within a deadline.

Owns the socket and the request ids. After any failure the conversation may be out of step, so its owner throws the
connection away.
"""

from __future__ import annotations

import select
import socket

from roost.client.calls import Request
from roost.client.deadline import Deadline
from roost.client.faults import SEE_DOCTOR, ConnectionLostError
from roost.client.inbox import Inbox
from roost.client.replies import check_reply
from roost.errors import WaitTimeoutError
from roost.wire.requests import Reply, decode_reply

#: Responses are mostly small; the buffer grows with what comes.
CAPACITY_BYTES = 16 * 1024


def lost_before(what: str) -> ConnectionLostError:
    """The error for a request that the daemon certainly did not see whole."""
    return ConnectionLostError(f"the daemon went away before it got {what}", delivered=False)


def lost_after(what: str) -> ConnectionLostError:
    """The error for a request that the daemon may have seen."""
    return ConnectionLostError(
        f"the daemon went away before it answered {what}, which may have been carried out or not", delivered=True
    )


class Connection:
    """A connected non-blocking socket in request and response."""

    __slots__ = ("_inbox", "_last_id", "_poller", "_socket")

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._inbox = Inbox(CAPACITY_BYTES)
        self._last_id = 0
        self._poller = select.poll()

    def request(self, request: Request[object], client_name: str, deadline: Deadline) -> Reply:
        """Sends a request and returns the response to it.

        Raises ConnectionLostError at the end of the connection, WaitTimeoutError, and ProtocolError; the connection is
        of no use afterwards.
        """
        self._last_id += 1
        self._send(memoryview(request.encode(self._last_id, client_name)), deadline, request.what)
        while (payload := self._inbox.next_payload()) is None:
            # Looked at only once it is there: whoever is to answer may have been put on this processor.
            self._await(select.POLLIN, deadline, request.what)
            self._receive(deadline, request.what)
        return check_reply(decode_reply(bytes(payload)), self._last_id)

    def next_reply(self, deadline: Deadline, waited_for: str) -> Reply:
        """The next frame of an answer that goes on. Raises ConnectionLostError at its end; nothing is lost by a
        WaitTimeoutError."""
        while (payload := self._inbox.next_payload()) is None:
            try:
                self._receive(deadline, waited_for)
            except WaitTimeoutError:
                raise deadline.error(waited_for) from None
        return check_reply(decode_reply(bytes(payload)), self._last_id)

    def tell(self, request: Request[object], client_name: str, deadline: Deadline) -> None:
        """Says something within a stream; there is no answer to it."""
        self._send(memoryview(request.encode(self._last_id, client_name)), deadline, request.what)

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()

    def _send(self, rest: memoryview, deadline: Deadline, what: str) -> None:
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                self._await(select.POLLOUT, deadline, what)
            except OSError as error:
                raise lost_before(what) from error

    def _receive(self, deadline: Deadline, what: str) -> None:
        try:
            count = self._socket.recv_into(self._inbox.space())
        except BlockingIOError:
            self._await(select.POLLIN, deadline, what)
            return
        except OSError:
            count = 0
        if not count:
            raise lost_after(what)
        self._inbox.received(count)

    def _await(self, event: int, deadline: Deadline, what: str) -> None:
        self._poller.register(self._socket, event)
        if not self._poller.poll(deadline.poll_ms()) and deadline.passed:
            raise deadline.error(f"the daemon did not answer {what}", advice=SEE_DOCTOR)
