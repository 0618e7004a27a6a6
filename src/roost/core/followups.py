"""Input that waits for its turn, and the receipt for it. Pure.

    queued → writing → written → observed          it was seen that it did something
                                → stalled          nothing was seen of it
    queued → cancelled · failed (the session ended, or took nothing)

Owns the states and the stored form. What was being written when a daemon was killed is never written again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from roost.errors import InvalidError

MAX_TEXT_CHARACTERS = 256 * 1024
MAX_KEY_CHARACTERS = 200
#: How much of a text is kept once it was written.
SHORT_TEXT_CHARACTERS = 200
#: States behind which nothing follows.
OVER = frozenset(("observed", "stalled", "cancelled", "failed"))


@dataclass(frozen=True, slots=True)
class Followup:
    """One input and its receipt. Times in Unix seconds; offset: where the output stood before it was written.

    key: of the sender, makes a repeat harmless. now: it waits for nobody but those before it. idle_by: what told that
    its turn had come (agent, shell, screen, quiet). seen_by: what of it was seen (agent, echo, output).
    """

    id: str
    session_id: str
    session_name: str
    text: str
    queued_at: float
    key: str = ""
    enter: bool = True
    paste: bool = True
    now: bool = False
    asked_by: str = ""
    state: str = "queued"
    written_at: float | None = None
    over_at: float | None = None
    offset: int | None = None
    idle_by: str = ""
    seen_by: str = ""
    reason: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in OVER

    def describe(self) -> dict[str, Any]:
        """As it travels."""
        return asdict(self)

    def says_the_same(self, other: Followup) -> bool:
        """Whether a repeat means this one."""
        mine, others = _short(self.text), _short(other.text)
        return (mine, self.enter, self.paste, self.now) == (others, other.enter, other.paste, other.now)

    def shortened(self) -> Followup:
        """With the beginning of its text only."""
        return replace(self, text=_short(self.text))


def _short(text: str) -> str:
    return text if len(text) <= SHORT_TEXT_CHARACTERS else text[: SHORT_TEXT_CHARACTERS - 1] + "…"


def check_followup(text: str, key: str) -> None:
    """Refuse what cannot be queued. Raises InvalidError."""
    if len(text) > MAX_TEXT_CHARACTERS:
        raise InvalidError(f"{len(text)} characters; {MAX_TEXT_CHARACTERS} can be queued at once")
    if len(key) > MAX_KEY_CHARACTERS:
        raise InvalidError(f"a key of {len(key)} characters; {MAX_KEY_CHARACTERS} are the limit")


def encode_followups(followups: Iterable[Followup]) -> bytes:
    """As they are kept."""
    return json.dumps({"version": 1, "followups": [asdict(one) for one in followups]}).encode()


def decode_followups(data: bytes) -> list[Followup]:
    """What was kept. Raises InvalidError for anything else."""
    names = {field.name for field in fields(Followup)}
    try:
        stored = json.loads(data)["followups"]
        found = [Followup(**{key: value for key, value in one.items() if key in names}) for one in stored]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidError(f"these are no followups: {error!r}") from error
    if not all(isinstance(text, str) for one in found for text in (one.id, one.session_id, one.text, one.state)):
        raise InvalidError("these are no followups: a text is none")
    return found
