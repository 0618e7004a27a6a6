"""The set of draining threads: who drains what, and what they report back.

Owns the reports' way to the control thread and the assignment: a session's streams go to the least loaded thread, all
to the same one, so that one eventfd per session wakes whoever reads it.
"""

from __future__ import annotations

import os

from roost.keeper import messages as m
from roost.keeper import pump
from roost.keeper.drain import Drain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from roost.keeper.guests import Guest
    from roost.keeper.inputs import Input, Mouth
    from roost.keeper.log import Log
    from roost.keeper.sessions import Session, Stream
    from roost.keeper.turns import Report

MAX_THREADS = 2


class Drains:
    """All draining threads. Used by the control thread only."""

    def __init__(self, wake_fds: list[int], on_report: Report, log: Log) -> None:
        """`wake_fds`: one eventfd a thread; they are lent to daemons and outlive a re-exec."""
        self.report_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.wake_fds = wake_fds
        self._on_report = on_report
        self._log = log
        self._reports: list[tuple[str, Stream | Callable[[], None]]] = []
        self._threads: list[Drain] = []
        self._library = pump.load()

    @property
    def features(self) -> tuple[str, ...]:
        """What this keeper can do, for the daemon to know."""
        return m.FEATURES if self._library is None else m.FEATURES + m.PUMP_FEATURES

    def start(self) -> None:
        """Start the threads, with no streams."""
        self._threads = [Drain(fd, self._report, self._log.write, self._library) for fd in self.wake_fds]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads, each at the end of a turn, and handle what they had to report."""
        for thread in self._threads:
            thread.stop()
        self.collect()

    def assign(self, session: Session) -> None:
        """Decide which thread will drain a session's streams, unless that is decided."""
        if session.streams[0].thread_index < 0:
            index = min(range(len(self._threads)), key=lambda i: self._threads[i].load)
            for stream in session.streams:
                stream.thread_index = index

    def add(self, session: Session) -> None:
        """Drain a session's streams from now on."""
        self.assign(session)
        for stream in session.streams:
            self._threads[stream.thread_index].add(stream)

    def add_fresh(self, session: Session) -> None:
        """Drain the streams of a session that was just started, without waking a thread for it."""
        for stream in session.streams:
            self._threads[stream.thread_index].add_fresh(stream)

    def finish(self, session: Session) -> None:
        """The child has exited: each stream that is not marked yet is drained and marked."""
        for stream in session.streams:
            if not stream.late:
                self._threads[stream.thread_index].finish(stream)

    def forget(self, session: Session) -> None:
        """Stop watching a session's streams; each is reported as forgotten."""
        for stream in session.streams:
            self._threads[stream.thread_index].forget(stream)

    def wake(self, session: Session) -> None:
        """Have the session's thread look at its parked streams."""
        self._threads[session.streams[0].thread_index].wake()

    def when_settled(self, stream: Stream, then: Callable[[], None]) -> None:
        """Call back once the stream's thread can use nothing that was taken from the stream before this call."""
        if stream.thread_index < 0:
            then()
        else:
            self._threads[stream.thread_index].when_settled(then)

    def type_from(self, mouth: Mouth, source: Input) -> None:
        """Give what comes from there to the terminal, from now on."""
        self._threads[mouth.stream.thread_index].type_from(mouth, source)

    def stop_typing(self, mouth: Mouth, source: Input, *, finishing: bool) -> None:
        """Do so no more; `finishing`: but first with what is there already, as far as the terminal takes it."""
        self._threads[mouth.stream.thread_index].stop_typing(mouth, source, finishing=finishing)

    def know_readers(self, stream: Stream) -> None:
        """The stream's local readers are others now."""
        if stream.thread_index >= 0:
            self._threads[stream.thread_index].know_readers(stream)

    def add_guest(self, guest: Guest) -> None:
        """Serve that client's connection while it is lent."""
        self._threads[guest.stream.thread_index].add_guest(guest)

    def remove_guest(self, guest: Guest) -> None:
        """Do so no more."""
        self._threads[guest.stream.thread_index].remove_guest(guest)

    def collect(self) -> None:
        """Handle the reports that have come in."""
        try:
            os.eventfd_read(self.report_fd)
        except BlockingIOError:
            pass
        while self._reports:
            self._on_report(*self._reports.pop(0))

    def _report(self, what: str, subject: Stream | Callable[[], None]) -> None:
        self._reports.append((what, subject))
        os.eventfd_write(self.report_fd, 1)


def new_wake_fds() -> list[int]:
    """One eventfd for each draining thread that this machine deserves."""
    count = min(MAX_THREADS, os.cpu_count() or 1)
    return [os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK) for _ in range(count)]
