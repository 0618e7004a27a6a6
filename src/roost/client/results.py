"""What a client's verbs answer with, where it is not a type of `roost.model`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roost.model import Record


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
