"""Which sinks the last daemon had, in a file: only those go on where they had got to.

Owns that file. A sink that was taken out of the configuration and comes back begins anew, as it does with a reload.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable


class Roster:
    """The names of the configured sinks. Blocks for a moment; a file that cannot be written changes nothing."""

    def __init__(self, directory: str) -> None:
        self._path = os.path.join(directory, "sinks.json")
        self._written: list[str] | None = None

    def read(self) -> frozenset[str] | None:
        """The names; None when no daemon wrote any."""
        with contextlib.suppress(OSError, ValueError), open(self._path, encoding="utf-8") as file:
            names = json.load(file)
            if isinstance(names, list):
                return frozenset(map(str, names))
        return None

    def write(self, names: Iterable[str]) -> None:
        """These are the sinks from now on."""
        chosen = sorted(names)
        if chosen == self._written or (not chosen and not os.path.exists(self._path)):
            return
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            with open(f"{self._path}.new", "w", encoding="utf-8") as file:
                json.dump(chosen, file)
            os.replace(f"{self._path}.new", self._path)
            self._written = chosen
