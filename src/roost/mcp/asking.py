"""For whom a tool works: which client it uses, and what may be reached and done with it.

Owns what a server is told of each request. On stdio that is always the same; in a daemon each request has its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypedDict

from roost.client import AsyncClient
from roost.core.access import DeniedError, covers

Environment: TypeAlias = Mapping[bytes, bytes] | None


class AskingKeywords(TypedDict, total=False):
    """What a request tells of its sender, as below."""

    only: str
    own: str
    scope: str
    env: Environment
    cwd: str


@dataclass(frozen=True, slots=True)
class Asking:
    """One request's sender. only: the id of the one session there is, "" for all. own: of the session that the sender
    runs in, which it does not drive, or "". scope: see `roost.core.access.SCOPES`. env, cwd: of programs that are
    started, None and "" for those of this process.
    """

    client: AsyncClient
    only: str = ""
    own: str = ""
    scope: str = "admin"
    env: Environment = None
    cwd: str = ""

    def may(self, scope: str, *, starts: bool = False) -> bool:
        """Whether a tool that needs that is there for them; starts: it makes a session."""
        return covers(self.scope, scope) and not (starts and self.only)

    def require(self, scope: str) -> None:
        """Raises DeniedError when the credential does not cover that."""
        if not covers(self.scope, scope):
            raise DeniedError(f"this needs a token with the scope {scope}, this one has {self.scope}")
