"""Which process belongs to which session, told by forks and exits as they come.

Pure bookkeeping. Descent counts, not parentage: a process whose parent has ended still belongs to the session it was
forked in. Children of the keeper that no session has claimed yet are kept aside with what they did, so that a session
that is followed from its first moment misses nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from roost.platform.proc_connector import ProcessNotice

#: Unclaimed children of the keeper, and what is kept of each.
_UNCLAIMED = 64
_NOTICES = 256
#: Ended processes whose session is still known: what they did may be told after their end.
_RECENT = 4096

#: A session's id, or the pid of an unclaimed child of the keeper.
Owner = str | int

#: Who owns what is told to nobody: the daemon's own process and its descendants, the commands of hooks among them.
OURSELVES = ""


@dataclass(slots=True)
class Unclaimed:
    """What a child of the keeper has done so far, argv read in time included."""

    notices: list[tuple[ProcessNotice, list[str] | None]] = field(default_factory=list)
    missed: int = 0


class Family:
    """All sessions that are followed."""

    def __init__(self, keeper_pid: int, own: Iterable[int] = ()) -> None:
        """`own`: the daemon's processes."""
        self._keeper_pid = keeper_pid
        self._owner: dict[int, Owner] = dict.fromkeys(own, OURSELVES)
        self._unclaimed: OrderedDict[int, Unclaimed] = OrderedDict()
        self._recent: OrderedDict[int, Owner] = OrderedDict()

    def fork(self, parent: int, child: int) -> Owner | None:
        """A process was made; whose it is."""
        owner = self._owner.get(parent)
        if owner is None and parent == self._keeper_pid:
            self._unclaimed[child] = Unclaimed()
            owner = child
            if len(self._unclaimed) > _UNCLAIMED:
                self.disown(next(iter(self._unclaimed)))
        if owner is not None:
            self._owner[child] = owner
            self._recent.pop(child, None)
        return owner

    def exit(self, pid: int) -> Owner | None:
        """A process ended; whose it was."""
        owner = self._owner.pop(pid, None)
        if owner is not None:
            self._recent[pid] = owner
            if len(self._recent) > _RECENT:
                self._recent.popitem(last=False)
        return owner

    def current_owner(self, pid: int) -> Owner | None:
        """Whose a running process is."""
        return self._owner.get(pid)

    def owner(self, pid: int) -> Owner | None:
        """Whose a process is, or was shortly ago."""
        found = self._owner.get(pid)
        return found if found is not None else self._recent.get(pid)

    def keep_aside(self, owner: int, notice: ProcessNotice, argv: list[str] | None) -> None:
        """Note what an unclaimed child of the keeper did."""
        kept = self._unclaimed.get(owner)
        if kept is None:
            return
        if len(kept.notices) < _NOTICES:
            kept.notices.append((notice, argv))
        else:
            kept.missed += 1

    def join(self, session_id: str, leader: int, pids: Iterable[int]) -> Unclaimed:
        """Follow a session from now on; what its leader's tree did before, if that was seen."""
        kept = self._unclaimed.pop(leader, None)
        for table in (self._owner, self._recent):
            for pid in [pid for pid, owner in table.items() if owner == leader]:
                table[pid] = session_id
        for pid in pids:
            self._owner[pid] = session_id
        return kept or Unclaimed()

    def leave(self, session_id: str) -> None:
        """Follow a session no more."""
        self._drop(session_id)

    def disown(self, leader: int) -> None:
        """A child of the keeper that nobody follows."""
        if self._unclaimed.pop(leader, None) is not None:
            self._drop(leader)

    def pids(self, session_id: str) -> list[int]:
        """The processes of a session now."""
        return [pid for pid, owner in self._owner.items() if owner == session_id]

    def _drop(self, owner: Owner) -> None:
        for table in (self._owner, self._recent):
            for pid in [pid for pid, other in table.items() if other == owner]:
                del table[pid]
