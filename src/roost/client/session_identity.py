"""What stays the same about a session, for handles of either client.

Owns the identity and the cursor of `expect`; knows no client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from roost.client.expecting import Cursor


class Identity(Protocol):
    """What a handle is made of; a `SessionInfo` has it."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def pid(self) -> int: ...

    @property
    def created_at(self) -> float: ...


class StartedIdentity(NamedTuple):
    """All that the answer to a start tells."""

    id: str
    name: str
    kind: str
    pid: int
    created_at: float


class SessionIdentity:
    """What stays the same about a session: `id`, `kind` ("pty", "pipe"), `pid`, `created_at`; and its last known name.

    `existing` says that a spawn found a session with its spawn id and started nothing.
    """

    __slots__ = ("_cursor", "created_at", "existing", "id", "kind", "name", "pid")

    def __init__(self, info: Identity, *, existing: bool = False) -> None:
        self.id = info.id
        self.name = info.name
        self.kind = info.kind
        self.pid = info.pid
        self.created_at = info.created_at
        self.existing = existing
        self._cursor: Cursor | None = None

    @property
    def cursor(self) -> Cursor:
        """Up to where `expect` has looked at its output; at first the beginning. `cursor.move(offset)` sets it."""
        if self._cursor is None:
            from roost.client.expecting import Cursor

            self._cursor = Cursor()
        return self._cursor

    def __str__(self) -> str:
        return f"{self.name} ({self.id}, {self.kind}, pid {self.pid})"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"
