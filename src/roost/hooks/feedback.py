"""Commands that change files and are run by changed files: where nobody knows who wrote, they would run for ever. Pure.

Owns the brake: a directory whose changes ran a command too often without a pause is left out until it is quiet. Changes
that the kernel ascribes to a process need none: those of hooks are never told.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import dataclass

from roost.core.events import Event

#: So many changes in one directory, none longer than PAUSE_S after the one before, look like the command's own.
MOST = 100
PAUSE_S = 2.0
#: How long a directory has to be quiet to be believed again.
QUIET_S = 10.0
_DIRECTORIES = 1000


@dataclass(slots=True)
class _Directory:
    at: float
    count: int = 0
    held: bool = False


class Feedback:
    """What one command has been told of which directory."""

    def __init__(self) -> None:
        self._directories: OrderedDict[str, _Directory] = OrderedDict()
        #: The directory that was left out last, "" before there was one.
        self.begun = ""
        self.held = 0

    def passes(self, event: Event, now: float) -> bool:
        """Whether to run the command for that event; `begun` names a directory that is left out from now on."""
        self.begun = ""
        if event.category != "file" or "pid" in event.data:
            return True
        name = os.path.dirname(str(event.data.get("path", "")))
        found = self._directories.pop(name, None) or _Directory(now)
        self._directories[name] = found
        if len(self._directories) > _DIRECTORIES:
            self._directories.popitem(last=False)
        if now - found.at > (QUIET_S if found.held else PAUSE_S):
            found.count, found.held = 0, False
        found.at = now
        found.count += 1
        if not found.held and found.count > MOST:
            found.held, self.begun = True, name
        self.held += found.held
        return not found.held
