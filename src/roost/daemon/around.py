"""What stands around the sessions: each module named here brings an area of the daemon of its own.

Owns the list and what an area is given and gives back. An area's `wire(context)` is called once, after the sessions
were adopted and before the first request other than an attach to a session with nothing around it (`early`); it adds
itself to `context.areas` if it takes part in spawns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from roost.daemon.areas import Areas
from roost.daemon.bus import EventBus
from roost.daemon.calls import Method
from roost.daemon.control import Control
from roost.daemon.events.lifecycle import Lifecycle
from roost.daemon.service import Service
from roost.daemon.session import Session
from roost.daemon.table import SessionTable
from roost.daemon.v1 import Handlers
from roost.paths import Paths

#: Modules with a `wire(context) -> Wired`, in the order in which they are wired; closed in the reverse order.
AREAS: tuple[str, ...] = (
    "roost.daemon.config_area",
    "roost.daemon.events.area",
    "roost.daemon.hooks_area",
    "roost.daemon.runs",
    "roost.daemon.key_calls",
    "roost.daemon.screens",
    "roost.daemon.recordings",
    "roost.daemon.agent_links",
    "roost.daemon.sources.area",
    "roost.daemon.http.area",
    "roost.daemon.shell_area",
    "roost.daemon.waiting",
    "roost.daemon.exec_run",
    "roost.daemon.approvals",
    "roost.daemon.states",
    "roost.daemon.followups",
)


async def _nothing() -> None:
    pass


def _no_socket() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Context:
    """What an area may use. `shared` is where one area leaves what a later one builds on, by a documented name."""

    loop: asyncio.AbstractEventLoop
    tasks: asyncio.TaskGroup
    paths: Paths
    socket_path: str
    table: SessionTable
    service: Service
    control: Control
    bus: EventBus
    areas: Areas
    save: Callable[[Session], None]  # store the session's record in the keeper
    lifecycle: Lifecycle
    foreground: bool = False  # somebody watches this process, and its standard output is theirs
    shared: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wired:
    """What an area brings: roost calls, v1 requests, and what is to be done when the daemon stops: `leave` while the
    sessions can still be read, `close` when they are closed. `listen_again`: what to do about socket files that were
    removed, raises RoostError where that cannot be done."""

    methods: Mapping[str, Method[Any]] = field(default_factory=dict)
    handlers: Handlers = field(default_factory=dict)
    leave: Callable[[], Awaitable[None]] = _nothing
    close: Callable[[], Awaitable[None]] = _nothing
    listen_again: Callable[[], None] = _no_socket


async def wire_all(context: Context) -> list[Wired]:
    """Every area, wired. Clients that came back to their sessions have their turn in between."""
    wired = []
    for name in AREAS:
        wired.append(import_module(name).wire(context))
        await asyncio.sleep(0)
    return wired
