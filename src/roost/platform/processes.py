"""What /proc says about processes: who belongs to a session, and killing them without ever hitting a reused pid.

A process is named by pid and start time together. Signals go through a pidfd that was opened first and checked
against the start time afterwards, so that they reach the process that was looked at or nobody.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass

from roost.platform.session_mark import marked_session


@dataclass(frozen=True, slots=True)
class Process:
    """One line of the process table."""

    pid: int
    ppid: int
    sid: int
    tty_nr: int
    start_ticks: int
    state: str
    name: str


def read_process(pid: int) -> Process | None:
    """The process of that pid, or None. Source: proc_pid_stat(5)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        return None
    head, _, tail = stat.rpartition(b")")
    fields = tail.split()
    return Process(
        pid=pid,
        ppid=int(fields[1]),
        sid=int(fields[3]),
        tty_nr=int(fields[4]),
        start_ticks=int(fields[19]),
        state=fields[0].decode(),
        name=head.partition(b"(")[2].decode("utf-8", "replace"),
    )


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, 0 if there is none. Source: clock_getcpuclockid(3), as glibc makes it."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def process_table() -> dict[int, Process]:
    """Every process that can be seen, by pid."""
    table = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            process = read_process(int(entry))
            if process is not None:
                table[process.pid] = process
    return table


def environment_value(pid: int, key: bytes) -> bytes | None:
    """The value of a variable in the environment that a process was started with; None when unset or unreadable."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environ = file.read()
    except OSError:
        return None
    if not environ.startswith(key + b"="):
        at = environ.find(b"\0" + key + b"=")
        if at < 0:
            return None
        environ = environ[at + 1 :]
    return environ[len(key) + 1 :].partition(b"\0")[0]


def claimed_session(pid: int) -> str | None:
    """The session that a process says it is of: by its mark, else by its environment."""
    session = marked_session(pid)
    if session is None:
        value = environment_value(pid, b"ROOST_SESSION")
        session = value.decode("ascii", "replace") if value else None
    return session


@dataclass(frozen=True, slots=True)
class Membership:
    """By what a process is known to belong to a session."""

    session_id: str
    leader_pid: int | None  # only while the leader is not reaped: its pid and session id cannot have been reused
    tty_nr: int | None  # only while the keeper holds the terminal: its number cannot have been reused


def members(groups: list[Membership], table: dict[int, Process], exclude: set[int]) -> dict[str, list[Process]]:
    """The live processes of each session: by terminal, session id, the mark that all of them bear, `ROOST_SESSION`, and
    all their descendants."""
    owner: dict[int, str] = {}
    by_tty = {g.tty_nr: g.session_id for g in groups if g.tty_nr}
    by_leader = {g.leader_pid: g.session_id for g in groups if g.leader_pid}
    wanted = {g.session_id for g in groups}
    for process in table.values():
        if process.pid in exclude or process.state in "ZX":
            continue
        session = by_leader.get(process.pid) or by_leader.get(process.sid) or by_tty.get(process.tty_nr)
        if session is None:
            session = claimed_session(process.pid)
        if session in wanted:
            owner[process.pid] = session
    _add_descendants(owner, table, exclude)
    found: dict[str, list[Process]] = {g.session_id: [] for g in groups}
    for pid, session in owner.items():
        found[session].append(table[pid])
    return found


def _add_descendants(owner: dict[int, str], table: dict[int, Process], exclude: set[int]) -> None:
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.ppid, []).append(process.pid)
    pending = list(owner)
    while pending:
        parent = pending.pop()
        for pid in children.get(parent, ()):
            if pid in owner or pid in exclude or table[pid].state in "ZX":
                continue
            if claimed_session(pid) in (None, owner[parent]):  # a session started from inside another is its own
                owner[pid] = owner[parent]
                pending.append(pid)


def send_signal(process: Process, signal_number: int) -> bool:
    """Signal exactly that process; False when it is gone. Source: pidfd_send_signal(2)."""
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        now = read_process(process.pid)
        if now is None or now.start_ticks != process.start_ticks or now.state in "ZX":
            return False
        signal.pidfd_send_signal(pidfd, signal_number)
    except OSError:
        return False
    finally:
        os.close(pidfd)
    return True
