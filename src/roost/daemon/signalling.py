"""Signals to a session's processes, by scope; and what signals are called.

Owns the choice between the terminal's foreground job and the process groups that only the keeper may signal safely.
"""

from __future__ import annotations

import signal

from roost.daemon.keeper_link import KeeperLink
from roost.daemon.session import Session
from roost.errors import InvalidError, WrongStateError
from roost.keeper import messages as m
from roost.platform import interrupt_foreground


async def send_signal(link: KeeperLink, session: Session, signal_number: int, scope: str) -> list[int]:
    """Signal the foreground job, the leader or its process group; "" is what suits the kind of session."""
    scope = scope or ("foreground" if session.is_pty else "group")
    if not session.live:
        raise WrongStateError(f"session {session.record.name} has exited; only --scope tree reaches what it left")
    if scope == "foreground" and session.is_pty:
        try:
            interrupt_foreground(session.terminal, signal_number)
            return [session.origin.pid]
        except OSError:
            scope = "group"
    if scope not in ("leader", "group", "foreground"):
        raise InvalidError(f"unknown scope {scope!r}; use foreground, leader, group or tree")
    keeper_scope = "leader" if scope == "leader" else "group"
    await link.call(m.SIGNAL, [(m.T_ID, session.id), (m.T_SIGNO, signal_number), (m.T_SCOPE, keeper_scope)])
    return [session.origin.pid]


def signal_number(name: str | int) -> int:
    """The number of a signal given as INT, SIGINT, int or 2. Raises InvalidError."""
    if isinstance(name, str) and not name.isdigit():
        wanted = name.upper()
        wanted = wanted if wanted.startswith("SIG") else "SIG" + wanted
        try:
            return int(signal.Signals[wanted])
        except KeyError:
            raise InvalidError(f"unknown signal {name!r}; `kill -l` lists them") from None
    number = int(name)
    if number not in signal.valid_signals():
        raise InvalidError(f"there is no signal {number}; `kill -l` lists them")
    return number
