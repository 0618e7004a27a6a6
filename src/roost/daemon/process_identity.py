"""Which process a registry entry means, and whether it is still that one.

Pure: what /proc says is handed in. A process is one boot, one pid, one start; a pid alone is never believed, because it
is given to somebody else sooner or later.
"""

from __future__ import annotations

from dataclasses import dataclass

from roost.platform.processes import Process

#: How far a start time that somebody told may be off: it comes from another clock, often in whole seconds.
TOLERANCE_S = 2.0
#: Containment of a process that is meant to outlive whoever started it; such a one is never an orphan.
DETACHED = "detached"

ALIVE = "alive"
ZOMBIE = "zombie"
GONE = "gone"
REUSED = "reused"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Entry:
    """One registered process.

    `start_ticks`: its start, as seen when it was registered; None when no process of that pid and start was there.
    `parent_pid`, `parent_ticks`: whose end makes it an orphan; 0 when nobody's does. Times in Unix seconds.
    """

    pid: int
    created_at: float
    kind: str
    command: str
    cwd: str
    originator: str
    containment: str
    registered_at: float
    boot_id: str
    start_ticks: int | None = None
    parent_pid: int = 0
    parent_ticks: int = 0
    spawned: bool = False
    row: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What is at a pid at one moment. `hidden`: a process is there, but /proc does not say which."""

    process: Process | None = None
    started_at: float = 0.0
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a registered process, and the sentence for people when it is not simply alive."""

    state: str
    parent_alive: bool = True
    orphaned: bool = False
    reason: str = ""


def identify(created_at: float, seen: Seen) -> int | None:
    """The start ticks of the process that a registration means; None when it is not the one at that pid.

    A registration without a start time (0) means the process that is there now.
    """
    if seen.process is None:
        return None
    if created_at > 0 and abs(seen.started_at - created_at) > TOLERANCE_S:
        return None
    return seen.process.start_ticks


def originator_pid(originator: str) -> int:
    """The pid in an originator of the form `TOOL:pid`; 0 when it names none."""
    tail = originator.rpartition(":")[2] if ":" in originator else ""
    return int(tail) if tail.isascii() and tail.isdigit() and len(tail) <= 10 else 0


def choose_parent(child: Process, originator: Process | None, parent: Process | None) -> tuple[int, int]:
    """Pid and start ticks of the process whose end makes `child` an orphan; (0, 0) when nobody's does.

    It is the originator's process, if the originator names one that runs and was there before the child; otherwise the
    number is no pid, and it is the parent of the child.
    """
    for candidate in (originator, parent):
        if candidate is not None and candidate.state not in "ZX" and candidate.start_ticks <= child.start_ticks:
            return candidate.pid, candidate.start_ticks
    return 0, 0


def judge(entry: Entry, seen: Seen, parent: Seen, boot_id: str) -> Verdict:
    """What became of the process of an entry."""
    verdict = _judge_process(entry, seen, boot_id)
    if not entry.parent_pid:
        return verdict
    parent_alive = entry.boot_id == boot_id and _is_parent(entry, parent)
    orphaned = verdict.state == ALIVE and not parent_alive and entry.containment != DETACHED
    reason = verdict.reason
    if orphaned:
        reason = f"orphaned: parent {entry.parent_pid} of process {entry.pid} is dead"
    return Verdict(verdict.state, parent_alive, orphaned, reason)


def _is_parent(entry: Entry, seen: Seen) -> bool:
    process = seen.process
    if process is None:
        return seen.hidden
    return process.start_ticks == entry.parent_ticks and process.state not in "ZX"


def _judge_process(entry: Entry, seen: Seen, boot_id: str) -> Verdict:
    gone = Verdict(GONE, reason=f"process {entry.pid} no longer exists")
    if entry.boot_id != boot_id:
        return gone
    process = seen.process
    if process is None:
        return Verdict(UNKNOWN) if seen.hidden else gone
    if entry.start_ticks is None:
        same = entry.created_at > 0 and abs(seen.started_at - entry.created_at) <= TOLERANCE_S
    else:
        same = entry.start_ticks == process.start_ticks
    if not same:
        return Verdict(
            REUSED,
            reason=f"pid {entry.pid} was reused: registered as started at {entry.created_at:.0f}, "
            f"the process that has it now started at {seen.started_at:.0f}; that one is left alone",
        )
    if process.state in "ZX":
        return Verdict(
            ZOMBIE, reason=f"process {entry.pid} has ended and waits for its parent {process.ppid} to reap it"
        )
    return Verdict(ALIVE)
