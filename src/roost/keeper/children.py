"""Who has ended: waits for children and for the orphans that the keeper adopts.

Owns the order of things at an exit: the status is looked at first and the child left unreaped, so that its pid, group
and session stay its own until the output is drained and nobody has pinned it; only then is it reaped.
"""

from __future__ import annotations

import os
import time

from roost.keeper.sessions import ExitStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from roost.keeper.sessions import Session
    from roost.keeper.table import SessionTable

_LOOK = os.WEXITED | os.WNOHANG | os.WNOWAIT


class Reaper:
    """Finds ended children. `on_exit(session)` is called once a child, its status stored in the session."""

    def __init__(
        self, table: SessionTable, on_exit: Callable[[Session], None], on_orphan: Callable[[int], None]
    ) -> None:
        self._table = table
        self._on_exit = on_exit
        self._on_orphan = on_orphan
        #: Whether a child has ended that may be a session to be: look again once that is known.
        self.passed_over = False

    def collect(self, *, spawning: bool) -> None:
        """Look at every child that has ended since. While `spawning`, an unknown pid may be a session to be."""
        self.passed_over = False
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, _LOOK)
            except ChildProcessError:
                return
            if found is None:
                return
            session = self._table.by_pid(found.si_pid)
            if session is None and not spawning:
                os.waitid(os.P_PID, found.si_pid, os.WEXITED | os.WNOHANG)
                self._on_orphan(found.si_pid)
            elif session is not None and session.exit is None:
                self._record(session, found)
            else:
                # waitid shows the same unreaped child again and again; whoever ended behind it is asked by name.
                self.passed_over = spawning
                self._ask_each()
                return

    def _ask_each(self) -> None:
        for session in self._table:
            if session.exit is None:
                try:
                    found = os.waitid(os.P_PID, session.pid, _LOOK)
                except ChildProcessError:
                    session.is_reaped = True
                    self._table.forget_pid(session)
                    self._record(session, None)
                    continue
                if found is not None:
                    self._record(session, found)

    def _record(self, session: Session, found: os.waitid_result | None) -> None:
        code = signal = None
        if found is not None:
            if found.si_code == os.CLD_EXITED:
                code = found.si_status
            else:
                signal = found.si_status
        session.exit = ExitStatus(code, signal, time.time())
        self._on_exit(session)

    def reap(self, session: Session) -> None:
        """Let go of an ended child, unless it is pinned, still draining, or already gone."""
        if session.is_reaped or session.is_pinned or not session.is_exited:
            return
        try:
            os.waitid(os.P_PID, session.pid, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            pass
        session.is_reaped = True
        self._table.forget_pid(session)
