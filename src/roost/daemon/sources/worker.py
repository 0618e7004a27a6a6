"""A thread that waits for descriptors and for requests, so that the loop never does.

Owns the thread's life: requests are carried out in order, a crash is told once, stop ends it. Subclasses say what they
wait for and what to do then.
"""

from __future__ import annotations

import logging
import select
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from roost.platform.wake import Wake

log = logging.getLogger(__name__)

#: How long the daemon's end waits for a thread; all of them are daemon threads.
_JOIN_S = 2.0


class HasFileno(Protocol):
    """What poll takes."""

    def fileno(self) -> int:
        """The descriptor."""


class Worker:
    """One thread. `on_crash` is called in it, with the error, when it ends otherwise than by `stop`."""

    def __init__(self, name: str, on_crash: Callable[[Exception], None]) -> None:
        self._wake = Wake()
        self._requests: deque[Callable[[], None]] = deque()
        self._stopping = False
        self._on_crash = on_crash
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    # --- any thread -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether requests will be carried out."""
        return self._thread.is_alive() and not self._stopping

    def ask(self, request: Callable[[], None]) -> None:
        """Have something done in the thread."""
        self._requests.append(request)
        self._wake.set()

    def stop(self) -> None:
        """End soon; what was asked for is done before."""
        self._stopping = True
        self._wake.set()

    def join(self) -> None:
        """Wait for the end after `stop`; not on the loop."""
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)

    # --- the thread -------------------------------------------------------------------------------------------------

    def sources(self) -> Iterable[HasFileno | int]:
        """What to wait for besides requests."""
        return ()

    def timeout_s(self) -> float | None:
        """How long to wait at most; None for as long as it takes."""
        return None

    def turn(self) -> None:
        """Do what there is to do; called after every wait."""

    def shut(self) -> None:
        """Give descriptors back; called last."""

    def _run(self) -> None:
        try:
            while not self._stopping or self._requests:
                self._wait()
                while self._requests:
                    self._requests.popleft()()
                if not self._stopping:
                    self.turn()
        except Exception as error:
            log.warning("source %s failed", self._thread.name, exc_info=True)
            self._stopping = True
            self._on_crash(error)
        finally:
            self.shut()
            while self._requests:  # whoever waits for an answer gets none later
                self._requests.popleft()
            self._wake.close()

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        for source in self.sources():
            poll.register(source, select.POLLIN)
        timeout = self.timeout_s()
        if self._requests or self._stopping:
            timeout = 0
        poll.poll(None if timeout is None else timeout * 1000)
        self._wake.clear()
