"""Who asks, and what of everything they can reach."""

from __future__ import annotations

from dataclasses import dataclass

from roost.core.access import DeniedError, covers
from roost.core.targets import Candidate, resolve
from roost.daemon.service import Service
from roost.daemon.session import Session
from roost.errors import NoRunError

#: What stands for the latest live session in a path, where nothing would not be seen.
LATEST = "-"


@dataclass(frozen=True, slots=True)
class Caller:
    """One request's sender. name: for the audit trail (`unix:PID`, `token:ID`, `browser:ID`). scope: see
    `roost.core.access.SCOPES`. only: the id of the one session that can be reached through this listener, "" for all.
    """

    name: str
    scope: str
    only: str = ""

    def require(self, scope: str) -> None:
        """Raises DeniedError when the credential does not cover that."""
        if not covers(self.scope, scope):
            raise DeniedError(
                f"this needs the scope {scope}, the credential has {self.scope}; "
                f"`roost token create --scope {scope}` makes another"
            )

    def require_everything(self) -> None:
        """Raises DeniedError on a listener of a single session."""
        if self.only:
            raise DeniedError("this address reaches a single session; ask the daemon's own address for more")

    def find(self, service: Service, target: str) -> Session:
        """The session that a target in a path means to this caller. Raises NoRunError, AmbiguousTargetError."""
        wanted = "" if target == LATEST else target
        if not self.only:
            return service.find(wanted)
        own = service.table.by_id(self.only)
        if own is None:
            raise NoRunError("the session of this address is gone; `roost run -- COMMAND` starts a new one")
        if wanted:  # among this one only: what else there is, is nothing that may be told here
            resolve(wanted, [Candidate(own.id, own.record.name, own.origin.pid, own.live, own.origin.created_at)])
        return own
