"""Attaching to a session of a daemon that is reached over HTTP: a WebSocket that looks like the daemon's socket.

Owns the bridge: a thread moves frames, as they are, between the WebSocket and one end of a pair of sockets; the other
end is what the attachment holds. So attachments from afar keep their promises: they come back by themselves, at their
offset. A refusal is handed on as the daemon's own answer would be.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote

from roost.client.endpoint import Endpoint
from roost.client.far import FarDaemon
from roost.core.problems import MOST_ERROR_BYTES, error_of
from roost.errors import RoostError, UnavailableError
from roost.paths import Paths
from roost.wire.framing import frame
from roost.wire.lite import field_bytes, field_text, field_varint

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

FRAMES = "roost.frames.v1"
#: How long the daemon may take to let us in.
_CONNECT_S = 15.0
_READ_BYTES = 64 * 1024
#: Of every request of an attachment; its connection carries one.
_REQUEST_ID = 1
_INVALID_ARGUMENT = 3
_EXTENSION = 1000


class FarEndpoint(Endpoint):
    """Where an attachment to one session gets its connections from."""

    __slots__ = ("_daemon", "_session_id")

    def __init__(self, daemon: FarDaemon, session_id: str) -> None:
        super().__init__(Paths.for_scope(None), "", autostart=False)
        self._daemon = daemon
        self._session_id = session_id
        self.socket_path = f"{daemon.base}/{session_id}"

    def connect_once(self) -> socket.socket | None:
        """One end of a fresh bridge, non-blocking. What goes wrong comes as an answer or an end, not here."""
        near, far = socket.socketpair()
        near.setblocking(False)
        bridge = _Bridge(self._daemon, self._session_id, far)
        threading.Thread(target=bridge.run, name="attached from afar", daemon=True).start()
        return near

    def busy_error(self) -> UnavailableError:
        """There is no such state."""
        return UnavailableError(f"{self.socket_path} cannot be reached")


class _Bridge:
    def __init__(self, daemon: FarDaemon, session_id: str, end: socket.socket) -> None:
        self._daemon = daemon
        self._session_id = session_id
        self._end = end

    def run(self) -> None:
        """Connect, then move bytes until either side ends it."""
        try:
            with contextlib.closing(self._end):
                web = self._open()
                if web is not None:
                    with web:
                        self._move(web)
        except OSError:
            pass  # the attachment has closed its end

    def _open(self) -> ClientConnection | None:
        from websockets.exceptions import InvalidStatus, WebSocketException
        from websockets.sync.client import connect
        from websockets.typing import Subprotocol

        daemon = self._daemon
        scheme = "wss" if daemon.secure else "ws"
        try:
            connection = daemon.connect(_CONNECT_S)
            return connect(
                f"{scheme}://{daemon.authority}/v1/sessions/{quote(self._session_id, safe='')}/attach",
                sock=connection,
                **({"ssl": None} if daemon.secure else {}),
                subprotocols=[Subprotocol(FRAMES)],
                additional_headers=daemon.headers(),
                compression=None,
                proxy=None,
                open_timeout=_CONNECT_S,
                max_size=None,
                max_queue=4,
            )
        except InvalidStatus as error:
            body = bytes(error.response.body or b"")[:MOST_ERROR_BYTES]
            self._refuse(error_of(error.response.status_code, body))
        except UnavailableError:
            return None  # the attachment sees an end, and tries again
        except RoostError as error:
            self._refuse(error)
        except (OSError, WebSocketException, TimeoutError):
            return None
        return None

    def _refuse(self, error: RoostError) -> None:
        """Answer the attach as the daemon does when it refuses."""
        self._end.recv(_READ_BYTES)
        answer = field_varint(1, _REQUEST_ID) + field_varint(2, _INVALID_ARGUMENT) + field_text(3, error.message)
        self._end.sendall(frame(answer + field_bytes(_EXTENSION, field_text(3, error.kind))))

    def _move(self, web: ClientConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        down = threading.Thread(target=self._down, args=(web,), name="output from afar", daemon=True)
        down.start()
        try:
            while data := self._end.recv(_READ_BYTES):
                web.send(data)
        except (ConnectionClosed, OSError):
            pass
        web.close()
        down.join()

    def _down(self, web: ClientConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                data = web.recv()
                if isinstance(data, bytes):
                    self._end.sendall(data)
        except (ConnectionClosed, OSError):
            pass
        with contextlib.suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
