"""Which events somebody asks for by name: types, globs of types, categories, and globs of sessions. Pure.

Owns the known types and the form of a choice (`exited`, `tool_*`, `category:network`, `*`). Knows nothing of who asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase, translate

from roost.core.events import CATEGORIES, Event
from roost.errors import InvalidError

#: The types there are, by category.
TYPES: dict[str, tuple[str, ...]] = {
    "lifecycle": (
        "spawned",
        "started",
        "attached",
        "detached",
        "stolen",
        "resized",
        "renamed",
        "exited",
        "purged",
        "adopted",
        "gap",
    ),
    "process": ("fork", "exec", "exit"),
    "file": ("created", "modified", "closed", "renamed", "deleted"),
    "network": ("listen", "connect", "accept", "close"),
    "agent": (
        "response_start",
        "response_delta",
        "response_end",
        "tool_lifecycle",
        "job_lifecycle",
        "approval_lifecycle",
        "generic",
    ),
    "shell": ("prompt", "command_started", "command_finished", "cwd_changed"),
    "state": ("state_changed",),
    "daemon": (
        "source_failed",
        "source_recovered",
        "sink_failing",
        "sink_recovered",
        "config_reloaded",
        "hooks_dropped",
    ),
}
#: Categories whose sources cost something: they run for whoever names them, not for who takes whatever there is.
COSTLY = frozenset({"process", "file", "network"})
#: What may be asked of a session.
SESSION_KEYS = ("id", "name", "originator")

_CATEGORY = "category:"
_MAGIC = re.compile(r"[*?\[]")


class EventChoice:
    """The events that pass. Without patterns everything does, but only what costs nothing is made to happen for it."""

    def __init__(self, patterns: Sequence[str] = (), sessions: Mapping[str, Sequence[str]] | None = None) -> None:
        """`sessions`: globs by what of a session they are about; each key has to match, with any of its globs. With
        them only events of sessions pass."""
        self._all = not patterns
        self._categories = {p.removeprefix(_CATEGORY) for p in patterns if p.startswith(_CATEGORY)}
        self._types = [p for p in patterns if not p.startswith(_CATEGORY)]
        self._known: dict[tuple[str, str], bool] = {}
        self._sessions = {
            key: re.compile("|".join(map(translate, globs))) for key, globs in (sessions or {}).items() if globs
        }
        self.active = self._active()

    def _active(self) -> frozenset[str]:
        """The categories that were asked for."""
        if self._all:
            return frozenset(CATEGORIES) - COSTLY
        named = {c for c, types in TYPES.items() if any(fnmatchcase(t, p) for p in self._types for t in types)}
        return frozenset(named | self._categories)

    def wants(self, event: Event) -> bool:
        """Whether that event passes."""
        if not self._all:
            key = (event.category, event.type)
            known = self._known.get(key)
            if known is None:
                known = self._known[key] = self._names(event.category, event.type)
            if not known:
                return False
        if not self._sessions:
            return True
        return bool(event.session_id) and self.wants_session(event.session_id, event.session_name, event.originator)

    def wants_session(self, id: str, name: str, originator: str) -> bool:
        """Whether events of that session may pass."""
        facts = {"id": id, "name": name, "originator": originator}
        return all(pattern.match(facts[key]) for key, pattern in self._sessions.items())

    def _names(self, category: str, type: str) -> bool:
        return category in self._categories or any(fnmatchcase(type, pattern) for pattern in self._types)


def check_types(names: Iterable[str]) -> frozenset[str]:
    """The event types of those names. Raises InvalidError that lists the known ones."""
    known = {name for types in TYPES.values() for name in types}
    for name in names:
        if name not in known:
            raise InvalidError(f"there is no event type {name!r}; known are {', '.join(sorted(known))}")
    return frozenset(names)


def check_pattern(pattern: str) -> str:
    """The pattern, unchanged. Raises InvalidError, with what is accepted, for one that could never match."""
    if pattern.startswith(_CATEGORY):
        name = pattern.removeprefix(_CATEGORY)
        if name not in CATEGORIES:
            raise InvalidError(f"unknown category {name!r}; known are {', '.join(CATEGORIES)}")
        return pattern
    known = sorted({name for types in TYPES.values() for name in types})
    if not any(fnmatchcase(name, pattern) for name in known):
        from difflib import get_close_matches  # here, since mistakes are rare

        close = get_close_matches(pattern, known, 1)
        hint = f"did you mean {close[0]!r}? Known" if close and not _MAGIC.search(pattern) else "known"
        raise InvalidError(f"no event is called {pattern!r}; {hint} are {', '.join(known)}; or write category:NAME")
    return pattern
