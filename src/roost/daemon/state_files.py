"""The files with rules about screens: the one that comes with roost, and the user's, read again when it changes.

Owns where they are. A mistake in the user's file costs the rules it is in, and is shown by `roost explain`.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from roost.core.state_rules import RuleBook, read_rules
from roost.daemon.config_file import own_config_path

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

log = logging.getLogger(__name__)

_MAX_BYTES = 1 << 20


class StateFiles:
    """Reads them when they are first needed."""

    def __init__(self) -> None:
        config = own_config_path()
        self.path = os.path.join(os.path.dirname(config), "states.toml")
        self._own: RuleBook | None = None
        self._book: RuleBook | None = None
        self._stamp: tuple[int, int] | None = (-1, -1)

    @property
    def paths(self) -> list[str]:
        """The user's file and the one that comes with roost."""
        return [self.path, str(_rules_of_roost())]

    def book(self) -> RuleBook:
        """All rules, the user's first."""
        if self._own is None:
            text = _rules_of_roost().read_text("utf-8")
            self._own = read_rules(text, "states.toml of roost")
        stamp = _stamp_of(self.path)
        if self._book is None or stamp != self._stamp:
            self._stamp = stamp
            theirs = RuleBook() if stamp is None else self._read()
            for problem in theirs.problems:
                log.warning("%s", problem)
            self._book = theirs.over(self._own)
        return self._book

    def _read(self) -> RuleBook:
        try:
            with open(self.path, "rb") as file:
                return read_rules(file.read(_MAX_BYTES).decode("utf-8"), self.path)
        except (OSError, UnicodeDecodeError) as error:
            return RuleBook(problems=(f"{self.path}: cannot be read: {error}",))


def _rules_of_roost() -> Traversable:
    from importlib.resources import files  # here: dear, and few sessions have an agent

    return files("roost.core").joinpath("states.toml")


def _stamp_of(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
