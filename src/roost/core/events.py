"""What happened, as data: the one event type, its categories and what travels as JSON.

Owns names and shapes; pure. Knows nothing of who emits, keeps or receives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol

from roost.errors import InvalidError

#: What an event may be about. `shell` and `state` are read from a session's output, `daemon` is about roost itself.
CATEGORIES = ("lifecycle", "process", "file", "network", "agent", "shell", "state", "daemon")


@dataclass(frozen=True, slots=True)
class Event:
    """One observation. Its id is (epoch, seq): an epoch is one daemon's life, later ones are greater; seq counts in it.

    at: Unix seconds. session_id: "" for the daemon itself. grade: `exact` (the source sees every one) or `sampled`.
    source: who saw it (`roost`, `proc-connector`, `inotify`, ...). offset: how much output the session had written by
    then, in bytes; None for the daemon itself.
    """

    epoch: int
    seq: int
    at: float
    category: str
    type: str
    session_id: str = ""
    session_name: str = ""
    originator: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    grade: str = "exact"
    source: str = "roost"
    offset: int | None = None

    @property
    def id(self) -> str:
        """`epoch.seq`."""
        return f"{self.epoch}.{self.seq}"

    @property
    def key(self) -> tuple[int, int]:
        """What events are ordered by."""
        return self.epoch, self.seq

    def as_dict(self) -> dict[str, Any]:
        """The event as it travels; `at` as RFC 3339 in UTC with microseconds."""
        return {
            "id": self.id,
            "at": rfc3339(self.at),
            "session_id": self.session_id,
            "session_name": self.session_name,
            "originator": self.originator,
            "category": self.category,
            "type": self.type,
            "data": self.data,
            "grade": self.grade,
            "source": self.source,
            "offset": self.offset,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Event:
        """The event of a decoded JSON object as `as_dict` gives it; unknown keys of a newer daemon are ignored.

        Raises KeyError, TypeError or ValueError for what is no event.
        """
        epoch, seq = parse_event_id(told["id"])
        known = {name: told[name] for name in _PLAIN_FIELDS if name in told}
        return cls(epoch, seq, datetime.fromisoformat(told["at"]).timestamp(), **known)


_PLAIN_FIELDS = ("category", "type", "session_id", "session_name", "originator", "data", "grade", "source", "offset")

#: The lifecycle event that stands where others are missing; see docs/events.md.
GAP = "gap"


class Filterable(Protocol):
    """What a filter looks at."""

    @property
    def category(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def session_id(self) -> str: ...

    @property
    def data(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events somebody wants. None means all.

    categories: their names. types: event types. session_ids: of these sessions; "" stands for the daemon's own events.
    A gap passes wherever something of what is missing could have passed: one of the lifecycle counts as of the category
    that its data names (of any without a name), each as of any type, and without a session as of any session.
    """

    categories: frozenset[str] | None = None
    types: frozenset[str] | None = None
    session_ids: frozenset[str] | None = None

    def wants(self, event: Filterable) -> bool:
        """Whether that event passes."""
        if event.type == GAP:
            missing = event.data.get("category") if event.category == "lifecycle" else event.category
            return (self.categories is None or missing is None or missing in self.categories) and (
                self.session_ids is None or not event.session_id or event.session_id in self.session_ids
            )
        return (
            (self.categories is None or event.category in self.categories)
            and (self.session_ids is None or event.session_id in self.session_ids)
            and (self.types is None or event.type in self.types)
        )

    def may_want(self, session_id: str, category: str) -> bool:
        """Whether any event of that session and category could pass."""
        return (self.categories is None or category in self.categories) and (
            self.session_ids is None or session_id in self.session_ids
        )


def rfc3339(at: float) -> str:
    """A moment in Unix seconds as RFC 3339 in UTC, with microseconds."""
    micros = round(at * 1e6)
    return f"{_whole_second(micros // 1_000_000)}.{micros % 1_000_000:06}Z"


@lru_cache(maxsize=4)
def _whole_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def parse_event_id(text: str) -> tuple[int, int]:
    """(epoch, seq) of an id. Raises InvalidError."""
    epoch, dot, seq = text.partition(".")
    if not (dot and epoch.isascii() and epoch.isdigit() and seq.isascii() and seq.isdigit()):
        raise InvalidError(f"{text!r} is no event id; ids look like 17.42 (`roost watch --json` shows them)")
    return int(epoch), int(seq)


def chosen(what: str, names: Sequence[str] | None) -> frozenset[str] | None:
    """The names of a choice, None for all. Raises InvalidError for an empty one: nothing would ever come of it."""
    if names is not None and not names:
        raise InvalidError(f"an empty list of {what} chooses no event at all; leave it out for all of them")
    return None if names is None else frozenset(names)


def check_categories(names: Sequence[str]) -> frozenset[str]:
    """The categories of those names. Raises InvalidError that lists the known ones."""
    for name in names:
        if name not in CATEGORIES:
            raise InvalidError(f"unknown category {name!r}; known are {', '.join(CATEGORIES)}")
    return frozenset(names)
