"""The area around shells: follows the marks of every terminal session, and integrates shells that are asked to.

Owns the option `shell` of a spawn (`{"integration": true}`) and the `shell` events. Leaves each session's `ShellTrack`
in `session.shell`.
"""

from __future__ import annotations

from typing import Any

from roost.daemon.areas import Preparation
from roost.daemon.around import Context, Wired
from roost.daemon.bus import EventBus
from roost.daemon.session import Session
from roost.daemon.shell_start import with_integration
from roost.daemon.shell_track import ShellTrack
from roost.errors import InvalidError


class ShellArea:
    """See `roost.daemon.areas.Area`."""

    key = "shell"

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus

    def check(self, options: Any) -> None:
        """Only `integration` can be asked for."""
        if not isinstance(options, dict) or set(options) - {"integration"}:
            raise InvalidError('the option "shell" is an object with "integration": true or false')
        if not isinstance(options.get("integration", False), bool):
            raise InvalidError(f'"integration" of the option "shell" is true or false, not {options["integration"]!r}')

    def prepare(self, preparation: Preparation, options: Any) -> None:
        """Change the command line and environment of a shell that is to integrate itself."""
        if not (options and options.get("integration")):
            return
        if preparation.kind != "pty":
            raise InvalidError("a shell without a terminal has no prompts to mark; leave --pipe or --shell-integration")
        preparation.argv, added = with_integration(preparation.argv, dict(preparation.given))
        preparation.environment += added

    def on_session(self, session: Session, options: Any, *, adopted: bool) -> None:
        """Follow the shell of a terminal session."""
        stream = session.streams["stdout"]
        if stream.scanner is None:
            return
        integrated = bool(options and options.get("integration"))
        session.shell = ShellTrack(
            stream.scanner, lambda type, data: self._emit(session, type, data), integrated=integrated
        )
        stream.on_marks = session.shell.take
        session.shell.take(stream.scanner.take_marks())  # what came while nobody listened

    def _emit(self, session: Session, type: str, data: dict[str, Any]) -> None:
        self._bus.emit(session, "shell", type, data, source="shell")


def wire(context: Context) -> Wired:
    """Follow shells."""
    context.areas.add(ShellArea(context.bus))
    return Wired()
