"""The scanner: looks at every byte of a terminal's output once and knows what state the terminal is in.

Owns the meaning of the sequences: modes, shell marks, title, directory, queries. It must be fed in order; chunks may be
cut anywhere, the result is the same. Text without escapes costs a search for one byte.

Detaching: write `reset_string` to the terminal. Attaching at the scanner's offset: write `restore_string()`. Attaching
at an earlier offset, with the output from there replayed: write `restore_string(offset)` first. The replay itself sets
again what it sets, so after it the modes are those of now; only what adds up (keyboard pushes, entering the alternate
screen) is left to the replay where it contains it. From the very beginning nothing is set: the first output was written
to a fresh terminal, and margins or insertion that came later would garble it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from roost.core.colours import COLOURED_BY, RGB, Colours
from roost.core.modes import SCREENS, TerminalModes
from roost.core.questions import MAX_QUERIES, QUERIES, REPORTS, SIZE_QUERIES, Query
from roost.core.scanner_state import (
    VERSION,
    ScannerState,
    decode_state,
    describe_marks,
    describe_modes,
    encode_state,
    recall_marks,
    recall_modes,
)
from roost.core.sequences import (
    COLOURED,
    ESC,
    ESCAPED,
    MAX_UNFINISHED_BYTES,
    PASSTHROUGH,
    UNCOLOURED,
    WANTED,
    WANTED_OR_SHIFT,
    read_csi,
    unfinished_from,
)
from roost.core.shell_marks import DIRECTORY, MAX_PENDING, Mark, ShellMarks, command_of

MAX_TITLE_BYTES = 160
MAX_CWD_BYTES = 512
_MAX_TITLES = 3
_SHIFTS = {b"\x0f": 0, b"\x0e": 1, b"n": 2, b"o": 3}


class Scanner:
    """The state of one terminal, from its output."""

    def __init__(self) -> None:
        self.modes = TerminalModes()
        self.marks = ShellMarks()
        self.colours = Colours()
        #: Absolute offset of the next byte to be fed.
        self.offset = 0
        self.title = ""
        #: As the program reported it by OSC 7 or 633, mostly a file:// address; "" when it did not.
        self.cwd = ""
        #: Output was lost: modes may be set that are not known here. Ends with a full reset (ESC c).
        self.uncertain = False
        #: Whether `state` would differ from what it was the last time.
        self.dirty = False
        self._titles: list[str] = []
        #: How many questions are kept for `take_queries`: the newest ones.
        self.most_queries = MAX_QUERIES
        self._queries: list[Query] = []
        #: What was marked since `take_marks`; looked at after every chunk, hence no method.
        self.fresh_marks: list[Mark] = []
        self._command_told = False
        self._tail = b""
        self._passthrough = False
        self._trusts_offset = False
        self._data = b""
        self._base = 0
        self._starts: list[int] | None = None
        self._pattern = WANTED
        self._span = (0, 0)

    # --- keeping ----------------------------------------------------------------------------------------------------

    @property
    def state(self) -> bytes:
        """Everything as at most MAX_BYTES of `scanner_state`, for `from_state`. Pending queries are not part of it."""
        self.dirty = False
        return encode_state(
            ScannerState(
                version=VERSION,
                offset=self.offset,
                tail=self._tail,
                passthrough=self._passthrough,
                uncertain=self.uncertain,
                title=self.title,
                titles=self._titles,
                cwd=self.cwd,
                modes=describe_modes(self.modes),
                marks=describe_marks(self.marks),
                colours=self.colours.packed(),
            )
        )

    @classmethod
    def from_state(cls, data: bytes) -> Self:
        """A scanner that goes on where that one was; no bytes give a fresh one, unreadable ones an uncertain one.

        The state need not be stored again while it is not `dirty`: the first chunk may then stand behind its offset.
        """
        scanner = cls()
        if not data:
            return scanner
        state = decode_state(data)
        scanner._trusts_offset = True
        if state is None:
            scanner.uncertain = True
            scanner.dirty = True
            return scanner
        scanner.offset, scanner._tail, scanner._passthrough = state.offset, state.tail, state.passthrough
        scanner.uncertain, scanner.title, scanner._titles = state.uncertain, state.title, state.titles
        scanner.cwd, scanner.colours = state.cwd, Colours(state.colours)
        scanner.modes, scanner.marks = recall_modes(state.modes), recall_marks(state.marks)
        return scanner

    def lapped(self) -> None:
        """Says that output was lost before the next chunk."""
        self._tail = b""
        self._passthrough = False
        self._trusts_offset = True
        self.uncertain = True
        self.dirty = True

    def resized(self, rows: int = 0) -> None:
        """Says how many rows the session's terminal has, first and at every resize; 0: another number than before."""
        self.modes.resize(rows)
        self.dirty = True

    # --- answers ----------------------------------------------------------------------------------------------------

    def reset_string(self, served: int | None = None) -> bytes:
        """What leaves a terminal as a fresh one; empty when nothing is to be undone. Title and text stay.

        served: how far the terminal got. When that is not as far as the scanner, or modes are uncertain, also what is
        not known to be set is undone.
        """
        behind = served is not None and served < self.offset
        return self.modes.undo(everything=self.uncertain or behind)

    def restore_string(self, before: int | None = None) -> bytes:
        """What gives a fresh terminal the modes and title that the program has set; see the module for `before`."""
        if before == 0:  # everything is replayed, onto the terminal that the program had found
            return b""
        title = b"\x1b]2;%s\x07" % self.title.encode() if self.title else b""
        return self.modes.repeat(before) + title

    @property
    def asked(self) -> bool:
        """Whether there are questions to be taken."""
        return bool(self._queries)

    def take_queries(self) -> list[Query]:
        """The questions to the terminal since the last call, the newest `most_queries`."""
        queries, self._queries = self._queries, []
        return queries

    def take_marks(self) -> list[Mark]:
        """The shell marks since the last call, the newest MAX_PENDING."""
        marks, self.fresh_marks = self.fresh_marks, []
        return marks

    # --- reading ----------------------------------------------------------------------------------------------------

    def feed(self, chunk: bytes | memoryview, offset: int) -> None:
        """Looks at the bytes from `offset` on. What was seen before is skipped; bytes left out count as lost."""
        if offset != self.offset:
            chunk = self._align(chunk, offset)
        self._trusts_offset = False
        data = chunk if isinstance(chunk, bytes) else bytes(chunk)
        base = self.offset - len(self._tail)
        self.offset += len(data)
        if self._tail:
            data, self._tail = self._tail + data, b""
            self.dirty = True
        elif not self._passthrough and ESC not in data and b"\x0e" not in data and b"\x0f" not in data:
            return
        self._scan(data, base)

    def _align(self, chunk: bytes | memoryview, offset: int) -> bytes | memoryview:
        if offset > self.offset:
            if self._tail or not self._trusts_offset:
                self.lapped()
            self.offset = offset
            return chunk
        return chunk[self.offset - offset :]

    def _scan(self, data: bytes, base: int) -> None:
        position = 0
        while True:
            if self._passthrough:
                position = self._skip_passthrough(data, position)
                if self._passthrough:
                    return
            opened = data.find(PASSTHROUGH, position)
            if opened < 0:
                break
            self._scan_span(data, base, position, opened)
            position = opened + len(PASSTHROUGH)
            self._passthrough = self.dirty = True
        end = max(position, unfinished_from(data))
        self._scan_span(data, base, position, end)
        self._keep_tail(data[end:])

    def _skip_passthrough(self, data: bytes, position: int) -> int:
        end = position
        for found in ESCAPED.finditer(data, position):
            end = found.end()
            if found[1] == b"\\":
                self._passthrough = False
                self.dirty = True
                return end
        self._keep_tail(ESC if data.endswith(ESC) and end < len(data) else b"")
        return len(data)

    def _keep_tail(self, tail: bytes) -> None:
        if len(tail) <= MAX_UNFINISHED_BYTES and tail:
            self._tail = tail
            self.dirty = True

    def _scan_span(self, data: bytes, base: int, start: int, end: int) -> None:
        shifts = data.find(b"\x0e", start, end) >= 0 or data.find(b"\x0f", start, end) >= 0
        pattern = WANTED_OR_SHIFT if shifts else WANTED
        bodies = (
            [found[1] or found[0] for found in pattern.finditer(data, start, end)]
            if shifts
            else (pattern.findall(data, start, end))
        )
        reset = b"c" in bodies or b"[!p" in bodies
        if bodies:
            self._data, self._base, self._span, self._pattern, self._starts = data, base, (start, end), pattern, None
            for index, body in enumerate(bodies):
                self._apply(body, index)
            self._data, self._starts = b"", None
            self.dirty = True
        self._look_for_colour(data, start, end, reset=reset)

    def _offset_of(self, index: int) -> int:
        """Where a sequence stands: looked up only for the few of which it matters."""
        if self._starts is None:
            self._starts = [found.start() for found in self._pattern.finditer(self._data, *self._span)]
        return self._base + self._starts[index]

    def _look_for_colour(self, data: bytes, start: int, end: int, *, reset: bool) -> None:
        off = -1
        for sequence in (*UNCOLOURED, b"\x1bc", b"\x1b[!p") if reset else UNCOLOURED:
            off = max(off, data.rfind(sequence, max(off, start), end))
        if off < 0 and self.modes.coloured and not reset:
            return
        coloured = COLOURED.search(data, max(off, start), end) is not None
        if coloured is not self.modes.coloured:
            self.modes.coloured = coloured
            self.dirty = True

    # --- meanings ---------------------------------------------------------------------------------------------------

    def _apply(self, body: bytes, index: int) -> None:
        kind = body[:1]
        if kind == b"[":
            self._control(body, index)
        elif kind == b"]":
            self._string(body, index)
        elif body in _SHIFTS:
            self.modes.shift = _SHIFTS[body]
        elif kind in b"()*+":
            self.modes.set_charset(body[0], body[1:])
        elif kind in b"=>":
            self.modes.switch(66, kind == b"=")
        elif kind == b"c":
            self.modes.full_reset()
            self.colours = Colours()
            self.uncertain = False
        elif kind == b"%":
            self.modes.not_utf8 = body == b"%@"
        elif kind == b"Z":
            self._ask("da1", body, index)
        elif kind == b"P":
            self._ask("xtgettcap" if body.startswith(b"P+") else "decrqss", body, index)

    def _control(self, body: bytes, index: int) -> None:
        key, numbers = read_csi(body)
        if key in (b"[?h", b"[?l"):
            on = key == b"[?h"
            for number in numbers:
                self.modes.switch(number, on, self._offset_of(index) if number in SCREENS else 0)
        elif key in (b"[h", b"[l"):
            for number in numbers:
                self.modes.switch(-number, key == b"[h")
        elif key == b"[r":
            self.modes.set_region(numbers[0], numbers[1] if len(numbers) > 1 else 0)
        elif key == b"[ q":
            self.modes.cursor_shape = min(numbers[0], 255)
        elif key == b"[!p":
            self.modes.soft_reset()
        else:
            self._keys_or_query(key, numbers, body, index)

    def _keys_or_query(self, key: bytes, numbers: tuple[int, ...], body: bytes, index: int) -> None:
        if key == b"[>u":
            self.modes.kitty_keys.push(numbers[0], self._offset_of(index))
        elif key == b"[<u":
            self.modes.kitty_keys.pop(numbers[0])
        elif key == b"[=u":
            self.modes.kitty_keys.set(numbers[0], numbers[1] if len(numbers) > 1 else 1)
        elif key in (b"[>m", b"[>n"):
            if numbers[0] in (0, 4):
                wanted = numbers[1] if key == b"[>m" and numbers[0] == 4 and len(numbers) > 1 else 0
                self.modes.modify_keys = min(wanted, 255)
        elif key == b"[t":
            self._window(numbers, body, index)
        elif key == b"[n":
            if numbers[0] in REPORTS:
                self._ask(REPORTS[numbers[0]], body, index)
        elif key == b"[c":
            if numbers == (0,):
                self._ask("da1", body, index)
        elif key in QUERIES:
            self._ask(QUERIES[key], body, index)

    def _window(self, numbers: tuple[int, ...], body: bytes, index: int) -> None:
        names_title = len(numbers) < 2 or numbers[1] in (0, 2)
        if numbers[0] == 22 and names_title:
            self._titles = [*self._titles[1 - _MAX_TITLES :], self.title]
        elif numbers[0] == 23 and names_title and self._titles:
            self.title = self._titles.pop()
        elif numbers[0] in SIZE_QUERIES:
            self._ask("size", body, index)

    def _string(self, body: bytes, index: int) -> None:
        number, _, text = body[1:].partition(b";")
        if number in (b"0", b"2"):
            self.title = _readable(text, MAX_TITLE_BYTES)
        elif number == b"7":
            self._set_cwd(text, index)
        elif number in (b"133", b"633"):
            self._mark(text, index)
        elif number in COLOURED_BY:
            before = self.colours.now
            if self.colours.apply(COLOURED_BY[number], text):
                self._ask("osc" + number.decode(), body, index, before)
        elif text.split(b";")[-1] == b"?":
            self._ask("osc" + number.decode(), body, index)

    def _mark(self, text: bytes, index: int) -> None:
        letter, _, rest = text.decode("utf-8", "replace").partition(";")
        if letter == "E":
            self.marks.set_command(rest.partition(";")[0])
            self._command_told = True
        elif letter == "P":
            if rest.startswith("Cwd="):
                self._set_cwd(rest[4:].encode(), index)
        elif letter in ("A", "B", "C", "D"):
            offset = self._offset_of(index)
            if letter == "C" and (command := command_of(rest)):
                self.marks.set_command(command)
            elif letter == "C" and not self._command_told:
                self.marks.set_command("")  # the last one that was told is another one's
            self._command_told = self._command_told and letter != "C"
            after = self.marks.last
            self.marks.mark(letter, rest.partition(";")[0], offset)
            code = self.marks.exit_code if letter == "D" else None
            self._note(Mark(letter, offset, code, self.marks.command if letter == "C" else "", after))

    def _note(self, mark: Mark) -> None:
        self.fresh_marks.append(mark)
        del self.fresh_marks[:-MAX_PENDING]

    def _set_cwd(self, text: bytes, index: int) -> None:
        # A directory cut short would be another one.
        cwd = _readable(text, MAX_CWD_BYTES) if len(text) <= MAX_CWD_BYTES else ""
        if cwd != self.cwd:
            self.cwd = cwd
            self._note(Mark(DIRECTORY, self._offset_of(index), text=cwd))

    def _ask(self, kind: str, body: bytes, index: int, colours: Mapping[int, RGB] = {}) -> None:
        self._queries.append(Query(self._offset_of(index), kind, body, colours))
        del self._queries[: -self.most_queries]


def _readable(text: bytes, limit_bytes: int) -> str:
    shown = "".join(filter(str.isprintable, text.decode("utf-8", "replace")))
    return shown.encode()[:limit_bytes].decode("utf-8", "ignore")
