"""What areas around the sessions (recording, observing, shell integration, ...) take part in at a session's start.

Owns the hooks of that moment. An area asks for what it needs at a spawn by options of its own, which are kept in the
session's record, and is told of every session that starts or is found again by a new daemon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from roost.daemon.environment import Pairs
from roost.daemon.record import SessionRecord
from roost.daemon.session import Session
from roost.errors import InvalidError


@dataclass(slots=True)
class Preparation:
    """A session about to be started. `argv` is what will be executed and may be changed; `environment` is added.

    given: the entries of the client's environment. brought: what of it can be refreshed later. held_streams: whose
    rings are to wait for a lossless reader from the first byte on. prefix: a command that stands before argv when it
    is executed, and becomes it. at_once: somebody watches what it does, so the areas are told of it without delay.
    """

    session_id: str
    name: str
    kind: str
    argv: list[bytes]
    cwd: bytes
    environment: Pairs = field(default_factory=list)
    held_streams: list[str] = field(default_factory=list)
    prefix: list[bytes] = field(default_factory=list)
    given: Pairs = field(default_factory=list)
    brought: dict[str, str] = field(default_factory=dict)
    at_once: bool = False


class Area(Protocol):
    """One area. `key` names its options."""

    key: str

    def check(self, options: Any) -> None:
        """Refuse options that make no sense. Raises InvalidError."""

    def on_session(self, session: Session, options: Any, *, adopted: bool) -> None:
        """A session was started, or found again by this daemon (`adopted`)."""


@runtime_checkable
class PreparingArea(Protocol):
    """An area that takes part in what a session is started with."""

    def prepare(self, preparation: Preparation, options: Any) -> None:
        """Take part in the preparation; options are None when none were given."""


@runtime_checkable
class OpeningArea(Protocol):
    """An area that has to make something (a file) before a session can be started, and may refuse the start by that."""

    async def open(self, preparation: Preparation, options: Any, record: SessionRecord) -> None:
        """Make it, and note it in the record that the keeper will get. Raises RoostError."""

    def abandon(self, preparation: Preparation) -> None:
        """The session could not be started (or another area refused): give back what was made, if anything was."""


class Areas:
    """All areas there are."""

    def __init__(self) -> None:
        self._areas: dict[str, Area] = {}
        self._preparing: dict[str, PreparingArea] = {}
        self._opening: dict[str, OpeningArea] = {}

    def add(self, area: Area) -> None:
        """Let an area take part."""
        self._areas[area.key] = area
        if isinstance(area, PreparingArea):  # asked here once: looking at a protocol takes 15 µs
            self._preparing[area.key] = area
        if isinstance(area, OpeningArea):
            self._opening[area.key] = area

    def check(self, options: Mapping[str, Any]) -> None:
        """Refuse unknown areas and bad options. Raises InvalidError."""
        for key, value in options.items():
            if key not in self._areas:
                known = ", ".join(sorted(self._areas)) or "none"
                raise InvalidError(f"this daemon has no option {key!r} for a session; known are {known}")
            self._areas[key].check(value)

    def prepare(self, preparation: Preparation, options: Mapping[str, Any]) -> None:
        """Let the areas take part in the preparation."""
        for key, area in self._preparing.items():
            area.prepare(preparation, options.get(key))

    async def open(self, preparation: Preparation, options: Mapping[str, Any], record: SessionRecord) -> None:
        """Let the areas make what they need before the start. Raises RoostError, with nothing left behind."""
        try:
            for key, area in self._opening.items():
                await area.open(preparation, options.get(key), record)
        except BaseException:
            self.abandon(preparation)
            raise

    def abandon(self, preparation: Preparation) -> None:
        """The session could not be started."""
        for area in self._opening.values():
            area.abandon(preparation)

    def on_session(self, session: Session, *, adopted: bool) -> None:
        """Tell every area of a session."""
        for key, area in self._areas.items():
            area.on_session(session, session.record.options.get(key), adopted=adopted)
