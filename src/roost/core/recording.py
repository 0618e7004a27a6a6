"""How a stream becomes a recording that can be gone on with by another daemon, whenever the first one is killed.

Pure: bytes, times and offsets in, lines of a cast out.

A cast is no plain copy: its lines are escaped, timed and redacted, so its size says nothing about the stream. But
version 3 has comments, which players skip. Every write is a *batch*: some events, then one comment, the **checkpoint**

    # roost offset=8192 time=12.345678 size=80x24 missed=0

which says up to which byte of the stream the file has everything, when the last event was, the terminal's size and how
many bytes are missing. A daemon that takes over looks for the last whole checkpoint, cuts off what stands behind it
(a batch that was torn by the kill) and goes on at its offset. Nothing is repeated, nothing is left out: either a batch
is in the file with its checkpoint, or it is written anew from the ring. No other record of progress exists.

Batches are made from the ring alone, beginning at a checkpoint, so a batch that failed is simply made again. With
rules, a checkpoint stands only where every rule has decided (`roost.core.redaction`): a secret cannot be cut in two by
a daemon's death. What is undecided yet stays in the ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roost.core.cast import INPUT, MARKER, OUTPUT, RESIZE, event_line, parse_size, size_text
from roost.core.redaction import LOOK_BACK_BYTES, Piece, Redactor, Rule, redact_text

#: One event has at most this much of the stream.
EVENT_BYTES = 32 * 1024
CHECKPOINT = b"# roost "
_ENDED = "end"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a file stands. missed: bytes of the stream that are not in it, since the recording began."""

    offset: int
    at_us: int
    rows: int
    cols: int
    missed: int = 0
    ended: bool = False

    def line(self) -> str:
        """The comment."""
        seconds, micros = divmod(self.at_us, 1_000_000)
        size = size_text(self.rows, self.cols)
        end = f" {_ENDED}" if self.ended else ""
        return f"# roost offset={self.offset} time={seconds}.{micros:06d} size={size} missed={self.missed}{end}\n"


def parse_checkpoint(line: bytes) -> Checkpoint | None:
    """The checkpoint that a whole line (its LF included) is; None for any other line."""
    if not line.startswith(CHECKPOINT) or not line.endswith(b"\n"):
        return None
    words = line[len(CHECKPOINT) :].decode("ascii", "replace").split()
    named = dict(word.partition("=")[::2] for word in words)
    size = parse_size(named.get("size", ""))
    seconds, _, micros = named.get("time", "").partition(".")
    try:
        at_us = int(seconds) * 1_000_000 + int(micros)
        offset, missed = int(named["offset"]), int(named["missed"])
    except (KeyError, ValueError):
        return None
    if size is None or len(micros) != 6:
        return None
    return Checkpoint(offset, at_us, *size, missed=missed, ended=_ENDED in named)


def last_checkpoint(tail: bytes) -> tuple[Checkpoint, int] | None:
    """The last checkpoint in the end of a file, and how many bytes of `tail` stand up to its LF; None without one."""
    at = len(tail)
    while (at := tail.rfind(b"\n" + CHECKPOINT, 0, at)) >= 0:
        end = tail.find(b"\n", at + 1) + 1
        found = parse_checkpoint(tail[at + 1 : end])
        if found is not None:
            return found, end
    return None


@dataclass(frozen=True, slots=True)
class Mark:
    """By that moment the stream was seen to have bytes up to `offset`."""

    offset: int
    at_us: int


@dataclass(frozen=True, slots=True)
class Aside:
    """What is not output: an event that stands behind the byte before `offset`."""

    offset: int
    at_us: int
    code: str
    data: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be written next.

    start: the checkpoint that it goes on from. data: the stream from `read_from` on, which is `start.offset` or, after
    a loss, later; with `context` some bytes more stand in front of it, which rules see and nobody writes. final:
    nothing follows, so nothing is held back. returns: LF becomes CR LF, for output that passed through no terminal.
    """

    start: Checkpoint
    read_from: int
    data: bytes
    marks: Sequence[Mark] = ()
    asides: Sequence[Aside] = ()
    context: bytes = b""
    final: bool = False
    ended: bool = False
    returns: bool = False


@dataclass(frozen=True, slots=True)
class Encoded:
    """A batch as lines, and where the file stands when they are in it. Empty lines: nothing is decided yet.

    asides: how many of the batch's are among the lines.
    """

    lines: bytes
    checkpoint: Checkpoint
    asides: int = 0


def encode_batch(batch: Batch, rules: Sequence[Rule] = ()) -> Encoded:
    """The lines of a batch."""
    return _Encoding(batch, rules).run()


class _Encoding:
    """One batch on its way into lines."""

    def __init__(self, batch: Batch, rules: Sequence[Rule]) -> None:
        self._batch = batch
        self._rules = rules
        self._lines: list[str] = []
        self._at_us = batch.start.at_us
        self._offset = batch.start.offset
        self._missed = batch.start.missed
        self._size = (batch.start.rows, batch.start.cols)
        self._carry = b""  # the beginning of a character
        self._asides = list(batch.asides)
        self._marks = list(batch.marks)
        self._aside = 0
        self._mark = 0

    def run(self) -> Encoded:
        batch = self._batch
        data, read_from = batch.data, batch.read_from
        if read_from > batch.start.offset:
            if self._rules and not self._line_begins(data):
                return Encoded(b"", batch.start)
            data, read_from = self._gap(data, read_from)
        pieces = self._decide(data, read_from)
        for piece in pieces:
            self._piece(piece)
        if batch.final:
            self._spell(b"", self._at_us, final=True)
        self._asides_up_to(self._offset, all_of_them=batch.final)
        if not self._lines and not batch.ended:
            return Encoded(b"", batch.start)
        written = self._offset - len(self._carry)
        checkpoint = Checkpoint(written, self._at_us, *self._size, missed=self._missed, ended=batch.ended)
        self._lines.append(checkpoint.line())
        return Encoded("".join(self._lines).encode("utf-8", "replace"), checkpoint, self._aside)

    def _now(self) -> int:
        return max([self._at_us, *(mark.at_us for mark in self._marks[-1:])])

    def _line_begins(self, data: bytes) -> bool:
        """Whether it is seen where the line ends that a loss cut in two."""
        return self._batch.final or len(data) >= LOOK_BACK_BYTES or b"\n" in data

    def _gap(self, data: bytes, read_from: int) -> tuple[bytes, int]:
        """Say what is missing. With rules the rest of a line that lost its beginning is left out too: it may be the
        rest of a secret."""
        if self._rules:
            cut = data.find(b"\n", 0, LOOK_BACK_BYTES) + 1 or min(len(data), LOOK_BACK_BYTES)
            data, read_from = data[cut:], read_from + cut
        self._asides_up_to(self._offset)
        missing = read_from - self._offset
        self._missed += missing
        self._lines.append(f"# roost gap from={self._offset} to={read_from}\n")
        self._event(self._time_at(self._offset), MARKER, f"roost: {missing} bytes are missing here")
        self._offset = read_from
        return data, read_from

    def _decide(self, data: bytes, read_from: int) -> list[Piece]:
        if not self._rules:
            return [Piece(read_from, read_from + len(data), data)] if data else []
        redactor = Redactor(self._rules, read_from - len(self._batch.context))
        pieces = redactor.feed(self._batch.context + data)
        if self._batch.final:
            pieces += redactor.flush()
        return [kept for piece in pieces if (kept := _behind(piece, read_from)) is not None]

    def _piece(self, piece: Piece) -> None:
        """Write a piece, cut where an aside stands or another moment begins; what is hidden stays whole."""
        if piece.hidden:
            self._asides_up_to(piece.start)
            self._spell(b"", self._at_us, final=True)
            self._offset = piece.end
            self._event(self._time_at(piece.start), OUTPUT, piece.data.decode())
            return
        at = piece.start
        while at < piece.end:
            self._asides_up_to(at)
            time_us, until = self._moment(at)
            end = min(piece.end, until, at + EVENT_BYTES)
            self._offset = end
            self._spell(piece.data[at - piece.start : end - piece.start], time_us)
            at = end

    def _spell(self, data: bytes, time_us: int, *, final: bool = False) -> None:
        """Write output as text; what is no UTF-8 becomes U+FFFD, a character that is cut waits for its rest."""
        data = self._carry + data
        keep = 0 if final else _unfinished(data)
        self._carry = data[len(data) - keep :] if keep else b""
        text = (data[: len(data) - keep] if keep else data).decode("utf-8", "replace")
        if text:
            self._event(time_us, OUTPUT, text.replace("\n", "\r\n") if self._batch.returns else text)

    def _event(self, time_us: int, code: str, text: str) -> None:
        time_us = max(time_us, self._at_us)
        self._lines.append(event_line(time_us - self._at_us, code, text))
        self._at_us = time_us

    def _asides_up_to(self, offset: int, *, all_of_them: bool = False) -> None:
        while self._aside < len(self._asides):
            aside = self._asides[self._aside]
            if aside.offset > offset and not all_of_them:
                return
            self._aside += 1
            size = parse_size(aside.data) if aside.code == RESIZE else None
            if aside.code == RESIZE and (size is None or size == self._size):
                continue
            self._size = size or self._size
            # Typed text was redacted when its line was complete.
            text = aside.data if aside.code == INPUT else redact_text(self._rules, aside.data)
            self._event(aside.at_us, aside.code, text)

    def _moment(self, offset: int) -> tuple[int, int]:
        """When the byte at `offset` was seen, and up to which offset that or an aside's place lasts."""
        while self._mark < len(self._marks) and self._marks[self._mark].offset <= offset:
            self._mark += 1
        until = self._asides[self._aside].offset if self._aside < len(self._asides) else offset + EVENT_BYTES
        if self._mark == len(self._marks):
            return self._now(), until
        mark = self._marks[self._mark]
        return mark.at_us, min(mark.offset, until)

    def _time_at(self, offset: int) -> int:
        return self._moment(offset)[0]


def _behind(piece: Piece, offset: int) -> Piece | None:
    """What of a piece is to be written, if what stands before `offset` was context."""
    if piece.end <= offset:
        return None
    if piece.start >= offset:
        return piece
    if piece.hidden:
        return Piece(offset, piece.end, piece.data, hidden=True)
    return Piece(offset, piece.end, piece.data[offset - piece.start :])


def _unfinished(data: bytes) -> int:
    """How many bytes at the end are the beginning of a character whose rest has not come."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        length = 2 if 0xC2 <= byte <= 0xDF else 3 if 0xE0 <= byte <= 0xEF else 4 if 0xF0 <= byte <= 0xF4 else 1
        return back if back < length and _may_go_on(data[-back:]) else 0
    return 0


def _may_go_on(start: bytes) -> bool:
    """Whether more bytes can make a character of these. Source: RFC 3629, section 4."""
    if len(start) < 2:
        return True
    least, most = {0xE0: (0xA0, 0xBF), 0xED: (0x80, 0x9F), 0xF0: (0x90, 0xBF), 0xF4: (0x80, 0x8F)}.get(
        start[0], (0x80, 0xBF)
    )
    return least <= start[1] <= most
