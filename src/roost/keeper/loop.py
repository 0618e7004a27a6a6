"""The control thread's loop: descriptors with handlers, and a few named timers.

Owns the one rule that keeps the keeper alive: whatever a handler raises is logged, and the loop goes on.
"""

from __future__ import annotations

import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable

    from roost.keeper.log import Log


class Loop:
    """Handlers run one at a time, all of a batch under `gate`, so that none opens a descriptor in mid-spawn."""

    def __init__(self, gate: LockType, log: Log) -> None:
        self._gate = gate
        self._log = log
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._timers: dict[str, tuple[float, Callable[[], None]]] = {}
        self.stopping = False

    def watch(self, fd: int, handler: Callable[[int], None], events: int = select.EPOLLIN) -> None:
        """Call `handler(events)` while the descriptor is ready. Watch again to change the events."""
        if fd in self._handlers:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def unwatch(self, fd: int) -> None:
        """Stop watching; before the descriptor is closed."""
        if self._handlers.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def after(self, name: str, delay_s: float, callback: Callable[[], None]) -> None:
        """Call back once, later. One timer a name: a new one replaces the old one."""
        self._timers[name] = (time.monotonic() + delay_s, callback)

    def cancel(self, name: str) -> None:
        """Forget a timer, if it is set."""
        self._timers.pop(name, None)

    def has_timer(self, name: str) -> bool:
        """Whether a timer is set."""
        return name in self._timers

    def run(self, after_batch: Callable[[], None]) -> None:
        """Run until `stopping`; `after_batch` follows each batch of events and timers."""
        while not self.stopping:
            events = self._epoll.poll(self._timeout_s())
            with self._gate:
                for fd, mask in events:
                    handler = self._handlers.get(fd)
                    if handler is not None:
                        self._guarded(lambda h=handler, e=mask: h(e))  # type: ignore[misc]
                for callback in self._due():
                    self._guarded(callback)
                self._guarded(after_batch)

    def at_gate(self, callback: Callable[[], None]) -> None:
        """Carry out on another thread what a handler might: no handler runs meanwhile. It may set no timers."""
        with self._gate:
            self._guarded(callback)

    def close(self) -> None:
        """Close what the loop opened."""
        self._epoll.close()

    def _guarded(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception as error:  # noqa: BLE001 - the edge: a fault in one request must not end every session
            self._log.write(f"fault: {type(error).__name__}: {error} {_where(error)}")

    def _timeout_s(self) -> float:
        if not self._timers:
            return -1
        return max(0.0, min(when for when, _ in self._timers.values()) - time.monotonic())

    def _due(self) -> list[Callable[[], None]]:
        now = time.monotonic()
        names = [name for name, (when, _) in self._timers.items() if when <= now]
        return [self._timers.pop(name)[1] for name in names]


def _where(error: BaseException) -> str:
    """The innermost line of a traceback; the module `traceback` would cost a megabyte."""
    trace = error.__traceback__
    where = ""
    while trace is not None:
        where = f"({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})"
        trace = trace.tb_next
    return where
