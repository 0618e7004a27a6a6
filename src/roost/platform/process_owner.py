"""Which session a process belongs to, by what it cannot choose: its terminal, its session id, its ancestors; then by
the mark that it has inherited.

Owns the rule. `ROOST_SESSION` in an environment is a claim; it counts only for a process that lost its parents, which
is how a daemon that a session started looks.
"""

from __future__ import annotations

from collections.abc import Iterable

from roost.platform.processes import Membership, Process, environment_value, read_process
from roost.platform.session_mark import marked_session

_DEEPEST = 256
#: Who takes orphans in, by pid or name.
_ADOPTERS = frozenset({"systemd", "init", "tini", "dumb-init", "catatonit"})


def owner_of(pid: int, groups: Iterable[Membership], *, keeper_pid: int) -> str | None:
    """The id of the session that the process belongs to, None for none of these."""
    by_tty, by_leader, known = {}, {}, set()
    for group in groups:
        known.add(group.session_id)
        if group.tty_nr:
            by_tty[group.tty_nr] = group.session_id
        if group.leader_pid:
            by_leader[group.leader_pid] = group.session_id
    process = read_process(pid)
    for _ in range(_DEEPEST):
        if process is None:
            break
        owner = by_leader.get(process.pid) or by_leader.get(process.sid) or by_tty.get(process.tty_nr)
        if owner is not None:
            return owner
        process = read_process(process.ppid) if process.ppid > 1 else None
    marked = marked_session(pid)
    return marked if marked in known else _orphans_claim(pid, known, keeper_pid)


def _orphans_claim(pid: int, known: set[str], keeper_pid: int) -> str | None:
    """What the environment says, if the eldest ancestor that says the same has been orphaned."""
    claim = environment_value(pid, b"ROOST_SESSION")
    process = read_process(pid)
    if claim is None or process is None or claim.decode("ascii", "replace") not in known:
        return None
    for _ in range(_DEEPEST):
        parent = read_process(process.ppid) if process.ppid else None
        if parent is None or _adopts(parent, keeper_pid):
            return claim.decode("ascii")
        if environment_value(parent.pid, b"ROOST_SESSION") != claim:
            return None
        process = parent
    return None


def _adopts(parent: Process, keeper_pid: int) -> bool:
    return parent.pid in (1, keeper_pid) or parent.name in _ADOPTERS
