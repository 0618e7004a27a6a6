"""The values that frames of an attachment decode to; knows nothing of how they travel."""

from __future__ import annotations

from roost.wire.record import Record

TYPE_CHECKING = False  # typing itself is not imported: that would cost more than this package
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    InputKind: TypeAlias = Literal["input", "resize", "interrupt", "detach", "close_stdin"]


class ExitInfo(Record):
    """How a session ended. `code` is None if unknown or if `signal` ended it; `at` is in Unix seconds."""

    __slots__ = ("code", "signal", "outcome", "at")  # noqa: RUF023 (a Record unpacks in this order)

    def __init__(self, code: int | None, signal: int | None, outcome: str, at: float) -> None:
        self.code = code
        self.signal = signal
        self.outcome = outcome
        self.at = at


class StreamFrame(Record):
    """One frame of an attachment as a client sees it. What the frame does not carry is None (`eof`: False)."""

    __slots__ = (  # noqa: RUF023
        "output",
        "offset",
        "missed",
        "gap",
        "exit_code",
        "exited",
        "eof",
        "error",
        "stolen_by",
        "resized",
        "input_offset",
        "reset",
        "error_kind",
        "until",
        "input_ended",
    )

    def __init__(self, output: bytes | None = None, offset: int | None = None) -> None:
        self.output = output
        self.offset = offset
        self.missed: int | None = None
        self.gap: tuple[int, int] | None = None
        self.exit_code: int | None = None
        self.exited: ExitInfo | None = None
        self.eof = False
        self.error: str | None = None
        self.stolen_by: str | None = None
        self.resized: tuple[int, int] | None = None
        self.input_offset: int | None = None
        self.reset: bytes | None = None
        self.error_kind: str | None = None
        self.until: int | None = None
        self.input_ended = False


class InputFrame(Record):
    """One frame from a client: `data` counts for the kind input, `rows` and `cols` for resize."""

    __slots__ = ("kind", "data", "rows", "cols")  # noqa: RUF023

    def __init__(self, kind: InputKind, data: bytes = b"", rows: int = 0, cols: int = 0) -> None:
        self.kind: InputKind = kind
        self.data = data
        self.rows = rows
        self.cols = cols
