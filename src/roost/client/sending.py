"""Input of any length as a row of calls that each fit into a request.

Owns where a long input is cut and what is said when a later piece fails. Pure: a client performs the calls.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from roost.client.calls import Call, send_input
from roost.client.results import Sent
from roost.errors import RoostError

#: Input of one call at most; a request may have 4 MiB.
PIECE_BYTES = 1 << 20


class InputSending:
    """One input on its way. Every call of `next_call` is performed before the next is asked for."""

    def __init__(self, target: str, data: bytes, *, enter: bool, paste: bool = False) -> None:
        self._target = target
        self._paste = paste
        self._begun = False
        self._pieces = deque(pieces_of(data))
        self._enter = enter
        self._sent = Sent()

    def next_call(self) -> Call[Sent] | None:
        """The call that sends the next piece; None when everything is written."""
        if not self._pieces:
            return None
        piece = self._pieces.popleft()
        return send_input(self._target, piece, enter=self._enter and not self._pieces, paste=self._part())

    def _part(self) -> str | None:
        """Which part of a paste the piece just taken is; one that got no brackets at its begin gets none later."""
        first, last = not self._begun, not self._pieces
        self._begun = True
        if first:
            return ("whole" if last else "begin") if self._paste else None
        return ("end" if last else "more") if self._sent.pasted else None

    def answered(self, sent: Sent) -> None:
        """Takes note of an answer; the pieces after it go to the same session, whatever the target means by then."""
        self._target = sent.session_id
        offset = self._sent.offset if self._sent.session_id else sent.offset
        self._sent = replace(sent, written=self._sent.written + sent.written, offset=offset)

    def failed(self, error: RoostError) -> None:
        """Has the error say what was written before."""
        if self._sent.written:
            error.args = (f"{error.message} ({self._sent.written} bytes were written before)",)

    @property
    def result(self) -> Sent:
        """The answer to the whole."""
        return self._sent


def pieces_of(data: bytes) -> list[bytes]:
    """The data in pieces, at least one, cut behind a line end where there is one: a line is judged as a whole."""
    pieces = []
    at = 0
    while len(data) - at > PIECE_BYTES:
        limit = at + PIECE_BYTES
        line_end = max(data.rfind(b"\n", at, limit), data.rfind(b"\r", at, limit))
        cut = line_end + 1 if line_end >= 0 else limit
        pieces.append(data[at:cut])
        at = cut
    return [*pieces, data[at:]]
