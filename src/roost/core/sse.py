"""Server-sent events: how they are written, and a reader that takes bytes however they were cut.

Pure. Source: HTML Living Standard, 9.2.6 "Interpreting an event stream". The reader passes payloads through as the
bytes they were: nothing is decoded and encoded again.
"""

from __future__ import annotations

from dataclasses import dataclass

#: An event that is larger than this is no event any more.
MOST_EVENT_BYTES = 16 << 20
HEARTBEAT = b":\n\n"


class EventTooLargeError(ValueError):
    """The stream is not one of server-sent events, or its peer means no good."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event of a stream. id: the last one that was told, also by an earlier event. data: lines joined by \\n."""

    event: str
    data: bytes
    id: str


def encode_event(event: str, data: bytes, event_id: str = "") -> bytes:
    """An event as it travels; line ends in the data make it several lines."""
    head = (f"id: {event_id}\n" if event_id else "") + (f"event: {event}\n" if event else "")
    if b"\n" in data or b"\r" in data:
        lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        return head.encode() + b"".join([b"data: " + line + b"\n" for line in lines]) + b"\n"
    return b"%bdata: %b\n\n" % (head.encode(), data)


class SseReader:
    """Takes the bytes of a stream, gives its events. `retry_s`: what the server asked for, None as long as it did not.

    `last_id` is what a client that comes back sends as Last-Event-ID.
    """

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self.retry_s: float | None = None
        self._rest = b""
        self._event = ""
        self._id = last_id
        self._data: list[bytes] = []
        self._size = 0
        self._first = True

    def feed(self, data: bytes) -> list[ServerEvent]:
        """The events that are complete now. Raises EventTooLargeError."""
        self._rest += data
        if self._first:
            if len(self._rest) < 3 and b"\xef\xbb\xbf".startswith(self._rest):
                return []
            self._first = False
            self._rest = self._rest.removeprefix(b"\xef\xbb\xbf")
        events = []
        for line in self._lines():
            event = self._line(line)
            if event is not None:
                events.append(event)
        if self._size + len(self._rest) > MOST_EVENT_BYTES:
            raise EventTooLargeError(f"an event of more than {MOST_EVENT_BYTES} bytes")
        return events

    def _lines(self) -> list[bytes]:
        """The complete lines; a carriage return at the very end may be half of a line end."""
        text = self._rest
        if b"\r" not in text:
            *lines, self._rest = text.split(b"\n")
            return lines
        held = b"\r" if text.endswith(b"\r") else b""
        body = text[: len(text) - len(held)]
        *lines, rest = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = rest + held
        return lines

    def _line(self, line: bytes) -> ServerEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._size += len(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit() and len(value) < 10:
            self.retry_s = int(value) / 1000
        return None

    def _dispatch(self) -> ServerEvent | None:
        event, data = self._event, self._data
        self._event, self._data, self._size = "", [], 0
        self.last_id = self._id
        return ServerEvent(event or "message", b"\n".join(data), self._id) if data else None
