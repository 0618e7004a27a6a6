"""The configuration in force: read at the start, read again on request, applied by everybody or by nobody.

Owns the file's reading and the copy of the last text that could be used: a daemon that starts while the file is
broken goes on with that copy, and says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any

from roost.core.config import Config, read_config
from roost.core.config_reading import ConfigError, Problem, Surroundings
from roost.daemon.config_file import read_file
from roost.errors import InvalidError

log = logging.getLogger(__name__)

#: Takes a configuration, checks what only the daemon can check (raising InvalidError), returns what applies it at once.
Participant = Callable[[Config], Awaitable[Callable[[], None]]]


class ConfigStore:
    """What is in force. `origin`: `file`, `defaults` (there is no file) or `kept` (the file is broken)."""

    def __init__(self, path: str, kept_path: str, around: Surroundings) -> None:
        self.path = path
        self.current = read_config("", path, around)
        self.origin = "defaults"
        self.problems: tuple[Problem, ...] = ()  # of the file as it was last read
        self._kept_path = kept_path
        self._around = around
        self._participants: list[Participant] = []
        self._turn = asyncio.Lock()

    def load(self) -> None:
        """Read the file for the first time; never fails."""
        try:
            text, self.current = self._read()
            self._keep(text)
            self.origin = "file" if text is not None else "defaults"
        except ConfigError as error:
            self.problems = error.problems
            self._fall_back()
            log.error("%s cannot be used, %s:\n%s", self.path, self.in_force(), error.message)

    def _fall_back(self) -> None:
        with contextlib.suppress(OSError, ConfigError), open(self._kept_path, encoding="utf-8") as file:
            self.current = read_config(file.read(), self.path, self._around)
            self.origin = "kept"

    def in_force(self) -> str:
        """What is in force instead of a broken file, in words."""
        return "the last good one is in force" if self.origin == "kept" else "the defaults are in force"

    def participate(self, participant: Participant) -> None:
        """Have `participant` take part in every later change; it reads what is in force now by itself."""
        self._participants.append(participant)

    async def reload(self) -> Config:
        """Read the file again and apply it. Raises ConfigError, and what was in force stays so."""
        async with self._turn:
            try:
                text, config = await asyncio.to_thread(self._read)
                applying = [await participant(config) for participant in self._participants]
            except ConfigError as error:
                self.problems = error.problems
                raise
            except InvalidError as error:
                self.problems = (Problem(self.path, 0, "", error.message),)
                raise ConfigError(self.problems) from error
            for apply in applying:
                apply()
            self.current, self.problems = config, ()
            self.origin = "file" if text is not None else "defaults"
            await asyncio.to_thread(self._keep, text)
            return config

    def look(self) -> tuple[Problem, ...]:
        """What is wrong with the file as it is now, or, if nothing is, why it was refused; applies nothing."""
        try:
            self._read()
        except ConfigError as error:
            return error.problems
        return self.problems

    def describe(self) -> dict[str, Any]:
        """What is in force and where it comes from, as JSON."""
        return {
            "file": self.path,
            "origin": self.origin,
            "settings": [{"key": s.key, "value": s.value, "origin": s.origin} for s in self.current.settings],
            "problems": [str(problem) for problem in self.problems],
        }

    def _read(self) -> tuple[str | None, Config]:
        text = read_file(self.path)
        return text, read_config(text or "", self.path, self._around)

    def _keep(self, text: str | None) -> None:
        fresh = f"{self._kept_path}.{os.getpid()}"
        try:
            with open(fresh, "w", encoding="utf-8", opener=_private) as file:
                file.write(text or "")
            os.replace(fresh, self._kept_path)
        except OSError as error:
            log.warning("a copy of the configuration cannot be kept: %s", error)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
