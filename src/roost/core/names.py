"""Session ids and names: how they are made and which are allowed.

Owns their shape. Randomness and the names already taken are passed in.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Container

from roost.errors import InvalidError

ID_PREFIX = "s-"
ID_LENGTH = 10
#: Random bytes that `session_id` needs: 10 characters of 5 bits.
ID_RANDOM_BYTES = 7
MAX_NAME_LENGTH = 64
FALLBACK_NAME = "session"

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_ID_SHAPE = re.compile(rf"{ID_PREFIX}[{_BASE32}]{{{ID_LENGTH}}}")
_UNWANTED = re.compile(r"[^\w.+@-]+")
#: Left free at the end of a made name for "-2", "-3" and so on.
_ROOM_FOR_NUMBER = 8


def session_id(random_bytes: bytes) -> str:
    """A session id from at least ID_RANDOM_BYTES random bytes: `s-` and 10 characters base32, never all digits."""
    if len(random_bytes) < ID_RANDOM_BYTES:
        raise ValueError(f"{ID_RANDOM_BYTES} random bytes are needed, got {len(random_bytes)}")
    bits = int.from_bytes(random_bytes[:ID_RANDOM_BYTES], "big")
    text = "".join([_BASE32[(bits >> (5 * place)) & 31] for place in range(ID_LENGTH)])
    if text.isdigit():  # what follows the prefix must not read as a pid either
        text = "a" + text[1:]
    return ID_PREFIX + text


def is_session_id(text: str) -> bool:
    """Whether the text has the shape of a session id."""
    return _ID_SHAPE.fullmatch(text) is not None


def name_for_command(program: str | bytes, taken: Container[str], numbers: Numbers | None = None) -> str:
    """A free name made from argv[0]: its base name, cleaned; `bash`, then `bash-2`, `bash-3`.

    taken: the names of live sessions.
    """
    return free_name(_clean(os.fsdecode(program)), taken, numbers)


class Numbers:
    """From which number on one may be free, for each name that was asked for: hundreds of `bash` are not looked through
    for each new one. Has to be told of every name that is given up; a number too low costs looks, nothing else."""

    def __init__(self) -> None:
        self._least: dict[str, int] = {}

    def least(self, stem: str) -> int:
        """No lower number is free."""
        return self._least.get(stem, 2)

    def given(self, stem: str, number: int) -> None:
        """All up to this one are taken."""
        self._least[stem] = number + 1

    def given_up(self, name: str) -> None:
        """A name is free again."""
        stem, _, number = name.rpartition("-")
        if stem in self._least and number.isdecimal():
            self._least[stem] = min(self._least[stem], max(2, int(number)))


def free_name(name: str, taken: Container[str], numbers: Numbers | None = None) -> str:
    """The name if nobody has it, else the name with the least free number from 2 on."""
    if name not in taken:
        return name
    stem = name[: MAX_NAME_LENGTH - _ROOM_FOR_NUMBER]
    number = numbers.least(stem) if numbers else 2
    while f"{stem}-{number}" in taken:
        number += 1
    if numbers is not None:
        numbers.given(stem, number)
    return f"{stem}-{number}"


@functools.lru_cache(64)
def _clean(program: str) -> str:
    text = program.encode("utf-8", "replace").decode().rstrip("/").rpartition("/")[2]
    text = _UNWANTED.sub("-", text).strip("-")[: MAX_NAME_LENGTH - _ROOM_FOR_NUMBER]
    if not text:
        return FALLBACK_NAME
    return f"{FALLBACK_NAME}-{text}" if text.isdecimal() or is_session_id(text) else text


def check_name(name: str) -> str:
    """The name, unchanged; InvalidError when a session cannot have it.

    Refused is what could not be typed as a target or would mean something else there: blanks, control characters,
    slashes, a leading dash, a number (a pid), the shape of an id, an address.
    """
    wrong = _what_is_wrong(name)
    if wrong:
        shown = name if len(name) <= MAX_NAME_LENGTH else name[:MAX_NAME_LENGTH] + "…"
        raise InvalidError(f"name {shown!r} cannot be used: it {wrong}; give another")
    return name


def _what_is_wrong(name: str) -> str | None:
    if not name:
        return "is empty"
    if len(name) > MAX_NAME_LENGTH:
        return f"has {len(name)} characters, at most {MAX_NAME_LENGTH} are allowed"
    if name.startswith(("http://", "https://")):
        return "reads as an address"
    if "/" in name or any(character.isspace() or not character.isprintable() for character in name):
        return "contains a slash, a blank or a control character"
    if name.startswith("-"):
        return "starts with a dash and would be taken for an option"
    if name.isdecimal():
        return "is a number and would be taken for a process id"
    if is_session_id(name):
        return "has the form of a session id"
    return None
