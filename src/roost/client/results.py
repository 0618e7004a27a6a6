"""What a client's verbs answer with, where it is not a type of `roost.model`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roost.model.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(Record):
    """Input that was written to the child: how many bytes, and to which session.

    offset: where its output stood before (a wait for what comes of the input starts there). pasted: the text is within
    the brackets of a paste that is not ended yet. inexact: keys that the program cannot tell from simpler ones.
    """

    written: int = 0
    session_id: str = ""
    offset: int = 0
    pasted: bool = False
    inexact: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited(Record):
    """What a wait came to. matched: what was met, in that order, each with its `condition` as it was given, and where.

    offset: from where to wait on (behind what was found). missed: bytes of output that left the ring before they were
    looked at. exit: how the session ended, None while it runs. why: "" when the wait was met.
    """

    session_id: str = ""
    name: str = ""
    matched: tuple[Mapping[str, Any], ...] = ()
    offset: int = 0
    missed: int = 0
    exit: Mapping[str, Any] | None = None
    why: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPiece(Record):
    """Output from an offset on: [start_offset, next_offset). ended: nothing will follow it."""

    data: bytes
    start_offset: int = 0
    next_offset: int = 0
    missed: int = 0
    ended: bool = False
    exit: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalInfo(Record):
    """A request for approval. state: pending, approved, denied or expired. Times in Unix seconds.

    session_id: of the session that it is about, "" for none. decision: "approve", "deny", None where nobody decided:
    whoever asked then asks in another way, and takes it for no permission. decided_by: through what.
    """

    id: str
    tool: str = ""
    detail: str = ""
    session_id: str = ""
    session_name: str = ""
    asked_at: float = 0.0
    expires_at: float = 0.0
    asked_by: str = ""
    state: str = "pending"
    decision: str | None = None
    reason: str = ""
    decided_at: float | None = None
    decided_by: str = ""

    @property
    def approved(self) -> bool:
        """Whether somebody said yes."""
        return self.state == "approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Record):
    """What became of an input that was queued. Times in Unix seconds.

    state: queued, writing, written, then observed (something was seen of it: seen_by "agent", "echo" or "output") or
    stalled (nothing was, or a killed daemon was at it: it may have arrived); else cancelled or failed, and `reason`.
    offset: where the output stood before it. idle_by: what told that its turn had come.
    """

    id: str
    session_id: str = ""
    session_name: str = ""
    text: str = ""
    key: str = ""
    state: str = "queued"
    queued_at: float = 0.0
    written_at: float | None = None
    over_at: float | None = None
    offset: int | None = None
    idle_by: str = ""
    seen_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed(Record):
    """What came of a command in a session's shell.

    output: what it wrote to the terminal, escape sequences and all, with `omitted_bytes` missing behind the first
    `head_bytes`. exit_code: None where it is not known; `reason` then says why ("no_marks", "busy", "not_a_shell",
    "starting", "not_started", "incomplete", "not_told", "timeout", "exited"), `explanation` in words. [output_offset,
    end_offset) is where the output stands. exit: how the session ended, None while it runs.
    """

    output: bytes = b""
    exit_code: int | None = None
    reason: str = ""
    explanation: str = ""
    duration_s: float | None = None
    command: str = ""
    session_id: str = ""
    name: str = ""
    output_offset: int | None = None
    end_offset: int | None = None
    head_bytes: int | None = None
    omitted_bytes: int = 0
    exit: Mapping[str, Any] | None = None

    @property
    def text(self) -> str:
        """The output as plain text, without escape sequences and with line feeds as line ends."""
        import re

        from roost.core.plain_text import PlainText

        # Without marks: what stands behind one of a prompt is output here, too.
        unmarked = re.sub(rb"\x1b\](?:133|633);[^\x07\x1b]*(?:\x07|\x1b\\)", b"", self.output)
        return PlainText(0).feed(unmarked).text.decode("utf-8", "replace")
