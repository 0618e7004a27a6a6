"""What a session is given to read, on its way into a recording.

Owns the lines that are being typed. A line that is typed while the terminal does not show it (a password) is never
recorded: `[redacted]` stands for it. With rules, typed text is recorded line by line, because a rule has to see a line
whole; without, key by key.
"""

from __future__ import annotations

import codecs
import re
import termios
from collections.abc import Callable, Sequence

from roost.core.cast import INPUT
from roost.core.redaction import LOOK_BACK_BYTES, REPLACEMENT, Rule, redact_text
from roost.daemon.session import Session
from roost.errors import RoostError

_LINE = re.compile(rb"[^\r\n]*[\r\n]|[^\r\n]+")


class RecordedInput:
    """A tap on a child's input. Nobody waits for it."""

    full = False

    def __init__(self, session: Session, aside: Callable[[str, str], None], rules: Sequence[Rule]) -> None:
        """`aside(code, text)` takes an event of the recording."""
        self._session = session
        self._aside = aside
        self._rules = rules
        self._line = b""
        self._hidden = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def took(self, data: bytes) -> None:
        """The child was given that."""
        for part in _LINE.findall(data):
            self._part(part)

    def _part(self, part: bytes) -> None:
        ended = part[-1:] in b"\r\n"
        if self._unseen():
            self._hidden = True
            part = part[-1:] if ended else b""
        if self._rules:
            self._line += part
            if ended or len(self._line) >= LOOK_BACK_BYTES:
                self._tell_line()
        else:
            self._tell(self._decoder.decode(part), ended=ended)

    def _tell_line(self) -> None:
        line, self._line = self._line, b""
        self._tell(redact_text(self._rules, line.decode("utf-8", "replace")), ended=line[-1:] in b"\r\n")

    def _tell(self, text: str, *, ended: bool) -> None:
        if self._hidden and ended:
            self._hidden = False
            text = REPLACEMENT.decode() + text
        if text:
            self._aside(INPUT, text)

    def _unseen(self) -> bool:
        """Whether the terminal collects a line without showing it, as for a password."""
        if not self._session.is_pty:
            return False
        try:
            flags = termios.tcgetattr(self._session.terminal)[3]
        except (termios.error, RoostError):
            return False
        return bool(flags & termios.ICANON) and not flags & termios.ECHO

    def input_closed(self) -> None:
        """There will be no more input."""
        if self._line:
            self._tell_line()
