"""What can be waited for, as it is written: `text=Ready`, `idle=2s`, `event=exited`. Pure.

Owns the kinds, how their values are read, and the patterns that are looked for in text. Knows nothing of sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from roost.core.durations import parse_duration
from roost.core.event_choice import TYPES, check_pattern
from roost.core.patterns import Literal, Pattern, Regex
from roost.errors import InvalidError

#: Kind → what its value is, "" for a kind without one.
KINDS = {
    "exit": "",
    "idle": "TIME",
    "text": "TEXT",
    "regex": "EXPRESSION",
    "screen-text": "TEXT",
    "screen-regex": "EXPRESSION",
    "prompt": "",
    "command-done": "",
    "state": "STATE",
    "event": "TYPE",
}
#: Kinds whose value may be left out.
_OPTIONAL = frozenset(("idle",))
STATES = ("starting", "working", "blocked", "idle", "done", "exited", "unknown")
MAX_CONDITIONS = 64
DEFAULT_IDLE_S = 2.0


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. text: as it was written. idle_s: for how long there is no output; None for the kind's own rule.

    pattern: of the text kinds. names: of the states or of the event.
    """

    kind: str
    text: str
    idle_s: float | None = None
    pattern: Pattern | None = None
    names: tuple[str, ...] = ()

    @property
    def on_screen(self) -> bool:
        """Whether it is looked for on the screen."""
        return self.kind.startswith("screen-")


def parse_conditions(texts: list[str]) -> list[Condition]:
    """All of them. Raises InvalidError for the first that cannot be."""
    if not texts:
        raise InvalidError(f"nothing to wait for was given; there are {_known()}")
    if len(texts) > MAX_CONDITIONS:
        raise InvalidError(f"{len(texts)} conditions are too many; {MAX_CONDITIONS} can be waited for at once")
    return [parse_condition(text) for text in texts]


def parse_condition(text: str) -> Condition:
    """The condition that is written so."""
    kind, equals, value = text.partition("=")
    if kind not in KINDS:
        from difflib import get_close_matches  # here, since mistakes are rare

        close = get_close_matches(kind, KINDS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {_known()}"
        raise InvalidError(f"{kind!r} cannot be waited for; {hint}")
    if KINDS[kind] and not equals and kind not in _OPTIONAL:
        raise InvalidError(f"{kind} needs a value: {kind}={KINDS[kind]}")
    if equals and not KINDS[kind]:
        raise InvalidError(f"{kind} has no value; write just {kind}")
    if kind in ("text", "screen-text"):
        return Condition(kind, text, pattern=Literal(value))
    if kind in ("regex", "screen-regex"):
        return Condition(kind, text, pattern=Regex(value))
    if kind == "idle":
        return Condition(kind, text, idle_s=parse_duration(value) if equals else None)
    if kind == "state":
        return Condition(kind, text, names=_states(value))
    if kind == "event":
        events_named(value)
        return Condition(kind, text, names=(value,))
    return Condition(kind, text)


def events_named(name: str) -> dict[str, set[str]]:
    """The event types that a name means, by category. Raises InvalidError when it means none."""
    pattern = check_pattern(name)
    if pattern.startswith("category:"):
        category = pattern.removeprefix("category:")
        return {category: set(TYPES[category])}
    found = {category: {type for type in types if fnmatchcase(type, pattern)} for category, types in TYPES.items()}
    return {category: types for category, types in found.items() if types}


def _states(value: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(","))
    for name in names:
        if name not in STATES:
            raise InvalidError(f"there is no state {name!r}; states are {', '.join(STATES)}")
    return names


def _known() -> str:
    return ", ".join(f"{kind}={value}" if value else kind for kind, value in KINDS.items())
