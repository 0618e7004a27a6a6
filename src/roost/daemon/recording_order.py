"""What a recording is, for everybody who asks for one, and the file that it begins with.

Owns the words of an order and the first lines. How output gets into the file is the business of `recorder`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from roost.core.cast import CastHeader
from roost.core.events import check_categories
from roost.core.recording import Checkpoint
from roost.core.redaction import Rule, compile_rules, redact_text
from roost.daemon.cast_file import CastFile, append_cast, create_cast
from roost.daemon.record import RecordingRecord, SessionRecord
from roost.daemon.tee_file import reason
from roost.errors import InvalidError

#: What all rules of a recording may have together: they are kept with the session.
MAX_RULES_LENGTH = 4096
DEFAULT_EVENTS = ("shell",)


class RecordOptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A recording as somebody asks for it, at a spawn or later.

    path: absolute. stream: of a pipe session. append: go on in a recording that is there already. redact: regular
    expressions; with `redact_common` the built-in ones too. events: categories whose events become markers.
    """

    path: str = ""
    stream: str = "stdout"
    append: bool = False
    input: bool = False
    hold: bool = False
    redact: list[str] = []
    redact_common: bool = False
    events: tuple[str, ...] = DEFAULT_EVENTS

    def check(self) -> tuple[Rule, ...]:
        """The compiled rules. Raises InvalidError for what no recording can be."""
        if not self.path.startswith("/") or "\0" in self.path:
            raise InvalidError(f"{self.path!r} is no path of a recording; it must be absolute")
        if self.stream not in ("stdout", "stderr"):
            raise InvalidError(f"no stream {self.stream!r}; a recording is of stdout (a terminal's output) or stderr")
        check_categories(list(self.events))
        if sum(map(len, self.redact)) > MAX_RULES_LENGTH:
            raise InvalidError(f"redaction rules of more than {MAX_RULES_LENGTH} characters together")
        return compile_rules(self.redact, common=self.redact_common)


@dataclass(frozen=True, slots=True)
class Opened:
    """A recording whose file is open and whose session may not exist yet. created: the file is ours."""

    record: RecordingRecord
    rules: Sequence[Rule]
    file: CastFile
    checkpoint: Checkpoint
    created: bool


def record_options(options: Any) -> RecordOptions:
    """The order in those JSON values. Raises InvalidError."""
    try:
        return msgspec.convert(options, RecordOptions)
    except msgspec.ValidationError as error:
        raise InvalidError(f"the options of the recording: {error}") from error


def cast_header(session: SessionRecord, rules: Sequence[Rule]) -> CastHeader:
    """What a session's recording says of itself; its texts go by the rules too."""
    return CastHeader(
        cols=session.cols,
        rows=session.rows,
        term=session.term,
        timestamp=int(time.time()),
        command=redact_text(rules, session.command),
        title=redact_text(rules, session.name),
    )


@dataclass(frozen=True, slots=True)
class Made:
    """The file of a recording. created: it was not there before."""

    file: CastFile
    created: bool


def make_file(path: bytes, head: bytes, tail: bytes, *, append: bool) -> Made | InvalidError:
    """The file of a recording, with its first lines; an error comes back as a value."""
    name = path.decode("utf-8", "replace")
    try:
        if append:
            try:
                return Made(append_cast(path, tail), created=False)
            except FileNotFoundError:
                pass
        return Made(create_cast(path, head + tail), created=True)
    except FileExistsError:
        return InvalidError(f"{name} exists already; choose another, or go on in it by `roost record start --append`")
    except OSError as error:
        return InvalidError(f"{name} cannot be recorded to: {reason(error)}")
    except InvalidError as error:
        return InvalidError(f"{name} cannot be recorded to: {error.message}")
