"""asciicast files: what their lines say, version 3 to write, versions 1 to 3 to read, version 2 to export.

Pure: lines in, events out. Source: the format's specification (docs.asciinema.org/manual/asciicast/v1, v2, v3). Times
are microseconds since the recording's start here, because intervals that are rounded one by one would drift.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from json.encoder import encode_basestring as _quoted_python
from typing import Any

from roost.errors import InvalidError

OUTPUT, INPUT, RESIZE, MARKER, EXIT = "o", "i", "r", "m", "x"

_US = 1_000_000


def _quoting() -> Callable[[str], str]:
    try:
        from _json import encode_basestring
    except ImportError:
        return _quoted_python
    return encode_basestring


quoted = _quoting()


@dataclass(frozen=True, slots=True)
class CastEvent:
    """One event. at_us: since the start. code: o, i, r ("COLSxROWS"), m, x; others may come from newer recorders."""

    at_us: int
    code: str
    data: str


@dataclass(slots=True)
class CastHeader:
    """What a recording says of itself. `extra`: whatever else its first line has, as it is."""

    cols: int = 80
    rows: int = 24
    version: int = 3
    term: str = ""
    timestamp: int | None = None
    command: str = ""
    title: str = ""
    env: dict[str, str] = field(default_factory=dict)
    idle_time_limit: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def line(self, version: int = 3) -> bytes:
        """The first line of a file of that version (2 or 3)."""
        fields: dict[str, Any] = {"version": version}
        if version == 3:
            fields["term"] = {"cols": self.cols, "rows": self.rows, **({"type": self.term} if self.term else {})}
            env = self.env
        else:
            fields |= {"width": self.cols, "height": self.rows}
            env = {**({"TERM": self.term} if self.term else {}), **self.env}
        for name in ("timestamp", "idle_time_limit", "command", "title"):
            value = getattr(self, name)
            if value not in (None, ""):
                fields[name] = value
        if env:
            fields["env"] = env
        return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def event_line(interval_us: int, code: str, data: str) -> str:
    """One line of a version 3 file; the interval is that since the event before."""
    seconds, micros = divmod(interval_us, _US)
    return f'[{seconds}.{micros:06d}, "{code}", {quoted(data)}]\n'


def size_text(rows: int, cols: int) -> str:
    """A size as events have it."""
    return f"{cols}x{rows}"


def parse_size(text: str) -> tuple[int, int] | None:
    """(rows, cols) of a resize event; None if it is none."""
    cols, by, rows = text.partition("x")
    if by and cols.isascii() and rows.isascii() and cols.isdigit() and rows.isdigit() and len(text) <= 11:
        return int(rows), int(cols)
    return None


@dataclass(frozen=True, slots=True)
class Cast:
    """A recording that is read: its header, then its events, one after the other."""

    header: CastHeader
    events: Iterator[CastEvent]


def read_cast(lines: Iterable[bytes], name: str = "the file") -> Cast:
    """The recording in those lines. A torn last line is left out; anything else that is wrong raises InvalidError."""
    rows = iter(lines)
    first = next(rows, b"")
    try:
        head = json.loads(first)
    except ValueError:
        head = _whole_v1(first, rows)
    if isinstance(head, dict) and head.get("version") == 1:
        return Cast(_header_v1(head, name), _events_v1(head, name))
    if not isinstance(head, dict) or head.get("version") not in (2, 3):
        raise InvalidError(f"{name} is no asciicast: its first line is no header of version 1, 2 or 3")
    version = int(head["version"])
    header = _header_v3(head, name) if version == 3 else _header_v2(head, name)
    return Cast(header, _events(rows, version, name))


def _whole_v1(first: bytes, rest: Iterator[bytes]) -> Any:
    """Version 1 is one JSON document, which may stand on several lines."""
    if not first.lstrip().startswith(b"{"):
        return None
    try:
        return json.loads(b"".join([first, *rest]))
    except ValueError:
        return None


def _header_v3(head: dict[str, Any], name: str) -> CastHeader:
    term = head.get("term")
    if not isinstance(term, dict):
        raise InvalidError(f"{name}: its header says nothing of a terminal")
    header = _header(head, term.get("cols"), term.get("rows"), name, "term")
    kind = term.get("type")
    header.term = kind if isinstance(kind, str) else ""
    return header


def _header_v2(head: dict[str, Any], name: str) -> CastHeader:
    header = _header(head, head.get("width"), head.get("height"), name, "width", "height")
    header.version, header.term = 2, header.env.pop("TERM", "")
    return header


def _header_v1(head: dict[str, Any], name: str) -> CastHeader:
    header = _header(head, head.get("width"), head.get("height"), name, "width", "height", "stdout", "duration")
    header.version, header.term = 1, header.env.pop("TERM", "")
    return header


def _header(head: dict[str, Any], cols: Any, rows: Any, name: str, *known: str) -> CastHeader:
    if not all(isinstance(side, int) and 0 < side < 65536 for side in (cols, rows)):
        raise InvalidError(f"{name}: its header has no size that a terminal can have")
    env = head.get("env")
    names = {"version", "timestamp", "command", "title", "env", "idle_time_limit", *known}
    return CastHeader(
        cols=cols,
        rows=rows,
        timestamp=int(head["timestamp"]) if isinstance(head.get("timestamp"), int | float) else None,
        command=head["command"] if isinstance(head.get("command"), str) else "",
        title=head["title"] if isinstance(head.get("title"), str) else "",
        env={k: v for k, v in env.items() if isinstance(v, str)} if isinstance(env, dict) else {},
        idle_time_limit=head["idle_time_limit"] if isinstance(head.get("idle_time_limit"), int | float) else None,
        extra={key: value for key, value in head.items() if key not in names},
    )


def _events(rows: Iterator[bytes], version: int, name: str) -> Iterator[CastEvent]:
    at_us = 0
    for number, row in enumerate(rows, 2):
        if row.startswith(b"#") or not row.strip():
            continue
        event = _event(row)
        if event is None:
            if not row.endswith(b"\n"):
                return
            raise InvalidError(f"{name}:{number}: no event of an asciicast; an event is [time, code, data]")
        time_us, code, data = event
        at_us = at_us + time_us if version == 3 else max(at_us, time_us)
        yield CastEvent(at_us, code, data)


def _event(row: bytes) -> tuple[int, str, str] | None:
    try:
        time, code, data = json.loads(row)
        return max(0, round(time * _US)), str(code), data if isinstance(data, str) else json.dumps(data)
    except (ValueError, TypeError, OverflowError):
        return None


def _events_v1(head: dict[str, Any], name: str) -> Iterator[CastEvent]:
    at_us = 0
    for frame in head.get("stdout") or ():
        try:
            delay, data = frame
            at_us += max(0, round(delay * _US))
        except (ValueError, TypeError, OverflowError) as error:
            raise InvalidError(f"{name}: a frame of stdout is not [delay, data]") from error
        yield CastEvent(at_us, OUTPUT, str(data))


def as_version_2(cast: Cast) -> Iterator[bytes]:
    """The lines of the same recording in version 2; the exit, which it does not know, becomes a marker."""
    yield cast.header.line(2)
    for event in cast.events:
        code, data = (MARKER, f"exit {event.data}") if event.code == EXIT else (event.code, event.data)
        seconds, micros = divmod(event.at_us, _US)
        yield f"[{seconds}.{micros:06d}, {quoted(code)}, {quoted(data)}]\n".encode("utf-8", "replace")


def as_version_3(cast: Cast) -> Iterator[bytes]:
    """The lines of the same recording in version 3."""
    yield cast.header.line(3)
    before_us = 0
    for event in cast.events:
        yield event_line(event.at_us - before_us, event.code, event.data).encode("utf-8", "replace")
        before_us = event.at_us
