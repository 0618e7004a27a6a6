"""The requests of `roost proto`: lines of JSON, what each may say, and lines that are none. Pure.

Owns the framing (a line feed ends a line of at most 1 MiB) and the checks. The answers are made by the one who asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from roost.errors import InvalidError

MAX_LINE_BYTES = 1 << 20
MAX_TRANSCRIPT_LINES = 5000

_TEXT, _FLAG, _COUNT, _NUMBER, _TEXTS = "a text", "true or false", "a whole number", "a number", "a list of texts"
#: Request → its fields: what they are, and whether they have to be there.
FIELDS: dict[str, dict[str, tuple[str, bool]]] = {
    "send": {"text": (_TEXT, True), "enter": (_FLAG, False), "paste": (_FLAG, False), "key": (_TEXT, False)},
    "followup": {
        "text": (_TEXT, True),
        "enter": (_FLAG, False),
        "key": (_TEXT, False),
        "wait": (_TEXT, False),
        "timeout_s": (_NUMBER, False),
    },
    "resume": {"decision": (_TEXT, True), "reason": (_TEXT, False), "tool_name": (_TEXT, False)},
    "interrupt": {},
    "transcript": {"limit": (_COUNT, False)},
    "keys": {"keys": (_TEXTS, False), "text": (_TEXT, False)},
    "screen": {"lines": (_COUNT, False), "if_changed": (_TEXT, False)},
    "wait": {
        "for": (_TEXTS, True),
        "all": (_FLAG, False),
        "since": (_COUNT, False),
        "timeout_s": (_NUMBER, False),
    },
    "resize": {"rows": (_COUNT, True), "cols": (_COUNT, True)},
}


@dataclass(frozen=True, slots=True)
class ProtoRequest:
    """One request. id: whatever its sender chose; the answer carries it."""

    type: str
    id: Any
    given: Mapping[str, Any] = field(default_factory=dict)


class BadRequestError(InvalidError):
    """A line that cannot be carried out. id: of its sender, None where it cannot be read."""

    def __init__(self, message: str, id: Any = None) -> None:
        super().__init__(message)
        self.id = id


class Lines:
    """Lines out of pieces of any size. One that is too long is None, and passed over without being kept."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """The lines that are complete now."""
        *complete, rest = data.split(b"\n")
        for part in complete:
            yield self._complete(part)
        self._keep(rest)

    def end(self) -> Iterator[bytes | None]:
        """What came behind the last line feed, if anything did."""
        if self._kept or self._too_long:
            yield self._complete(b"")

    def _keep(self, part: bytes) -> None:
        self._too_long = self._too_long or len(self._kept) + len(part) > MAX_LINE_BYTES
        if self._too_long:
            self._kept.clear()
        else:
            self._kept += part

    def _complete(self, part: bytes) -> bytes | None:
        self._keep(part)
        line = None if self._too_long else bytes(self._kept)
        self._kept.clear()
        self._too_long = False
        return line


def decode_request(line: bytes | None) -> ProtoRequest:
    """The request that a line is. Raises BadRequestError."""
    if line is None:
        raise BadRequestError(f"a line is longer than {MAX_LINE_BYTES} bytes, which is the limit")
    try:
        told = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"this line is no JSON: {error}") from error
    if not isinstance(told, dict):
        raise BadRequestError('a request is a JSON object: {"type": "screen", "id": 1}')
    id = told.get("id")
    if id is not None and (isinstance(id, bool) or not isinstance(id, (str, int, float))):
        raise BadRequestError("an id is a text or a number")
    type = told.get("type")
    if not isinstance(type, str) or type not in FIELDS:
        raise BadRequestError(f"{str(type)[:80]!r} cannot be asked for; there are {', '.join(FIELDS)}", id)
    given = {name: value for name, value in told.items() if name not in ("type", "id") and value is not None}
    _check(type, given, id)
    return ProtoRequest(type, id, given)


def _check(type: str, given: Mapping[str, Any], id: Any) -> None:
    known = FIELDS[type]
    for name in given:
        if name not in known:
            raise BadRequestError(f"{type} has no {name[:80]!r}; it has {', '.join(known) or 'no fields'}", id)
    for name, (kind, required) in known.items():
        if name not in given:
            if required:
                raise BadRequestError(f"{type} needs {name!r}, {kind}", id)
        elif not _is(kind, given[name]):
            raise BadRequestError(f"{name!r} of {type} has to be {kind}", id)
    if type == "resume" and given["decision"] not in ("approve", "reject"):
        raise BadRequestError("a decision is approve or reject", id)
    if type == "followup" and given.get("wait", "") not in ("", "written", "observed"):
        raise BadRequestError("a followup waits until it is written or observed", id)


def _is(kind: str, value: Any) -> bool:
    if kind == _TEXT:
        return isinstance(value, str)
    if kind == _FLAG:
        return isinstance(value, bool)
    if kind == _TEXTS:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if isinstance(value, bool):
        return False
    if kind == _COUNT:
        return isinstance(value, int) and 0 <= value < 1 << 53
    return isinstance(value, (int, float)) and 0 <= value < 1e9


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
