"""The client library: the same verbs for blocking code (`Client`) and for asyncio (`AsyncClient`).

Owns the list of public names and loads each one on first use: `roost ls` must not pay for asyncio or dataclasses.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from roost.client.aio import AsyncClient
    from roost.client.aio_attachment import AsyncAttachment
    from roost.client.aio_session import AsyncSession
    from roost.client.attachment import Attachment
    from roost.client.expecting import EOF, TIMEOUT, Match
    from roost.client.launch import ensure_daemon
    from roost.client.results import Sent
    from roost.client.runs import live_runs
    from roost.client.screens import Screen, ScreenCursor
    from roost.client.session import Session
    from roost.client.sync import Client
    from roost.client.tee_calls import TeeOptions

_HOMES = {
    "AsyncAttachment": "aio_attachment",
    "AsyncClient": "aio",
    "AsyncSession": "aio_session",
    "Attachment": "attachment",
    "Client": "sync",
    "EOF": "expecting",
    "Match": "expecting",
    "Screen": "screens",
    "ScreenCursor": "screens",
    "Sent": "results",
    "Session": "session",
    "TIMEOUT": "expecting",
    "TeeOptions": "tee_calls",
    "ensure_daemon": "launch",
    "live_runs": "runs",
}

__all__ = [
    "AsyncAttachment",
    "AsyncClient",
    "AsyncSession",
    "Attachment",
    "Client",
    "EOF",
    "Match",
    "Screen",
    "ScreenCursor",
    "Sent",
    "Session",
    "TIMEOUT",
    "TeeOptions",
    "ensure_daemon",
    "live_runs",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'roost.client' has no attribute {name!r}")
    return getattr(__import__(f"roost.client.{home}", fromlist=[name]), name)
