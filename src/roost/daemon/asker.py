"""On whose behalf something is done at the moment, for the audit trail: set by each way in, read where input is given.

`unix:PID` for a connection of the daemon's socket, `token:ID` and `browser:ID` over the network, "" for roost itself.
"""

from __future__ import annotations

from contextvars import ContextVar

ASKER: ContextVar[str] = ContextVar("asker", default="")
