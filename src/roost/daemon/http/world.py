"""What the routes are given: the daemon's parts, and those of the control plane itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from roost.daemon.around import Context
from roost.daemon.audit import Audit
from roost.daemon.calls import Calls
from roost.daemon.http.credentials import Credentials
from roost.daemon.service import Service

if TYPE_CHECKING:
    from roost.daemon.http.doors import Doors


@dataclass(slots=True)
class Counters:
    """What the control plane has done, for its metrics."""

    requests: dict[tuple[str, int], int] = field(default_factory=dict)  # by route and status
    refused: int = 0
    events_sent: int = 0
    event_clients: int = 0
    attachments: int = 0
    output_bytes: int = 0

    def count(self, route: str, status: int) -> None:
        """One request was answered."""
        key = (route, status)
        self.requests[key] = self.requests.get(key, 0) + 1


@dataclass(frozen=True, slots=True)
class World:
    """Everything that is behind a route."""

    context: Context
    credentials: Credentials
    audit: Audit
    doors: Doors
    counters: Counters = field(default_factory=Counters)

    @property
    def service(self) -> Service:
        """The use cases."""
        return self.context.service

    @property
    def calls(self) -> Calls:
        """The roost calls."""
        calls: Calls = self.context.shared["calls"]
        return calls

    @property
    def shared(self) -> dict[str, Any]:
        """What other areas left."""
        return self.context.shared
