"""Ending what is left of a session that neither daemon nor keeper knows any more: a lost keeper's, say.

Owns nothing but the procedure; such processes are known by the session's id in their environment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time

from roost.platform.processes import Membership, Process, members, process_table, send_signal

_POLL_S = 0.02
_HARD_S = 2.0


async def end_leftovers(session_id: str, grace_s: float, exclude: set[int]) -> None:
    """TERM to every process of that session, KILL after the grace; returns when none is left, or soon afterwards."""
    begun_at = time.monotonic()
    found = await asyncio.to_thread(_collect, session_id, exclude)
    _signal(found, signal.SIGTERM)
    while found and time.monotonic() < begun_at + grace_s + _HARD_S:
        if time.monotonic() > begun_at + grace_s:
            _signal(found, signal.SIGKILL)
        await asyncio.sleep(_POLL_S)
        found = await asyncio.to_thread(_collect, session_id, exclude)


def _collect(session_id: str, exclude: set[int]) -> list[Process]:
    groups = [Membership(session_id=session_id, leader_pid=None, tty_nr=None)]
    return members(groups, process_table(), {os.getpid(), *exclude})[session_id]


def _signal(found: list[Process], number: int) -> None:
    for process in found:
        send_signal(process, number)
