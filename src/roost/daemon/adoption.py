"""From the keeper's words to a session: after a spawn, and for every session there is when the daemon starts.

Owns the reading of the keeper's entries and the order of the descriptors that come with them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from roost.core.outcome import outcome_of, signed_code
from roost.daemon.keeper_link import KeeperLink
from roost.daemon.record import SessionRecord
from roost.daemon.session import Session
from roost.daemon.session_facts import Origin
from roost.daemon.session_hooks import SessionHooks
from roost.daemon.stream import Stream
from roost.keeper import messages as m
from roost.keeper.tlv import decode_integer
from roost.ring.reader import RingReader
from roost.wire.frames import ExitInfo


def build_session(
    loop: asyncio.AbstractEventLoop,
    entry: m.Message,
    fds: list[int],
    record: SessionRecord,
    hooks: SessionHooks,
) -> Session:
    """The session that an entry and its descriptors describe. Takes over the descriptors."""
    origin = Origin(
        id=entry.text(m.T_ID, ""),
        pid=entry.u64(m.T_PID, 0),
        start_ticks=entry.u64(m.T_START_TICKS, 0),
        created_at=entry.f64(m.T_CREATED_AT, 0.0),
        tty_nr=entry.u64(m.T_TTY_NR, 0),
    )
    session = Session(loop, origin, record, hooks)
    remaining = list(fds)
    input_fd = remaining.pop(0) if entry.u64(m.T_STDIN_OPEN, 0) else None
    room_event = remaining.pop()
    for name, (ring_fd, data_event) in zip(("stdout", "stderr"), _pairs(remaining), strict=False):
        ring = RingReader(ring_fd)
        os.close(ring_fd)
        session.streams[name] = Stream(
            loop, ring, data_event, os.dup(room_event), scans=session.is_pty, on_output=session.now_saw_output
        )
    os.close(room_event)
    session.recall_output()
    session.typing.found_direct([decode_integer(number) for number in entry.list(m.T_INPUT)])
    if input_fd is not None:
        session.take_input(input_fd)
    if entry.text(m.T_STATE, "running") == "exited":
        session.on_exited(exit_info(session, entry))
    return session


def _pairs(fds: list[int]) -> list[tuple[int, int]]:
    return list(zip(fds[::2], fds[1::2], strict=True))


def exit_info(session: Session, message: m.Message) -> ExitInfo:
    """How the child ended, as the keeper reaped it; an unknown status stays unknown."""
    signal_number = message.u64(m.T_SIGNAL, 0) or None
    code = signed_code(message.i64(m.T_CODE), signal_number)
    at = message.f64(m.T_EXITED_AT, 0.0)
    record = session.record
    outcome = outcome_of(
        exited_at=at,
        terminated_at=record.terminate_at,
        grace_s=record.terminate_grace_s,
        killed=record.terminate_hard,
    )
    return ExitInfo(code, signal_number, outcome, at)


def adopt_all(
    loop: asyncio.AbstractEventLoop,
    link: KeeperLink,
    hooks: SessionHooks,
    resume_tees: Callable[[Session], None],
) -> list[Session]:
    """Every session the keeper holds, before the loop runs. Tees come first: they take over the ring's hold."""
    sessions = []
    after = ""
    while True:
        fields: list[tuple[int, str | bytes | int | float]] = [(m.T_AFTER, after)] if after else []
        page, _ = link.call_now(m.LIST, fields)
        entries = [m.decode_fields(raw) for raw in page.list(m.T_ENTRY)]
        ids = [entry.text(m.T_ID, "") for entry in entries]
        after = ids[-1] if ids else after
        answers = link.call_each_now(m.FETCH, ([(m.T_ID, id)] for id in ids))
        for entry, (answer, fds) in zip(entries, answers, strict=True):
            record = SessionRecord.decode(answer.blob(m.T_BLOB) or entry.blob(m.T_BLOB))
            session = build_session(loop, answer, fds, record, hooks)
            for stream in session.streams.values():
                stream.keep_found_hold()
            resume_tees(session)
            session.clients.keep_places()
            sessions.append(session)
        if not entries or not page.u64(m.T_MORE, 0):
            return sessions
