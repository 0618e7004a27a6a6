"""What must not get into a recording: rules over lines of output, decided in the same way however the output was cut.

Pure: bytes in, pieces out. Knows nothing of files or casts.

A rule is a regular expression over the bytes of one line (its LF included). Where it matches, `[redacted]` stands
instead; a rule with groups hides only what its groups matched. Rules do not see beyond a line. In a line that is
longer than twice LOOK_BACK_BYTES they see a window of that length, which moves on by at least LOOK_BACK_BYTES: a match
that is no longer than that is found wherever it stands, a longer one may be found in part.

What a byte becomes is decided as soon as its line is complete or the window behind it is; until then it is held back.
So the pieces depend on the bytes alone, not on the chunks in which they came: that is what makes a secret that is
written in two chunks, or typed key by key, as hidden as one written at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from roost.errors import InvalidError

#: A match of up to this length is found whatever the length of its line; held back is at most twice as much.
LOOK_BACK_BYTES = 2048
WINDOW_BYTES = 2 * LOOK_BACK_BYTES
REPLACEMENT = b"[redacted]"
MAX_RULES = 32
MAX_RULE_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Rule:
    """An expression, and what lets most lines be passed without trying it.

    needles: one of them is in every match; none, if that is not known. fold: in upper or lower case. scans: the
    expression looks at each byte a few times at most and stays within a line, so it can be tried on many lines at once.
    """

    pattern: re.Pattern[bytes]
    needles: tuple[bytes, ...] = ()
    fold: bool = False
    scans: bool = False

    def lines(self, block: bytes, folded: bytes) -> Iterator[tuple[int, int]]:
        """Where the lines are in which there may be a match; `folded` is the block in lower case, if `fold`."""
        if self.scans:
            found = [match.start() for match in self.pattern.finditer(block)]
            yield from ((block.rfind(b"\n", 0, at) + 1, block.find(b"\n", at) + 1) for at in found)
            return
        searched = folded if self.fold else block
        for needle in self.needles or (b"\n",):
            at = searched.find(needle)
            while at >= 0:
                end = block.find(b"\n", at) + 1
                yield block.rfind(b"\n", 0, at) + 1, end
                at = searched.find(needle, end)


#: Tokens by their well-known forms, and what is assigned to a name that says it is a secret: expression, needles, fold.
COMMON_RULES: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    (
        r"\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{36,255}\b|\bgithub_pat_[A-Za-z0-9_]{20,255}\b",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        False,
    ),
    (r"\bglpat-[A-Za-z0-9_-]{20,64}\b", ("glpat-",), False),
    (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", ("AKIA", "ASIA"), False),
    (r"\bsk-[A-Za-z0-9_-]{20,255}", ("sk-",), False),
    (r"\bxox[abeoprs]-[A-Za-z0-9-]{10,255}", ("xox",), False),
    (r"\beyJ[A-Za-z0-9_-]{8,1000}\.[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,1000}", ("eyJ",), False),
    (
        r"(?i)\bauthorization:[ \t]{0,8}(?:basic|bearer|token)[ \t]{1,8}([^\s\"']{1,2000})",
        ("authorization:",),
        True,
    ),
    (r"(?i)[a-z][a-z0-9+.-]{1,20}://[^/\s:@]{0,200}:([^/\s@]{1,500})@", ("://",), False),
    (
        r"(?i)\b[a-z0-9_]{0,40}(?:password|passwd|secret|api_?key|access_?key|auth_?token|access_?token|private_?key)"
        r"[a-z0-9_]{0,20}[\"']?[ \t]{0,8}[=:][ \t]{0,8}[\"']?([^\s\"']{1,1000})",
        (
            "password",
            "passwd",
            "secret",
            "apikey",
            "api_key",
            "accesskey",
            "access_key",
            "authtoken",
            "auth_token",
            "accesstoken",
            "access_token",
            "privatekey",
            "private_key",
        ),
        True,
    ),
    (r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----", ("PRIVATE KEY-----",), False),
)
#: A line of a private key's body, and of anything else that is written in base64 of that width.
_KEY_BODY = rb"^[A-Za-z0-9+/]{64}(?=\r?\n)"


@dataclass(frozen=True, slots=True)
class Piece:
    """What became of the bytes `[start, end)` of the stream; `hidden`: `data` stands for them and is not divisible."""

    start: int
    end: int
    data: bytes
    hidden: bool = False


def compile_rules(texts: Iterable[str], *, common: bool = False) -> tuple[Rule, ...]:
    """The rules of those expressions, and with `common` the built-in ones. Raises InvalidError that says why not."""
    given = list(texts)
    if len(given) > MAX_RULES:
        raise InvalidError(f"{len(given)} redaction rules; at most {MAX_RULES} are looked for")
    return tuple([_compile(text) for text in given] + (list(_common()) if common else []))


def _common() -> Iterable[Rule]:
    for text, needles, fold in COMMON_RULES:
        yield Rule(re.compile(text.encode(), re.MULTILINE), tuple(needle.encode() for needle in needles), fold)
    yield Rule(re.compile(_KEY_BODY, re.MULTILINE), scans=True)


def _compile(text: str) -> Rule:
    if len(text) > MAX_RULE_LENGTH:
        raise InvalidError(f"a redaction rule of {len(text)} characters; at most {MAX_RULE_LENGTH} are possible")
    try:
        pattern = re.compile(text.encode(), re.MULTILINE)
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        raise InvalidError(f"redaction rule {text!r} is no regular expression: {error}") from error
    if pattern.match(b"") is not None:
        raise InvalidError(f"redaction rule {text!r} matches the empty text, so it says nothing; make it longer")
    tree = import_module("re._parser").parse(text.encode(), re.MULTILINE)
    if _explodes(tree, inside=False):
        raise InvalidError(
            f"redaction rule {text!r} repeats something that repeats or branches itself, which can take for ever; "
            "write it with one repetition, like [a-z ]+ instead of ([a-z]+ ?)+"
        )
    if _needs_characters(tree):
        raise InvalidError(
            f"redaction rule {text!r}: rules match bytes, so a letter beyond ASCII can be neither in [...] nor repeated"
        )
    fold = bool(pattern.flags & re.IGNORECASE)
    needle = max(_literals(tree), key=len, default=b"")
    return Rule(pattern, (needle.lower() if fold else needle,) if needle else (), fold)


def _literals(tree: Any) -> list[bytes]:
    """The texts that every match contains, as far as that is plain to see."""
    found, run = [], bytearray()
    for name, argument in _nodes(tree):
        inner: list[bytes] = []
        if name == "LITERAL":
            run.append(argument)
            continue
        if name == "SUBPATTERN" and not (argument[1] or argument[2]):
            inner = _literals(argument[3])
        elif name in ("MAX_REPEAT", "MIN_REPEAT") and argument[0] > 0:
            inner = _literals(argument[2])
        found += [bytes(run), *inner]
        run.clear()
    return [text for text in [*found, bytes(run)] if text]


def _nodes(tree: Any) -> Iterable[tuple[str, Any]]:
    """(name, argument) of each operation of a parsed expression."""
    return ((str(operation), argument) for operation, argument in tree)


def _children(name: str, argument: Any) -> list[Any]:
    """The expressions inside an operation."""
    if name == "BRANCH":
        return list(argument[1])
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return [argument[2]]
    if name == "SUBPATTERN":
        return [argument[3]]
    if name == "ATOMIC_GROUP":
        return [argument]
    if name in ("ASSERT", "ASSERT_NOT"):
        return [argument[1]]
    if name == "GROUPREF_EXISTS":
        return [part for part in argument[1:] if part is not None]
    return []


#: More repetitions than this are as good as endless.
_MANY = 64


def _explodes(tree: Any, *, inside: bool) -> bool:
    """Whether something that may repeat often contains a repetition or a choice: the known ways to exponential time."""
    for name, argument in _nodes(tree):
        repeats = name in ("MAX_REPEAT", "MIN_REPEAT") and int(argument[1]) > _MANY
        if inside and (repeats or name == "BRANCH"):
            return True
        if any(_explodes(child, inside=inside or repeats) for child in _children(name, argument)):
            return True
    return False


def _needs_characters(tree: Any) -> bool:
    """Whether a byte of a longer character stands where it would be taken for the whole."""
    for name, argument in _nodes(tree):
        if name == "IN" and any(kind in ("LITERAL", "RANGE") and _wide(value) for kind, value in _nodes(argument)):
            return True
        if name == "NOT_LITERAL" and argument > 127:
            return True
        children = _children(name, argument)
        if name.endswith("REPEAT") and len(children[0]) == 1:
            inner, value = next(iter(_nodes(children[0])))
            if inner == "LITERAL" and value > 127:
                return True
        if any(_needs_characters(child) for child in children):
            return True
    return False


def _wide(value: Any) -> bool:
    return bool(max(value) > 127 if isinstance(value, tuple) else value > 127)


class Redactor:
    """Applies rules to a stream from one line's beginning on."""

    def __init__(self, rules: Sequence[Rule], offset: int) -> None:
        """`offset`: of the first byte that will be fed."""
        self._rules = rules
        self._offset = offset
        self._held = b""
        self._pieces: list[Piece] = []
        self._clear: list[bytes] = []
        self._clear_from = offset

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that are decided now, contiguous with those before."""
        data = self._held + data
        end = data.rfind(b"\n") + 1
        if end:
            self._lines(data[:end])
        rest = data[end:]
        while len(rest) >= WINDOW_BYTES:
            rest = rest[self._window(rest[:WINDOW_BYTES], LOOK_BACK_BYTES) :]
        self._held = rest
        return self._take()

    def flush(self) -> list[Piece]:
        """Decide what was held back: nothing follows."""
        rest, self._held = self._held, b""
        self._line(rest)
        return self._take()

    def _lines(self, block: bytes) -> None:
        """Complete lines: those that no rule can be interested in are passed as they are."""
        folded = block.lower() if any(rule.fold for rule in self._rules) else block
        interesting = {span for rule in self._rules for span in rule.lines(block, folded)}
        at = 0
        for start, end in sorted(interesting):
            self._pass(block[at:start])
            self._line(block[start:end])
            at = end
        self._pass(block[at:])

    def _line(self, line: bytes) -> None:
        """A line that is complete, or its rest."""
        while len(line) > WINDOW_BYTES:
            line = line[self._window(line[:WINDOW_BYTES], LOOK_BACK_BYTES) :]
        self._window(line, len(line))

    def _window(self, window: bytes, least: int) -> int:
        """Decide at least so many bytes of a window, and the matches that begin there; how many were decided."""
        decided, hidden = least, []
        found = [
            match for rule in self._rules for match in rule.pattern.finditer(window) if match.end() > match.start()
        ]
        for match in sorted(found, key=re.Match.start):
            if match.start() < decided or least == len(window):
                decided = max(decided, match.end())
                hidden += _hidden_spans(match)
        self._emit(window[:decided], sorted(hidden))
        return decided

    def _emit(self, data: bytes, hidden: list[tuple[int, int]]) -> None:
        at = 0
        for start, end in hidden:
            if end <= at:
                continue
            start = max(start, at)
            self._pass(data[at:start])
            self._end_clear()
            if self._pieces and self._pieces[-1].hidden and self._pieces[-1].end == self._offset:
                last = self._pieces.pop()  # what overlaps or touches is one
                self._pieces.append(Piece(last.start, self._offset + end - start, REPLACEMENT, hidden=True))
            else:
                self._pieces.append(Piece(self._offset, self._offset + end - start, REPLACEMENT, hidden=True))
            self._offset += end - start
            self._clear_from = self._offset
            at = end
        self._pass(data[at:])

    def _pass(self, data: bytes) -> None:
        if data:
            self._clear.append(data)
            self._offset += len(data)

    def _end_clear(self) -> None:
        if self._clear:
            self._pieces.append(Piece(self._clear_from, self._offset, b"".join(self._clear)))
            self._clear.clear()
        self._clear_from = self._offset

    def _take(self) -> list[Piece]:
        self._end_clear()
        pieces, self._pieces = self._pieces, []
        return pieces


def _hidden_spans(match: re.Match[bytes]) -> list[tuple[int, int]]:
    """What of a match is hidden: its groups if it has any that took part, else all of it."""
    spans = [match.span(number) for number in range(1, (match.re.groups or 0) + 1)]
    spans = [(start, end) for start, end in spans if end > start]
    return spans or [match.span()]


def redact_text(rules: Sequence[Rule], text: str) -> str:
    """A text of its own (a title, a label) with the rules applied."""
    if not rules or not text:
        return text
    redactor = Redactor(rules, 0)
    pieces = [*redactor.feed(text.encode("utf-8", "surrogateescape")), *redactor.flush()]
    return b"".join(piece.data for piece in pieces).decode("utf-8", "replace")
