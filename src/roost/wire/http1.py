"""The little of HTTP/1.1 that a client of roost needs: a request written, an answer read however it was cut.

Pure. Source: RFC 9112. Bodies with a length, in chunks, or up to the end of the connection; anything else in an answer
is a ProtocolError. Knows nothing of sockets, redirects or caches: there are none here.
"""

from __future__ import annotations

from roost.errors import ProtocolError

TYPE_CHECKING = False  # typing itself is not imported: that would cost more than this package
if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_HEAD_BYTES = 64 * 1024
_MOST_CHUNK_LINE = 256


def encode_request(method: str, path: str, host: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """A request. A header that would end the head early is refused. Raises ProtocolError."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers)]
    if body or method not in ("GET", "HEAD"):
        lines.append(f"Content-Length: {len(body)}")
    if any("\r" in line or "\n" in line for line in lines):
        raise ProtocolError("a line end in a header")
    return "\r\n".join((*lines, "", "")).encode("latin-1", "replace") + body


class AnswerReader:
    """Reads one answer. `status` is 0 until its head is whole; `done` once the body is."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.done = False
        self._rest = b""
        self._left: int | None = None  # of the body, or of a chunk; None: until the end of the connection
        self._chunked = False
        self._in_trailer = False
        self._behind_chunk = False

    def feed(self, data: bytes) -> bytes:
        """Take received bytes; the part of the body among them. Raises ProtocolError."""
        self._rest += data
        if not self.status and not self._read_head():
            return b""
        return self._read_chunks() if self._chunked else self._read_plain()

    def feed_eof(self) -> None:
        """Take the end of the connection. Raises ProtocolError when it cut the answer in two."""
        if self.status and not self._chunked and self._left is None:
            self.done = True
        if not self.done:
            raise ProtocolError("the connection ended in the middle of an answer")

    # --- head -------------------------------------------------------------------------------------------------------

    def _read_head(self) -> bool:
        while True:
            head, end, rest = self._rest.partition(b"\r\n\r\n")
            if not end:
                if len(head) > MOST_HEAD_BYTES:
                    raise ProtocolError(f"the head of an answer is larger than {MOST_HEAD_BYTES} bytes")
                return False
            self._rest = rest
            status = self._parse(head)
            if status >= 200 or status == 101:
                self.status = status
                self._measure()
                return True

    def _parse(self, head: bytes) -> int:
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ", 2)
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or len(words[1]) != 3 or not words[1].isdecimal():
            raise ProtocolError(f"this is no HTTP/1.1 answer: {first[:80]!r}")
        self.headers = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise ProtocolError(f"this is no header: {line[:80]!r}")
            self.headers[name.strip().lower()] = value.strip()
        return int(words[1])

    def _measure(self) -> None:
        encoding = self.headers.get("transfer-encoding", "").lower()
        length = self.headers.get("content-length")
        if encoding and encoding != "chunked":
            raise ProtocolError(f"the answer is encoded as {encoding[:40]!r}")
        if encoding:
            self._chunked = True
            self._left = 0
        elif length is not None:
            if not (length.isascii() and length.isdecimal()):
                raise ProtocolError(f"the answer is {length[:40]!r} bytes long")
            self._left = int(length)
            self.done = not self._left
        elif self.status in (101, 204, 304):
            self._left = 0
            self.done = True

    # --- body -------------------------------------------------------------------------------------------------------

    def _read_plain(self) -> bytes:
        body, self._rest = self._rest, b""
        if self._left is not None:
            body = body[: self._left]
            self._left -= len(body)
            self.done = not self._left
        return body

    def _read_chunks(self) -> bytes:
        parts = []
        while not self.done:
            if self._left:
                part = self._rest[: self._left]
                if not part:
                    break
                parts.append(part)
                self._rest = self._rest[len(part) :]
                self._left -= len(part)
                self._behind_chunk = not self._left
                continue
            line, end, rest = self._rest.partition(b"\r\n")
            if not end:
                if len(line) > _MOST_CHUNK_LINE:
                    raise ProtocolError("a chunk of an answer has no length")
                break
            self._rest = rest
            self._take_line(line)
        return b"".join(parts)

    def _take_line(self, line: bytes) -> None:
        if self._behind_chunk:
            if line:
                raise ProtocolError("a chunk of an answer is longer than it said")
            self._behind_chunk = False
            return
        if self._in_trailer:
            self.done = not line
            return
        size = line.partition(b";")[0].strip()
        if not size or size.strip(b"0123456789abcdefABCDEF") or len(size) > 15:
            raise ProtocolError(f"a chunk of an answer has the length {line[:40]!r}")
        self._left = int(size, 16)
        self._in_trailer = not self._left
