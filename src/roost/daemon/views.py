"""What is told of sessions and the daemon: the dictionaries behind every answer, and the table of `roost ls`.

Pure reading; one place decides the names and units of these fields.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from roost.core.outcome import signal_name, signed_code, split_code
from roost.core.session_state import Told, nothing_told
from roost.core.shown import age, aligned, printable
from roost.daemon.attachment import Attachment
from roost.daemon.session import Session


def session_info(session: Session) -> dict[str, Any]:
    """Everything about a session. Times in Unix seconds, offsets in bytes since the start of the stream."""
    record, origin = session.record, session.origin
    info = session.ending.info if session.ending else None
    stream = session.streams["stdout"]
    scanner = stream.scanner
    return {
        "id": session.id,
        "name": record.name,
        "kind": record.kind,
        "state": "running" if session.live else "exited",
        "pid": origin.pid,
        "exit_code": info.code if info else None,
        "signal": info.signal if info else None,
        "created_at": origin.created_at,
        "exited_at": info.at if info else None,
        "command": record.command,
        "argv": record.argv,
        "cwd": record.cwd,
        "originator": record.originator,
        "labels": record.labels,
        "attached": bool(session.clients.attached()),
        "clients": [client_info(a) for a in session.clients.attachments],
        "rows": session.rows,
        "cols": session.cols,
        "outcome": info.outcome if info else None,
        "term": record.term,
        "title": scanner.title if scanner else "",
        "size_policy": record.size_policy,
        "ring_bytes": stream.ring.capacity,
        "start_offset": stream.ring.start,
        "end_offset": stream.ring.end,
        "terminal_held": not session.live and session.held_open,
        "held_by": _held_by(session),
        "last_output_at": session.last_output_at,
        "spawn_id": record.spawn_id or None,
        "service": record.service or None,
        "recording": _recording(session),
        "shell": session.shell.describe() if session.shell else None,
        "activity": _told(session).describe(time.time()),
    }


def _recording(session: Session) -> str | None:
    """How the session's recordings do: the worst state there is, None without one that matters."""
    states = {recorder.state for recorder in session.recorders.values()}
    return next((state for state in ("failed", "failing", "recording") if state in states), None)


def _held_by(session: Session) -> str | None:
    for attachment in session.clients.attachments:
        if attachment.lossless:
            return attachment.traits.label or attachment.traits.id
    for handle, tee in session.tees.items():
        if tee.record.block and not tee.record.ended:
            return f"tee {handle}"
    for handle, recorder in session.recorders.items():
        if recorder.lossless:
            return f"recording {handle}"
    if any(s.ring.hold is not None for s in session.streams.values()):
        return "a client that is reconnecting"
    return None


def client_info(attachment: Attachment) -> dict[str, Any]:
    """One attached client; `lag` is what it has not been handed yet, in bytes."""
    traits = attachment.traits
    return {
        "id": traits.id,
        "label": traits.label,
        "mode": traits.mode,
        "lossless": traits.lossless,
        "tty": traits.tty,
        "term": traits.term,
        "rows": attachment.rows,
        "cols": attachment.cols,
        "offset": attachment.position,
        "lag": attachment.stream.ring.end - attachment.position,
        "local": attachment.reads_locally,
    }


def exit_status(session: Session) -> dict[str, Any]:
    """How a session ended; nulls while it has not, or where it is not known."""
    info = session.ending.info if session.ending else None
    return {
        "session_id": session.id,
        "name": session.record.name,
        "code": info.code if info else None,
        "signal": info.signal if info else None,
        "outcome": info.outcome if info else None,
        "at": info.at if info else None,
    }


_COLUMNS = ("ID", "NAME", "STATE", "ACTIVITY", "PID", "AGE", "SIZE", "COMMAND")


def session_table(sessions: Iterable[Session]) -> str:
    """The lines of `roost ls`, aligned; control characters of names and commands are not let through."""
    now = time.time()
    return aligned([_COLUMNS, *(_row(session, now) for session in sessions)])


def _row(session: Session, now: float) -> tuple[str, ...]:
    record = session.record
    size = f"{session.rows}x{session.cols}" if session.is_pty else "service" if record.service else record.kind
    return (
        session.id,
        printable(record.name),
        _state(session),
        _activity(session, now),
        str(session.origin.pid),
        age(now - session.origin.created_at),
        size,
        printable(record.command)[:200],
    )


def _told(session: Session) -> Told:
    """What is known of its state; nothing where that is out of date."""
    told = session.activity
    if told is None or told.out_of_date(session.streams["stdout"].ring.end):
        return nothing_told(session.origin.created_at)
    return told


def _activity(session: Session, now: float) -> str:
    """What it does, and since when; nothing where nobody tells."""
    told = _told(session)
    if told.state in ("unknown", "exited"):
        return "-"
    return f"{told.shown} {age(now - told.since)}"


def _state(session: Session) -> str:
    if session.live:
        clients = len(session.clients.attachments)
        held = ", held" if any(a.lossless for a in session.clients.attachments) else ""
        recording = _recording(session)
        told = {None: "", "recording": ", recorded"}.get(recording, f", recording {recording}")
        return f"running, {clients} attached{held}{told}" if clients else f"running{told}"
    assert session.ending is not None
    info = session.ending.info
    code, number = split_code(signed_code(info.code, info.signal))
    how = signal_name(number) if number else "?" if code is None else str(code)
    held = ", terminal held" if session.held_open else ""
    return f"exited {how}{held}"
