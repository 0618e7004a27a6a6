"""A session's life after its start: drained, exited, reaped, dropped. The shell around table, drains and reaper.

    running ──child ends──▶ finishing ──every stream marked──▶ exited ──unpinned──▶ reaped ──DROP──▶ gone

Owns the order: the output of the child is in the ring and its end marked before anybody hears of the exit; the child is
reaped after that.
"""

from __future__ import annotations

import os

from roost.keeper import messages as m
from roost.keeper.children import Reaper
from roost.keeper.drain import FORGOTTEN
from roost.keeper.drains import Drains
from roost.keeper.guests import GuestList
from roost.keeper.readers import Readers
from roost.keeper.sessions import Stream, describe_exit
from roost.keeper.table import SessionTable
from roost.keeper.turns import CLOSED, MARKED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from roost.keeper.log import Log
    from roost.keeper.loop import Loop
    from roost.keeper.sessions import Session
    from roost.keeper.tlv import Value

    Notify = Callable[[int, list[tuple[int, Value]]], None]


class Keeping:
    """All sessions and what happens to them by themselves."""

    def __init__(
        self, wake_fds: list[int], loop: Loop, log: Log, *, notify: Notify, on_orphan: Callable[[int], None]
    ) -> None:
        self.table = SessionTable()
        self.drains = Drains(wake_fds, self._on_report, log)
        self.readers = Readers(loop, self.drains)
        self.guests = GuestList(self.drains)
        self.reaper = Reaper(self.table, self._on_exit, on_orphan)
        self._notify = notify

    def add(self, session: Session) -> None:
        """Take a started session over; it can be described then. `begin` follows."""
        self.table.add(session)
        self.drains.assign(session)

    def begin(self, session: Session) -> None:
        """Drain it, from its first byte on."""
        self.drains.add_fresh(session)

    def resume(self, session: Session) -> None:
        """Take a session over from an earlier image of this process."""
        self.table.add(session)
        for stream in session.streams:
            for reader in stream.readers:
                self.readers.resume(stream, reader)
        self._drain_again(session)

    def stop_drains(self) -> None:
        """End the threads. Guests stay with the daemon: it is told so by each loan that is over."""
        self.drains.stop()
        for session in self.table:
            for stream in session.streams:
                self.guests.close_all(stream)

    def drop_guests(self) -> None:
        """Who lent their connections has gone."""
        for session in self.table:
            for stream in session.streams:
                self.guests.drop_all(stream)

    def restart_drains(self) -> None:
        """Drain everything again after the threads were stopped and the re-exec failed."""
        self.drains.start()
        for session in self.table:
            self._drain_again(session)

    def _drain_again(self, session: Session) -> None:
        self.drains.add(session)
        if session.exit is not None and not session.is_exited:
            self._on_exit(session)

    def drop(self, session: Session) -> None:
        """Forget an exited session and close all it had."""
        self.table.remove(session)
        session.is_pinned = False
        self.reaper.reap(session)
        self.close_stdin(session)
        self.drains.forget(session)

    def close_stdin(self, session: Session) -> None:
        """Close our copy of the child's input; a PTY's is its master and stays."""
        if session.stdin_fd is not None:
            os.close(session.stdin_fd)
            session.stdin_fd = None

    def release_hold(self, session: Session) -> None:
        """Let the writer pass a lossless reader; readers are woken to see the gap."""
        for stream in session.streams:
            if stream.writer.is_held:
                stream.writer.release_hold()
                os.eventfd_write(stream.event_fd, 1)
        self.drains.wake(session)

    def release_all_holds(self) -> None:
        """Nobody came back for them."""
        for session in self.table:
            self.release_hold(session)

    def running(self) -> int:
        """How many sessions have not exited."""
        return sum(not session.is_exited for session in self.table)

    def _on_exit(self, session: Session) -> None:
        session.marks_missing = sum(not stream.late for stream in session.streams)
        if session.marks_missing:
            self.drains.finish(session)
        else:
            self._all_marked(session)

    def _on_report(self, what: str, subject: Stream | Callable[[], None]) -> None:
        if isinstance(subject, Stream):
            self._on_stream(what, subject)
        else:
            subject()

    def _on_stream(self, what: str, stream: Stream) -> None:
        if what == FORGOTTEN:
            self._close_stream(stream)
            return
        session = self.table.by_id(stream.session_id)
        if session is None or stream not in session.streams:
            return  # dropped meanwhile; FORGOTTEN follows
        if what == MARKED:
            session.marks_missing -= 1
            if session.marks_missing == 0:
                self._all_marked(session)
        elif what == CLOSED and stream.fd is not None:
            os.close(stream.fd)
            stream.fd = None
            self.readers.end_inputs(stream)
            self._notify(m.STREAM_CLOSED, [(m.T_ID, session.id), (m.T_STREAM, stream.name)])

    def _all_marked(self, session: Session) -> None:
        session.is_exited = True
        self._notify(m.EXITED, [(m.T_ID, session.id), *describe_exit(session)])
        self.reaper.reap(session)

    def _close_stream(self, stream: Stream) -> None:
        if stream.fd is not None:
            os.close(stream.fd)
            stream.fd = None
        self.guests.close_all(stream)
        self.readers.drop_all(stream)
        stream.writer.release()
        os.close(stream.ring_fd)
        os.close(stream.event_fd)
