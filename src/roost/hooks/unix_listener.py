"""The sink `unix-listener`: a socket at which any number of monitors connect (`nc -U`) and get lines of JSON.

Each monitor has its own bound, see `roost.hooks.monitor`; without one, nothing is queued and no source runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
import struct
from collections.abc import Sequence

from roost.core.config_sinks import UnixListener
from roost.hooks.monitor import Monitor
from roost.hooks.sink import Outgoing, Sink, SinkError

#: How long no monitor is accepted after the descriptors ran out.
_ACCEPT_PAUSE_S = 0.5


class UnixListenerSink(Sink):
    """The socket and its monitors."""

    prompt = True

    def __init__(self, options: UnixListener, format: str) -> None:
        super().__init__()
        self._options = options
        self._format = format
        self._listener: socket.socket | None = None
        self._identity = (0, 0)
        self._monitors: list[Monitor] = []
        self._gone_delivered = self._gone_dropped = 0
        self.refused = 0
        self.listening = False

    async def open(self) -> None:
        """Listen; a socket that nobody listens at any more is replaced."""
        if self._listener is None:
            self._listen()

    def _listen(self) -> None:
        path = self._options.path
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.setblocking(False)
        try:
            _remove_stale(path)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            listener.bind(path)
            os.chmod(path, 0o600)  # nobody can connect before the next line
            listener.listen(64)
        except OSError as error:
            listener.close()
            raise SinkError(f"cannot listen at {path}: {error.strerror or error}") from error
        found = os.stat(path)
        self._identity = (found.st_dev, found.st_ino)
        self._listener = listener
        asyncio.get_running_loop().add_reader(listener, self._accept)

    def listen_again(self) -> None:
        """Listen anew if the file is not ours any more; monitors stay. What goes wrong is told as a failure."""
        if self._listener is None or self._is_ours():
            return
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        self._listener = None
        try:
            self._listen()
        except SinkError as error:
            self.report(str(error))

    def _is_ours(self) -> bool:
        try:
            found = os.lstat(self._options.path)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            peer, _ = self._listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                self._pause(error)
            return
        self.report(None)
        if len(self._monitors) >= self._options.max_monitors or _uid_of(peer) not in (os.geteuid(), 0):
            self.refused += 1
            peer.close()
            return
        self._monitors.append(Monitor(peer, self._options.monitor_bytes, self._on_end))
        self._set_listening()

    def _pause(self, error: OSError) -> None:
        """Nobody can be accepted for now, and whoever waits would be told of over and over."""
        self.report(f"monitors cannot connect to {self._options.path}: {error.strerror}")
        loop, listener = asyncio.get_running_loop(), self._listener
        assert listener is not None
        loop.remove_reader(listener)

        def again() -> None:
            if listener is self._listener:
                loop.add_reader(listener, self._accept)

        loop.call_later(_ACCEPT_PAUSE_S, again)

    def _on_end(self, monitor: Monitor) -> None:
        if monitor in self._monitors:
            self._monitors.remove(monitor)
            self._gone_delivered += monitor.delivered
            self._gone_dropped += monitor.dropped
            self._set_listening()

    def _set_listening(self) -> None:
        if self.listening != bool(self._monitors):
            self.listening = bool(self._monitors)
            self.on_listening()

    def send_now(self, outgoing: Outgoing) -> bool:
        """Every monitor takes it, within its bound."""
        line = outgoing.line(self._format)
        for monitor in tuple(self._monitors):
            monitor.send(line)
        return True

    async def deliver(self, batch: Sequence[Outgoing]) -> None:
        """Give the batch to every monitor; never waits for one."""
        lines = [outgoing.line(self._format) for outgoing in batch]
        for monitor in tuple(self._monitors):
            for line in lines:
                monitor.offer(line)
            monitor.flush()

    async def close(self, grace_s: float) -> None:
        """Hang up on everybody and remove the socket, if it is still ours."""
        for monitor in tuple(self._monitors):
            monitor.close()
        self._monitors.clear()
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
            if self._is_ours():
                with contextlib.suppress(OSError):
                    os.unlink(self._options.path)

    def facts(self) -> dict[str, object]:
        """Where, and the counters of everybody."""
        return {
            "path": self._options.path,
            "monitors": [monitor.facts() for monitor in self._monitors],
            "delivered": self._gone_delivered + sum(monitor.delivered for monitor in self._monitors),
            "dropped": self._gone_dropped + sum(monitor.dropped for monitor in self._monitors),
            "refused": self.refused,
        }


def _remove_stale(path: str) -> None:
    """Remove a socket that nobody listens at. Raises OSError when somebody does, or when it is no socket."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise FileExistsError(17, "there is something that is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            os.unlink(path)
            return
        except BlockingIOError:
            pass
    raise OSError(98, "somebody listens there already")


def _uid_of(peer: socket.socket) -> int:
    """Source: unix(7), SO_PEERCRED."""
    found = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", found)[1])
