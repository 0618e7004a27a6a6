"""A session as the sources see it: plain values, safe in any thread."""

from __future__ import annotations

from dataclasses import dataclass

from roost.platform.processes import Membership


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to observe. `places`: absolute directories and files for file events, the working directory first.

    `own`: our own directories, of which nothing is told: writing an event there would be an event. `exact`: by ptrace.
    `ignore`: patterns in the syntax of .gitignore.
    """

    session_id: str
    leader: int
    membership: Membership
    places: tuple[bytes, ...] = ()
    own: tuple[bytes, ...] = ()
    exact: bool = False
    ignore: tuple[str, ...] = ()
