"""What a client's verbs answer with, where it is not a type of `roost.model`."""

from __future__ import annotations

from dataclasses import dataclass

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
