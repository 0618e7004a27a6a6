"""The spawn options `observe`: what the sources of events are asked for when a session starts.

Owns their form and their check: `exact` (process events by ptrace), `watch_paths` (beside the working directory),
`ignore` (patterns in the syntax of .gitignore), `observers` (registered before the first event), `categories` (observed
whether somebody watches or not). What is done with them comes from outside: those who take part add themselves.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from roost.core.events import check_categories
from roost.daemon.areas import Preparation
from roost.daemon.around import Context
from roost.daemon.session import Session
from roost.errors import InvalidError

#: Paths and patterns a session may name.
_MOST_ITEMS = 256
_MOST_LENGTH = 4096


@dataclass(frozen=True, slots=True)
class ObserveOptions:
    """The checked form. `observers` is the business of those who deliver events."""

    exact: bool = False
    watch_paths: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    observers: Any = None
    categories: tuple[str, ...] = ()

    def wants(self, category: str) -> bool:
        """Whether that category is asked for here, so that it will be wanted once the session has started."""
        if self is NOTHING:
            return False
        observers = self.observers if isinstance(self.observers, list) else []
        asked = [set(self.categories), *(set(o.get("categories") or ()) for o in observers if isinstance(o, dict))]
        return any(category in names for names in asked)


#: Of a session that asks for nothing, as most do.
NOTHING = ObserveOptions()


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who takes part in a session's start for the sake of its events; see `roost.daemon.areas.Area`."""

    check: Callable[[ObserveOptions], None] = lambda _options: None
    prepare: Callable[[Preparation, ObserveOptions], None] = lambda _preparation, _options: None
    on_session: Callable[..., None] = lambda _session, _options, *, adopted: None


class ObserveArea:
    """The area. Participants take part in the order in which they were added."""

    key = "observe"

    def __init__(self) -> None:
        self._participants: list[Participant] = []

    def add(self, participant: Participant) -> None:
        """Let somebody take part."""
        self._participants.append(participant)

    def check(self, options: Any) -> None:
        """Refuse options that make no sense. Raises InvalidError."""
        parsed = parse_observe(options)
        for participant in self._participants:
            participant.check(parsed)

    def prepare(self, preparation: Preparation, options: Any) -> None:
        """Pass it on."""
        parsed = parse_observe(options)
        for participant in self._participants:
            participant.prepare(preparation, parsed)

    def on_session(self, session: Session, options: Any, *, adopted: bool) -> None:
        """Pass it on."""
        parsed = parse_observe(options)
        for participant in self._participants:
            participant.on_session(session, parsed, adopted=adopted)


def observe_area(context: Context) -> ObserveArea:
    """The one of this daemon; made by whoever asks first."""
    area: ObserveArea | None = context.shared.get("observe")
    if area is None:
        area = context.shared["observe"] = ObserveArea()
        context.areas.add(area)
    return area


def parse_observe(options: Any) -> ObserveOptions:
    """The options as they travel, checked. Raises InvalidError."""
    if options is None:
        return NOTHING
    if not isinstance(options, dict):
        raise InvalidError("observe: the options are an object")
    unknown = sorted(set(options) - {"exact", "watch_paths", "ignore", "observers", "categories"})
    if unknown:
        raise InvalidError(
            f"observe: unknown option {unknown[0]!r}; known are exact, watch_paths, ignore, observers and categories"
        )
    exact = options.get("exact", False)
    if not isinstance(exact, bool):
        raise InvalidError(f"observe: exact is true or false, not {exact!r}")
    paths = _texts("watch_paths", options.get("watch_paths"))
    for path in paths:
        if not os.path.isabs(path):
            raise InvalidError(f"observe: the watch path {path!r} is not absolute; the daemon's directory is not yours")
    categories = _texts("categories", options.get("categories"))
    check_categories(list(categories))
    return ObserveOptions(exact, paths, _texts("ignore", options.get("ignore")), options.get("observers"), categories)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidError(f"observe: {name} is a list of texts")
    if len(value) > _MOST_ITEMS:
        raise InvalidError(f"observe: {len(value)} {name}; at most {_MOST_ITEMS} are possible")
    for item in value:
        if not item or "\0" in item or len(item) > _MOST_LENGTH:
            raise InvalidError(f"observe: {name} has an entry that is empty, too long or contains a NUL byte")
    return tuple(value)
