"""Which session the process belongs to that asks for something: nobody may drive or answer itself in passing.

Owns the question. It is known where the system tells who is at the other end; elsewhere there is no answer.
"""

from __future__ import annotations

from collections.abc import Iterable

from roost.daemon.session import Session
from roost.daemon.table import SessionTable
from roost.platform.process_owner import owner_of


def session_of(pid: int | None, table: SessionTable, *, keeper_pid: int) -> Session | None:
    """The session of that process, None for none and where it is not known."""
    if not pid:
        return None
    sessions: Iterable[Session] = table
    owner = owner_of(pid, [session.membership() for session in sessions], keeper_pid=keeper_pid)
    return table.by_id(owner) if owner else None
