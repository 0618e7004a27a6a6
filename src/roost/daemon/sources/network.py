"""Sockets of the sessions' processes, by the kernel's trace of TCP states where we may have it, else by looks.

Owns one thread for the whole daemon. With the trace every TCP event is exact and only UDP is sampled; without it the
table of sockets is looked at again and again, helped by the kernel's notices of destroyed sockets.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Callable, Iterable

from roost.daemon.sources.delivery import Delivery, Observation, gap
from roost.daemon.sources.process import ProcessWatch
from roost.daemon.sources.sockets_seen import SampleBook, Told, TraceBook
from roost.daemon.sources.target import Target
from roost.daemon.sources.worker import HasFileno, Worker
from roost.platform import sock_diag
from roost.platform.sock_diag import DestroyNotices
from roost.platform.socket_trace import SocketTrace

log = logging.getLogger(__name__)

TRACE, DIAG = "tcp-trace", "sock-diag"
#: Between two looks at the table of sockets; more when a look takes long.
_LOOK_EVERY_S = 0.1
_LOOK_SHARE = 10


class NetworkWatch(Worker):
    """The thread."""

    def __init__(self, delivery: Delivery, on_crash: Callable[[Exception], None], *, may_trace: bool = True) -> None:
        super().__init__("network events", on_crash)
        self._delivery = delivery
        self._sessions: dict[str, ProcessWatch] = {}
        self._traced = TraceBook()
        self._sampled = SampleBook()
        self._next_look = 0.0
        self.refused = "" if may_trace else "not asked for"
        self._trace: SocketTrace | None = None
        self._destroyed: DestroyNotices | None = None
        if may_trace:
            try:
                self._trace = SocketTrace()
            except OSError as error:
                self.refused = error.strerror or str(error)
                log.info("no trace of TCP (%s): sockets are sampled", self.refused)
        if self._trace is None:
            with contextlib.suppress(OSError):
                self._destroyed = DestroyNotices()

    @property
    def name(self) -> str:
        """Which mechanism is at work."""
        return TRACE if self._trace is not None else DIAG

    # --- any thread -------------------------------------------------------------------------------------------------

    def follow(self, target: Target, processes: ProcessWatch, ready: Callable[[], None]) -> None:
        """Tell of a session's sockets from now on."""
        self.ask(lambda: self._follow(target.session_id, processes, ready))

    def leave(self, session_id: str) -> None:
        """Tell of them no more."""
        self.ask(lambda: self._leave(session_id))

    def settle(self, session_id: str, call: Callable[[], None]) -> None:
        """Have a call made on the loop once all that happened up to now was emitted."""

        def look_then_call() -> None:
            self._take()
            self._look()
            self._delivery.after(session_id, call)

        self.ask(look_then_call)

    # --- the thread -------------------------------------------------------------------------------------------------

    def sources(self) -> Iterable[HasFileno | int]:
        if self._trace is not None:
            return self._trace.descriptors()
        return (self._destroyed,) if self._destroyed is not None else ()

    def timeout_s(self) -> float | None:
        if self._trace is not None and self._trace.keeps:
            return 0.0
        return max(0.0, self._next_look - time.monotonic()) if self._sessions else None

    def turn(self) -> None:
        self._take()
        if time.monotonic() >= self._next_look:
            self._look()

    def shut(self) -> None:
        for opened in (self._trace, self._destroyed):
            if opened is not None:
                opened.close()

    def _follow(self, session_id: str, processes: ProcessWatch, ready: Callable[[], None]) -> None:
        processes.pump()
        self._sessions[session_id] = processes
        holders = self._holders()
        entries = sock_diag.sockets()
        for entry in entries:
            owner, pid = holders.get(entry.inode, ("", 0))
            if owner == session_id:
                self._traced.seed(entry, session_id, pid)
        self._look(silent=session_id)
        ready()

    def _leave(self, session_id: str) -> None:
        self._sessions.pop(session_id, None)
        self._traced.forget(session_id)
        self._sampled.forget(session_id)

    def _holders(self) -> dict[int, tuple[str, int]]:
        """(session, pid) of every socket that a session's processes hold; the first process that does."""
        found: dict[int, tuple[str, int]] = {}
        for session_id, processes in self._sessions.items():
            for pid in processes.pids(session_id):
                for inode in sock_diag.held_inodes(pid):
                    found.setdefault(inode, (session_id, pid))
        return found

    def _take(self) -> None:
        if self._trace is not None:
            self._take_changes(self._trace)
        elif self._destroyed is not None:
            notices, lost = self._destroyed.read()
            if lost:
                self._tell_gap()
            for entry in notices:
                self._tell(self._sampled.destroyed(entry), time.time())

    def _take_changes(self, trace: SocketTrace) -> None:
        changes, lost = trace.read()
        if lost:
            self._tell_gap(missed=lost)
        if not changes:
            return
        for processes in {id(p): p for p in self._sessions.values()}.values():
            processes.pump()  # a process that acted was forked before: take that in first
        offset = time.time() - time.monotonic()
        for change in changes:
            for told in self._traced.changed(change, self._owner_of):
                self._tell((told,), offset + told.at_ns / 1e9)

    def _owner_of(self, pid: int) -> str | None:
        for processes in self._sessions.values():
            owner = processes.owner_of(pid)
            return owner if owner in self._sessions else None
        return None

    def _look(self, silent: str = "") -> None:
        began = time.monotonic()
        holders = self._holders()
        protocols = (socket.IPPROTO_UDP,) if self._trace is not None else (socket.IPPROTO_TCP, socket.IPPROTO_UDP)
        entries = sock_diag.sockets(protocols) if holders else []
        self._tell(self._sampled.look(entries, holders, silent=silent), time.time())
        took = time.monotonic() - began
        self._next_look = began + took + max(_LOOK_EVERY_S, took * _LOOK_SHARE)

    def _tell(self, all_told: Iterable[Told], at: float) -> None:
        for told in all_told:
            grade = "exact" if told.exact else "sampled"
            source = TRACE if told.exact and self._trace is not None else DIAG
            self._delivery.put(Observation(told.session_id, "network", told.type, told.data, grade, source, at))

    def _tell_gap(self, **more: int) -> None:
        for session_id in self._sessions:
            self._delivery.put(gap(session_id, "network", self.name, "kernel_queue_overflow", **more))
