"""Being called back: an abstract name under which the daemon is found when its socket file is gone.

Owns that name. What is done about the file is the server's.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable

from roost.errors import RoostError
from roost.platform.recall import peer_uid

log = logging.getLogger(__name__)


class RecallPoint:
    """Answers everybody of our user with the path, after `look_after_path` has seen to it that we listen there."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str, look_after_path: Callable[[], str]) -> None:
        self._loop = loop
        self._name = name
        self._look_after_path = look_after_path
        self._listener: socket.socket | None = None

    def open(self) -> None:
        """Take the name. Where another process has it the daemon does without."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.setblocking(False)
        try:
            listener.bind(self._name)
            listener.listen()
        except OSError as error:
            listener.close()
            log.warning("cannot be called back when the socket file is gone: %s", error.strerror)
            return
        self._listener = listener
        self._loop.add_reader(listener, self._on_caller)

    def _on_caller(self) -> None:
        assert self._listener is not None
        try:
            caller, _ = self._listener.accept()
        except OSError:
            return
        with caller:
            if peer_uid(caller) not in (os.geteuid(), 0):
                return
            caller.setblocking(False)
            try:
                caller.send(os.fsencode(self._look_after_path()) + b"\n")
            except RoostError as error:
                log.warning("called back, but %s", error.message)
            except OSError:
                pass  # the caller did not wait

    def close(self) -> None:
        """Give the name back."""
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
